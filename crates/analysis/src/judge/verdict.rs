//! From the judge's state to its answer: which finding stands, and what is reported with it.
//! Only reads; the first rule that holds wins.

use crate::constants::{LARGEST_EVIDENCE, RECENT_POLLS};
use crate::findings::assessment::{Assessment, EValue, SignalReport, WindowCount};
use crate::findings::doubt::Doubt;
use crate::findings::finding::{Finding, KeepsUp, Observed};
use crate::findings::note::Note;
use crate::findings::signal::Signal;
use crate::guards::stall::Stall;
use crate::judge::Judge;
use crate::judge::pass::PassCheck;
use crate::lag::group::GroupAnswer;
use crate::numbers::Millis;
use crate::observation::GroupState;
use crate::observation::record::CLOCK_STEP;
use crate::signals::evidence::{SignalEvidence, ln_total};
use crate::signals::lag_non_inferiority::LagNonInferiority;

/// Unattributed partitions beyond this percentage make every comparison doubtful.
const MOST_UNATTRIBUTED_PERCENT: u32 = 5;
/// Primary partitions from which their median is a reference.
const ENOUGH_PRIMARY_PARTITIONS: u32 = 3;

impl Judge {
    /// What is known at `now`. `primary_healthy`: whether enough primary pods are Ready (for a
    /// single pod that the canary replaces: whether it was healthy before).
    #[must_use]
    pub fn assess(&self, now: Millis, primary_healthy: bool) -> Assessment {
        let evidence = self.signals.evidence();
        let finding = self.finding(now, primary_healthy, &evidence);
        let reports = self.signals.reports(&evidence, self.ln_needed());
        let signals: Vec<SignalReport> = reports.chain(self.guards.reports()).collect();
        let lag = signals.iter().find(|report| report.signal == Signal::Lag);
        let proof = self.group.answer.as_ref().map_or(1.0, |it| PassCheck::of(self, it).proof());
        Assessment {
            at: now,
            verdict: finding.verdict(),
            finding,
            against: EValue {
                value: ln_total(&evidence).exp().min(LARGEST_EVIDENCE),
                needed: self.ln_needed().exp().min(LARGEST_EVIDENCE),
            },
            proof: EValue { value: proof, needed: LagNonInferiority::NEEDED },
            stall_wait: self.guards.stall.wait(),
            smallest_drift_seen: lag.and_then(|lag| lag.smallest_effect_seen),
            samples: self.counts.samples,
            windows: WindowCount {
                used: self.signals.lag.test.windows(),
                without_evidence: self.counts.without_evidence,
                length: self.signals.lag.window_length(),
            },
            blind: self.blind(),
            signals,
            notes: self.notes(),
        }
    }

    /// The finding of [`Judge::assess`] alone, without the figures around it: faster, for replays
    /// and simulations.
    #[must_use]
    pub fn find(&self, now: Millis, primary_healthy: bool) -> Finding {
        self.finding(now, primary_healthy, &self.signals.evidence())
    }

    fn finding(&self, now: Millis, primary_healthy: bool, evidence: &[SignalEvidence]) -> Finding {
        if let Some(found) = self.guards.finding(&self.group, primary_healthy) {
            return found;
        }
        let answer = match self.usable_answer(now) {
            Ok(answer) => answer,
            Err(doubt) => return Finding::Doubt(doubt),
        };
        let worse = || {
            let rewound = self.guards.rewound(&self.group);
            let behind = || self.guards.alone.behind(&self.group);
            let found = rewound.or_else(behind);
            found.or_else(|| self.signals.worse(&self.group, evidence, self.ln_needed()))
        };
        let (fault, spared) = match self.guards.stall.stall(&self.group.lags) {
            Some(Stall::Shared(doubt)) => return Finding::Doubt(doubt),
            Some(Stall::Canary(stall)) => (Some(stall), None),
            Some(Stall::Spared { suspicion, .. }) if !primary_healthy => (Some(suspicion), None),
            Some(Stall::Spared { doubt, .. }) => (worse(), Some(doubt)),
            None => (worse(), None),
        };
        match (fault, spared) {
            (suspicion, _) if !primary_healthy => {
                let suspicion = suspicion.map(Box::new);
                Finding::Doubt(Doubt::PrimaryUnhealthy { suspicion })
            }
            (Some(fault), _) => Finding::Fault(fault),
            (None, Some(doubt)) => Finding::Doubt(doubt),
            (None, None) => match self.keeps_up(now, answer, evidence) {
                Ok(proof) => Finding::KeepsUp(proof),
                Err(doubt) => Finding::Doubt(doubt),
            },
        }
    }

    /// What a Pass rests on: lag first, then the other signals.
    fn keeps_up(
        &self,
        now: Millis,
        answer: &GroupAnswer,
        evidence: &[SignalEvidence],
    ) -> Result<KeepsUp, Doubt> {
        let least = self.settings.minimum_evidence;
        let proof = PassCheck::of(self, answer).keeps_up(now)?;
        let begin = self.group.begin;
        let watched = now.saturating_sub(begin.unwrap_or(now)).max(0);
        self.signals.is_unsuspected(evidence, watched)?;
        // What somebody chose a bound for says more than the comparison of the same series.
        self.guards.keep_up(now, begin)?;
        let counted = self.signals.is_proven(now, begin.unwrap_or(now), least)?;
        Ok(KeepsUp { observed: Observed::weaker(proof.observed, counted), ..proof })
    }

    /// The group, if Kafka answered lately and the canary is in it.
    fn usable_answer(&self, now: Millis) -> Result<&GroupAnswer, Doubt> {
        let answer = self.group.answer.as_ref().ok_or(Doubt::NoObservation { silent: None })?;
        let age = now.saturating_sub(answer.at);
        let oldest = self.settings.interval.saturating_mul(RECENT_POLLS);
        if !(-CLOCK_STEP..=oldest).contains(&age) {
            return Err(Doubt::NoObservation { silent: Some(age.max(0)) });
        }
        let (doubtful, of) = (u64::from(answer.unattributed), u64::from(answer.assigned));
        if doubtful * 100 > of * u64::from(MOST_UNATTRIBUTED_PERCENT) {
            let (partitions, of) = (answer.unattributed, answer.assigned);
            return Err(Doubt::Unattributed { partitions, of });
        }
        match answer.state {
            GroupState::Rebalancing => Err(Doubt::Rebalancing),
            GroupState::Empty => Err(Doubt::NoPartition),
            GroupState::Stable if answer.canary.is_empty() => Err(Doubt::NoPartition),
            GroupState::Stable => Ok(answer),
        }
    }

    /// Signals and bounds that this trial has no input for.
    fn blind(&self) -> Vec<Signal> {
        let mut blind = self.signals.blind();
        blind.extend(self.guards.blind());
        blind.sort_unstable();
        blind
    }

    fn ln_needed(&self) -> f64 {
        self.settings.ln_needed(self.losses)
    }

    fn notes(&self) -> Vec<Note> {
        let odd = self.group.lags.oddities;
        let margins = &self.signals.lag.margins;
        let primary = self.group.answer.as_ref().map(|answer| answer.primary);
        let (excused, spared) = (self.counts.excused, self.counts.beside_a_slow_peer);
        let unreadable = self.signals.meter.unreadable.saturating_add(self.guards.unreadable());
        [
            (!margins.learned).then_some(Note::NoRecord),
            margins
                .commit_gap
                .is_none()
                .then_some(Note::DefaultStallTime { wait: self.guards.stall.wait() }),
            (self.losses > 0).then_some(Note::StartedOver { times: self.losses }),
            primary
                .filter(|&partitions| partitions < ENOUGH_PRIMARY_PARTITIONS)
                .map(|partitions| Note::FewPrimaryPartitions { partitions }),
            (odd.lost_by_retention > 0)
                .then_some(Note::LostByRetention { records: odd.lost_by_retention }),
            (odd.commits_fell > 0).then_some(Note::CommitsFell { times: odd.commits_fell }),
            (odd.topic_recreated > 0)
                .then_some(Note::TopicRecreated { times: odd.topic_recreated }),
            (margins.warm_up > 0 && margins.warm_up == self.settings.warm_up)
                .then_some(Note::LongWarmUp { warm_up: margins.warm_up }),
            (excused > 0).then_some(Note::Excused { excused }),
            (spared > 0).then_some(Note::BesideASlowPeer { spared }),
            (unreadable > 0).then_some(Note::UnreadableMetrics { values: unreadable }),
            self.signals.is_gross_blind().then_some(Note::FrequentErrors),
        ]
        .into_iter()
        .flatten()
        .chain(self.signals.without_events())
        .chain(self.guards.notes(&self.group))
        .collect()
    }
}
