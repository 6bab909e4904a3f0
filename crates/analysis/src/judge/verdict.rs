//! From the judge's state to its answer: which finding stands, and what is reported with it.
//! Only reads; the first rule that holds wins.

use crate::constants::{LARGEST_EVIDENCE, RECENT_POLLS};
use crate::engines::e_process::ROUNDING;
use crate::engines::non_inferiority::PROVEN;
use crate::findings::assessment::{Assessment, Evidence, SignalReport, WindowCount};
use crate::findings::doubt::Doubt;
use crate::findings::fault::Fault;
use crate::findings::finding::{Finding, Verdict};
use crate::findings::note::Note;
use crate::findings::signal::Signal;
use crate::guards::crash::crash_guard;
use crate::guards::stall::Stall;
use crate::judge::Judge;
use crate::judge::live::Group;
use crate::judge::pass::PassCheck;
use crate::numbers::{Millis, seconds};
use crate::observation::GroupState;
use crate::observation::record::CLOCK_STEP;
use crate::signals::ln_total;

/// Unattributed partitions beyond this percentage make every comparison doubtful.
const MOST_UNATTRIBUTED: u32 = 5;
/// How far a drift is projected, in seconds.
const PROJECTION: f64 = 600.0;
/// Primary partitions from which their median is a reference.
const ENOUGH_PRIMARY: u32 = 3;

impl Judge {
    /// What is known at `now`. `primary_healthy`: whether enough primary pods are Ready (for a
    /// single pod that the canary replaces: whether it was healthy before).
    #[must_use]
    pub fn assess(&self, now: Millis, primary_healthy: bool) -> Assessment {
        let evidence = self.signals.evidence(self.ledger.ln_value());
        let finding = self.finding(now, primary_healthy, &evidence);
        let lag = self.lag_report(&evidence);
        let smallest_drift_seen = lag.as_ref().and_then(|lag| lag.smallest_effect_seen);
        let others = self.signals.reports(&evidence, self.ln_needed());
        let proof =
            self.live.group.as_ref().map_or(1.0, |group| PassCheck::of(self, group).proof());
        Assessment {
            at: now,
            verdict: finding.verdict(),
            finding,
            against: Evidence {
                value: ln_total(&evidence).exp().min(LARGEST_EVIDENCE),
                needed: self.ln_needed().exp().min(LARGEST_EVIDENCE),
            },
            proof: Evidence { value: proof, needed: PROVEN },
            stall_wait: self.live.stall.wait(),
            smallest_drift_seen,
            samples: self.counts.samples,
            windows: WindowCount {
                used: self.ledger.windows(),
                without_evidence: self.counts.without_evidence,
                length: self.live.drift_windows.length(),
            },
            blind: self.signals.blind(),
            signals: lag.into_iter().chain(others).collect(),
            notes: self.notes(),
        }
    }

    /// The finding of [`Judge::assess`] alone, without the figures around it: faster, for replays
    /// and simulations.
    #[must_use]
    pub fn find(&self, now: Millis, primary_healthy: bool) -> Finding {
        self.finding(now, primary_healthy, &self.signals.evidence(self.ledger.ln_value()))
    }

    fn lag_report(&self, evidence: &[(Signal, f64, f64)]) -> Option<SignalReport> {
        let lag = evidence.iter().find(|(signal, ..)| *signal == Signal::Lag)?;
        let (weight, ln) = (lag.1, lag.2);
        let needed = self.ln_needed() - weight.ln();
        let delta = self.tolerance.drift();
        let normal = self.margins.normal_lag / seconds(self.live.drift_windows.length());
        Some(SignalReport {
            signal: Signal::Lag,
            weight,
            evidence: ln.exp().min(LARGEST_EVIDENCE),
            proven: None,
            effect: None,
            smallest_effect_seen: self.ledger.smallest_drift_seen(needed, delta, normal),
        })
    }

    fn finding(
        &self,
        now: Millis,
        primary_healthy: bool,
        evidence: &[(Signal, f64, f64)],
    ) -> Finding {
        if let Some(found) = self.guard(primary_healthy) {
            return found;
        }
        let group = match self.usable_group(now) {
            Ok(group) => group,
            Err(doubt) => return Finding::Doubt(doubt),
        };
        let fault = match self.live.stall.stall(&self.live.lags) {
            Some(Stall::Shared(doubt)) => return Finding::Doubt(doubt),
            Some(Stall::Canary(stall)) => Some(stall),
            None => self.live.rewound().or_else(|| self.worse(group, evidence)),
        };
        match fault {
            suspicion if !primary_healthy => {
                let suspicion = suspicion.map(Box::new);
                Finding::Doubt(Doubt::PrimaryUnhealthy { suspicion })
            }
            Some(fault) => Finding::Fault(fault),
            None => {
                let proof = PassCheck::of(self, group).keeps_up(now);
                let others = || self.signals.keep_up(now, evidence);
                match proof.and_then(|proof| others().map(|()| proof)) {
                    Ok(proof) => Finding::KeepsUp(proof),
                    Err(doubt) => Finding::Doubt(doubt),
                }
            }
        }
    }

    /// What needs neither Kafka nor statistics: crashes, and bounds that the user set. A Fail goes
    /// before a doubt.
    fn guard(&self, primary_healthy: bool) -> Option<Finding> {
        let crash = crash_guard(&self.live.pods, primary_healthy);
        let found = [crash, self.signals.out_of_bounds(primary_healthy)].into_iter().flatten();
        found.min_by_key(|finding| finding.verdict() != Verdict::Fail)
    }

    /// The group, if Kafka answered lately and the canary is in it.
    fn usable_group(&self, now: Millis) -> Result<&Group, Doubt> {
        let group = self.live.group.as_ref().ok_or(Doubt::NoObservation { silent: None })?;
        let age = now.saturating_sub(group.at);
        let oldest = self.settings.interval.saturating_mul(RECENT_POLLS);
        if !(-CLOCK_STEP..=oldest).contains(&age) {
            return Err(Doubt::NoObservation { silent: Some(age.max(0)) });
        }
        let (doubtful, of) = (u64::from(group.unattributed), u64::from(group.assigned));
        if doubtful * 100 > of * u64::from(MOST_UNATTRIBUTED) {
            let (partitions, of) = (group.unattributed, group.assigned);
            return Err(Doubt::Unattributed { partitions, of });
        }
        match group.state {
            GroupState::Rebalancing => Err(Doubt::Rebalancing),
            GroupState::Empty => Err(Doubt::NoPartition),
            GroupState::Stable if group.canary.is_empty() => Err(Doubt::NoPartition),
            GroupState::Stable => Ok(group),
        }
    }

    /// The signal with the largest part of the evidence, if all together are enough.
    fn worse(&self, group: &Group, evidence: &[(Signal, f64, f64)]) -> Option<Fault> {
        if ln_total(evidence) < self.ln_needed() {
            return None;
        }
        // One without evidence of its own is not the reason, even if no other can be named now.
        let speaking = evidence.iter().filter(|(.., ln)| *ln > ROUNDING);
        let mut parts: Vec<(&Signal, f64)> =
            speaking.map(|(signal, weight, ln)| (signal, weight.ln() + ln)).collect();
        parts.sort_by(|a, b| b.1.total_cmp(&a.1));
        parts.into_iter().find_map(|(signal, _)| match signal {
            Signal::Lag => self.drifting(group),
            Signal::Latency
            | Signal::Loss
            | Signal::Errors
            | Signal::Memory
            | Signal::Yield
            | Signal::Restarts
            | Signal::Churn
            | Signal::User(_) => {
                let (pod, effect) = self.signals.culprit(signal)?;
                Some(Fault::Worse { signal: signal.clone(), pod, effect })
            }
        })
    }

    fn drifting(&self, group: &Group) -> Option<Fault> {
        let (id, drift) = self.ledger.leading()?;
        let roster = &self.live.lags.roster;
        let place = roster.place(id)?;
        let lag = group.canary.iter().find(|lag| lag.place() == place)?;
        let lag_seconds = lag.behind;
        Some(Fault::Drifting {
            partition: id.clone(),
            pod: roster.name(lag.consumer).clone(),
            drift,
            lag_seconds,
            projected_seconds: lag_seconds + drift.max(0.0) * PROJECTION,
        })
    }

    fn ln_needed(&self) -> f64 {
        self.settings.ln_needed(self.losses)
    }

    fn notes(&self) -> Vec<Note> {
        let odd = self.live.lags.oddities;
        let group = self.live.group.as_ref();
        let primary = group.map(|group| group.primary);
        let (excused, spared) = (self.counts.excused, self.counts.beside_a_slow_peer);
        let unreadable = self.signals.unreadable();
        [
            (!self.margins.learnt).then_some(Note::NoRecord),
            self.margins
                .commit_gap
                .is_none()
                .then_some(Note::DefaultStallTime { wait: self.live.stall.wait() }),
            (self.losses > 0).then_some(Note::StartedOver { times: self.losses }),
            primary
                .filter(|&partitions| partitions < ENOUGH_PRIMARY)
                .map(|partitions| Note::FewPrimaryPartitions { partitions }),
            (odd.lost_by_retention > 0)
                .then_some(Note::LostByRetention { records: odd.lost_by_retention }),
            (odd.commits_fell > 0).then_some(Note::CommitsFell { times: odd.commits_fell }),
            (odd.topic_recreated > 0)
                .then_some(Note::TopicRecreated { times: odd.topic_recreated }),
            (excused > 0).then_some(Note::Excused { excused }),
            (spared > 0).then_some(Note::BesideASlowPeer { spared }),
            (unreadable > 0).then_some(Note::UnreadableMetrics { values: unreadable }),
            self.signals.is_gross_blind().then_some(Note::FrequentErrors),
        ]
        .into_iter()
        .flatten()
        .chain(self.signals.lacking())
        .collect()
    }
}
