//! What the signals say to people: reports, the doubt that stands against a Pass, the leading one.
//! Only reads.

use std::sync::Arc;

use crate::constants::LARGEST_EVIDENCE;
use crate::counters::kind::Kind;
use crate::engines::e_process::ROUNDING;
use crate::findings::assessment::SignalReport;
use crate::findings::doubt::Doubt;
use crate::findings::effect::Effect;
use crate::findings::finding::Finding;
use crate::findings::note::Note;
use crate::findings::signal::Signal;
use crate::guards::bounds::Bounds;
use crate::numbers::Millis;
use crate::settings::bound::Against;
use crate::signals::Signals;
use crate::signals::ratio::RatioSignal;

/// A required signal without a window for this long is silent.
const SILENT: Millis = 180_000;

impl Signals {
    /// A report of each available signal but lag. `ln_needed`: what the whole evidence needs.
    pub(crate) fn reports(
        &self,
        evidence: &[(Signal, f64, f64)],
        ln_needed: f64,
    ) -> Vec<SignalReport> {
        let others = evidence.iter().filter(|(signal, _, _)| *signal != Signal::Lag);
        let report = |(signal, weight, ln): &(Signal, f64, f64)| SignalReport {
            signal: signal.clone(),
            weight: *weight,
            evidence: ln.exp().min(LARGEST_EVIDENCE),
            proven: self.counts(signal).map(RatioSignal::is_proven),
            effect: self.culprit(signal).map(|(_, effect)| effect),
            smallest_effect_seen: self.smallest_seen(signal, ln_needed - weight.ln()),
        };
        let known = self.bounds.iter().filter(|bounds| !bounds.is_blind());
        others.map(report).chain(known.map(Bounds::report)).collect()
    }

    /// A threshold, or a check, that more readings failed than are tolerated. One of values alone needs no
    /// primary; a comparison with an unhealthy one blames nobody.
    pub(crate) fn out_of_bounds(&self, primary_healthy: bool) -> Option<Finding> {
        let faults = || self.bounds.iter().filter_map(|it| Some((it.against(), it.fault()?)));
        let blames = |against| primary_healthy || against == Against::Absolute;
        if let Some((_, fault)) = faults().find(|(against, _)| blames(*against)) {
            return Some(Finding::Fault(fault));
        }
        let suspicion = Some(Box::new(faults().next()?.1));
        Some(Finding::Doubt(Doubt::PrimaryUnhealthy { suspicion }))
    }

    /// The pod that a signal points at, and the effect. `None`: nothing was compared.
    pub(crate) fn culprit(&self, signal: &Signal) -> Option<(Arc<str>, Effect)> {
        match signal {
            Signal::Lag => None,
            Signal::Errors | Signal::Loss | Signal::Latency | Signal::User(_) => {
                let ratio = self.counts(signal)?;
                Some((ratio.worst_pod()?, ratio.effect()))
            }
            Signal::Yield => self.yields.as_ref()?.leading(),
            Signal::Memory => self.memory.as_ref()?.leading(),
            Signal::Restarts => Some((self.restarts.worst_pod()?, self.restarts.effect())),
            Signal::Churn => Some((self.churn.pod()?, self.churn.effect())),
        }
    }

    /// What stands against a Pass: a required signal that is silent, absent or not proven, or
    /// more evidence against the canary than it began with.
    ///
    /// # Errors
    /// The first such doubt.
    pub(crate) fn keep_up(
        &self,
        now: Millis,
        evidence: &[(Signal, f64, f64)],
    ) -> Result<(), Doubt> {
        let suspect = evidence
            .iter()
            .filter(|(signal, _, ln)| *signal != Signal::Lag && *ln > ROUNDING)
            .max_by(|a, b| a.2.total_cmp(&b.2));
        if let Some((signal, _, _)) = suspect {
            let signal = signal.clone();
            return Err(match self.culprit(&signal) {
                Some((pod, effect)) => Doubt::SignalSuspected { signal, pod, effect },
                // Its pod is gone, or this process has not seen a window yet.
                None => Doubt::SignalSilent { signal, silent: self.watched(now) },
            });
        }
        // What somebody chose a bound for says more than the comparison of the same series.
        self.bounds.iter().try_for_each(|bounds| bounds.keep_up(now, self.begin))?;
        for kind in self.kinds() {
            let Some(ratio) = self.ratio(kind) else { continue };
            let signal = self.signal(kind);
            if ratio.is_absent() {
                return Err(Doubt::SignalAbsent { signal });
            }
            self.has_spoken(&signal, ratio.latest(), now)?;
            if !ratio.is_proven() {
                let messages = crate::numbers::whole(ratio.messages_needed());
                return Err(Doubt::SignalUnproven { signal, messages });
            }
        }
        if let Some(memory) = &self.memory {
            self.has_spoken(&Signal::Memory, memory.latest(), now)?;
        }
        Ok(())
    }

    /// For how long this process has watched the trial.
    fn watched(&self, now: Millis) -> Millis {
        now.saturating_sub(self.begin.unwrap_or(now)).max(0)
    }

    fn has_spoken(
        &self,
        signal: &Signal,
        latest: Option<Millis>,
        now: Millis,
    ) -> Result<(), Doubt> {
        let silent = now.saturating_sub(latest.or(self.begin).unwrap_or(now));
        if latest.is_none() || silent > SILENT {
            return Err(Doubt::SignalSilent { signal: signal.clone(), silent: silent.max(0) });
        }
        Ok(())
    }

    /// Values that were scraped and were no numbers.
    pub(crate) fn unreadable(&self) -> u32 {
        let values = self.bounds.iter().map(|bounds| bounds.unreadable);
        values.fold(self.meter.unreadable, u32::saturating_add)
    }

    /// Whether the primary fails so often that not even total failure would be found at once.
    pub(crate) fn is_gross_blind(&self) -> bool {
        self.ratio(Kind::Errors).is_some_and(RatioSignal::is_gross_blind)
    }

    /// What is missing of what the user asked for.
    pub(crate) fn lacking(&self) -> impl Iterator<Item = Note> {
        self.without_events().chain(self.bounds.iter().flat_map(Bounds::notes))
    }

    /// The user's ratios whose events nobody has exported yet.
    fn without_events(&self) -> impl Iterator<Item = Note> {
        let named = self.reader.user.iter().enumerate();
        named.filter_map(|(place, metric)| {
            let missing = self.ratio(Kind::User(place))?.is_without_events();
            missing.then(|| Note::NoEvents { metric: metric.clone() })
        })
    }

    fn counts(&self, signal: &Signal) -> Option<&RatioSignal> {
        let kind = self.kinds().find(|kind| self.signal(*kind) == *signal)?;
        self.ratio(kind)
    }

    fn smallest_seen(&self, signal: &Signal, ln_needed: f64) -> Option<f64> {
        match signal {
            Signal::Lag => None,
            Signal::Errors | Signal::Loss | Signal::Latency | Signal::User(_) => {
                self.counts(signal)?.smallest_ratio_seen(ln_needed)
            }
            Signal::Yield => self.yields.as_ref()?.smallest_seen(ln_needed),
            Signal::Memory => self.memory.as_ref()?.smallest_seen(ln_needed),
            Signal::Restarts => self.restarts.smallest_seen(ln_needed),
            Signal::Churn => self.churn.smallest_seen(ln_needed),
        }
    }
}
