//! A rollout that is to be estimated: settings, traffic, and the margins a judge would have
//! learned. What is the same for all steps; no effect is searched for here.

use crate::constants::Constant;
use crate::counters::kind::Kind;
use crate::findings::signal::Signal;
use crate::normal::margins::Margins;
use crate::numbers::whole_polls;
use crate::power::counts::Counted;
use crate::power::plan::{Stage, Traffic};
use crate::settings::Settings;
use crate::settings::user_metric::UserRule;
use crate::signals::evidence::weight;

/// The signals that need no definition.
const ALL: [Signal; 10] = [
    Signal::Lag,
    Signal::Errors,
    Signal::Loss,
    Signal::Latency,
    Signal::Cpu,
    Signal::Yield,
    Signal::Duplicates,
    Signal::Memory,
    Signal::Restarts,
    Signal::Churn,
];

/// What is the same for all steps.
pub(crate) struct Case {
    pub(crate) settings: Settings,
    pub(crate) traffic: Traffic,
    pub(crate) margins: Margins,
}

impl Case {
    pub(crate) fn new(settings: &Settings, traffic: &Traffic) -> Self {
        let settings = settings.clone().sane();
        // Polls see a commit at the earliest one interval after the one before.
        let gap = whole_polls(traffic.commit_interval.max(1), settings.interval);
        Self {
            settings,
            traffic: Traffic {
                consumers: traffic.consumers.max(1),
                partitions: traffic.partitions.max(1),
                rate: if traffic.rate.is_finite() { traffic.rate.max(0.0) } else { 0.0 },
                ..*traffic
            },
            margins: Margins {
                commit_gap: Some(gap),
                remembered_gap: None,
                typical_gap: Some(gap),
                scale: crate::engines::drift_test::FINEST_SCALE,
                normal_lag: Constant::NormalLag.value(),
                learned: true,
                warm_up: 0,
            },
        }
    }

    /// The canary's part of pods, partitions and messages.
    pub(crate) fn share(&self, canary: u32) -> f64 {
        f64::from(canary) / f64::from(self.traffic.consumers)
    }

    pub(crate) fn canary_partitions(&self, canary: u32) -> u32 {
        let (all, of) = (u64::from(self.traffic.partitions), u64::from(self.traffic.consumers));
        let nearest = (all * u64::from(canary) + of / 2) / of;
        u32::try_from(nearest).unwrap_or(u32::MAX)
    }

    /// The primary's rate of a kind; `None`: there is no input for it.
    pub(crate) fn base(&self, kind: Kind) -> Option<f64> {
        let rates = self.traffic.metrics?;
        Some(match kind {
            Kind::Errors => rates.errors,
            Kind::Loss => 0.0,
            Kind::Latency => rates.slow,
            // How often a user's event happens nobody has said, nor how CPU varies.
            Kind::Cpu | Kind::User(_) => return None,
        })
    }

    pub(crate) fn counted<'a>(&'a self, kind: Kind, stages: &'a [Stage]) -> Option<Counted<'a>> {
        let base = self.base(kind)?;
        let (settings, traffic) = (&self.settings, &self.traffic);
        Some(Counted { kind, base, settings, traffic, stages })
    }

    pub(crate) fn blind(&self) -> Vec<Signal> {
        ALL.into_iter().filter(|signal| !self.is_available(signal)).collect()
    }

    pub(crate) fn is_available(&self, signal: &Signal) -> bool {
        match signal {
            Signal::Lag | Signal::Restarts | Signal::Churn => true,
            Signal::Errors
            | Signal::Loss
            | Signal::Latency
            | Signal::Cpu
            | Signal::Yield
            | Signal::Duplicates
            | Signal::Memory => self.traffic.metrics.is_some(),
            Signal::User(_) => false,
        }
    }

    /// ln of the evidence that a signal needs alone: its weight is that of the available signals.
    pub(crate) fn ln_needed(&self, signal: &Signal) -> f64 {
        let built_in: f64 = ALL.iter().filter(|it| self.is_available(it)).map(weight).sum();
        let ratios = self.settings.user.iter().filter(|it| it.rule == UserRule::Ratio);
        let own: f64 = ratios.map(|it| weight(&Signal::User(it.name.clone()))).sum();
        let total = built_in + own;
        self.settings.ln_needed(0) - (weight(signal) / total).ln()
    }
}
