//! Whether a canary without a fault passes, and if not, what is missing.
//! Every rule here can only hold a Pass back; none can fail a canary.

use std::sync::Arc;

use crate::findings::doubt::Doubt;
use crate::findings::finding::{KeepsUp, Observed};
use crate::judge::Judge;
use crate::lag::group::{CanaryPartition, GroupAnswer};
use crate::numbers::{Millis, tally};
use crate::observation::PartitionId;
use crate::settings::MinimumEvidence;
use crate::signals::lag_non_inferiority::{LagProof, PROVING_MESSAGES};

/// Part of the canary's messages that must come through proven partitions.
const PROVEN_TRAFFIC: f64 = 0.9;
/// Excused windows beyond one in four: too much was overlooked for a Pass.
const EXCUSED_ONE_IN: u32 = 4;
/// Lag up to this multiple of the primary's is the canary's share of a common backlog.
const COMMON_BACKLOG: f64 = 1.5;

/// The canary's partitions, each with what is proven of it.
pub(crate) struct PassCheck<'a> {
    judge: &'a Judge,
    answer: &'a GroupAnswer,
    /// All but those nobody ever used, and those that stood still before.
    partitions: Vec<(&'a CanaryPartition, Option<&'a LagProof>)>,
    owned: u32,
}

impl<'a> PassCheck<'a> {
    pub(crate) fn of(judge: &'a Judge, answer: &'a GroupAnswer) -> Self {
        let has_stood = |lag: &&CanaryPartition| judge.guards.stall.has_stood_at(lag.place);
        let used = answer.canary.iter().filter(|lag| !lag.unused && !has_stood(lag));
        let roster = &judge.group.lags.roster;
        let mut walk = judge.signals.lag_non_inferiority.walk();
        let partitions = used.map(|lag| (lag, walk.find(&roster.id(lag.place)))).collect();
        Self { judge, answer, partitions, owned: tally(answer.canary.len()) }
    }

    /// What a Pass rests on.
    ///
    /// # Errors
    /// The first thing that is missing for one.
    pub(crate) fn keeps_up(&self, now: Millis) -> Result<KeepsUp, Doubt> {
        self.is_warm(now)?;
        self.is_known()?;
        // Before what is said of the canary alone: it is true of everyone.
        self.judge.guards.group_lag.doubt(now)?;
        self.is_settled()?;
        self.is_unsuspected()?;
        self.moves_on()?;
        let (in_time, observed) = self.has_traffic()?;
        self.is_proven()?;
        let proven = tally(self.proofs().filter(|proof| proof.is_proven()).count());
        Ok(KeepsUp {
            partitions: proven,
            idle: self.owned - proven,
            in_time,
            lag_seconds: self.proofs().filter_map(|proof| proof.lag).fold(0.0, f64::max),
            observed,
        })
    }

    /// The least proof of a partition with traffic.
    pub(crate) fn proof(&self) -> f64 {
        let busy =
            self.partitions.iter().filter(|(_, proof)| !proof.is_some_and(LagProof::is_sparse));
        let values = busy.map(|(_, proof)| proof.map_or(1.0, |proof| proof.ln.exp()));
        values.reduce(f64::min).unwrap_or(1.0)
    }

    fn proofs(&self) -> impl Iterator<Item = &'a LagProof> {
        self.partitions.iter().filter_map(|(_, proof)| *proof)
    }

    fn is_warm(&self, now: Millis) -> Result<(), Doubt> {
        let cold = self.answer.canary.iter().filter(|lag| !lag.consumer.warm);
        let remaining = cold.map(|lag| {
            let name = self.judge.group.lags.roster.name(lag.consumer);
            let pod = self.judge.group.pods.iter().find(|pod| pod.name == *name);
            let created = pod.map_or(now, |pod| pod.created);
            created.saturating_add(self.judge.settings.warm_up).saturating_sub(now).max(0)
        });
        remaining.max().map_or(Ok(()), |remaining| Err(Doubt::WarmingUp { remaining }))
    }

    fn is_known(&self) -> Result<(), Doubt> {
        let unknown = self.partitions.iter().find(|(lag, _)| !lag.known);
        unknown.map_or(Ok(()), |(lag, _)| Err(Doubt::LagUnknown { partition: self.id(lag) }))
    }

    fn is_settled(&self) -> Result<(), Doubt> {
        let counts = &self.judge.counts;
        let overloaded = Doubt::Overloaded { excused: counts.excused };
        if counts.excused_windows.saturating_mul(EXCUSED_ONE_IN)
            > self.judge.signals.lag.test.windows()
        {
            return Err(overloaded);
        }
        let common = COMMON_BACKLOG * self.answer.common_lag;
        let normal = self.judge.signals.lag.margins.normal_lag.max(common);
        let normal_seconds = self.judge.signals.lag_non_inferiority.largest_settled(normal);
        let standing =
            self.partitions.iter().filter_map(|(lag, proof)| Some((lag, (*proof)?.lag?)));
        match standing.max_by(|a, b| a.1.total_cmp(&b.1)) {
            Some((_, behind)) if behind > normal_seconds && counts.excused > 0 => Err(overloaded),
            Some((lag, lag_seconds)) if lag_seconds > normal_seconds => {
                let partition = self.id(lag);
                Err(Doubt::LagNotSettled { partition, lag_seconds, normal_seconds })
            }
            Some(_) | None => Ok(()),
        }
    }

    /// With more evidence against the canary than it began with, wait which way it goes.
    fn is_unsuspected(&self) -> Result<(), Doubt> {
        match self.judge.signals.lag.suspected() {
            Some((id, drift)) => Err(Doubt::Suspected { partition: id.clone(), drift }),
            None => Ok(()),
        }
    }

    /// A partition that is stuck in both roles may be what the version was made for: it is told.
    fn moves_on(&self) -> Result<(), Doubt> {
        let group = &self.judge.group;
        let stood = self.judge.guards.stall.stood(&group.lags).next();
        stood.map_or(Ok(()), |place| {
            Err(Doubt::StoodBefore { partition: group.lags.roster.id(place) })
        })
    }

    /// Whether the partitions that can be proven bring nearly all messages, or else enough messages
    /// came over all partitions and each was committed in time: how many, and what that shows if it
    /// proves nothing.
    fn has_traffic(&self) -> Result<(Option<u32>, Option<Observed>), Doubt> {
        let low = |partitions| Err(Doubt::LowTraffic { partitions, of: self.owned });
        if self.partitions.is_empty() {
            return low(self.owned);
        }
        let total: f64 = self.proofs().map(LagProof::traffic).sum();
        let proven = || self.proofs().filter(|proof| proof.is_proven());
        let sparse = self.proofs().filter(|one| one.is_sparse() && !one.is_proven()).count();
        let carried = proven().map(LagProof::traffic).sum::<f64>();
        let speak = carried > 0.0 && carried >= PROVEN_TRAFFIC * total;
        if speak || proven().count() + sparse < self.partitions.len() {
            return Ok((None, None));
        }
        let in_time = self.judge.signals.lag_non_inferiority.in_time;
        if in_time >= PROVING_MESSAGES {
            return Ok((Some(in_time), None));
        }
        let observed = match self.judge.settings.minimum_evidence {
            MinimumEvidence::Observed => self.judge.signals.lag_non_inferiority.observed(),
            MinimumEvidence::Proven => None,
        };
        match observed {
            Some(observed) => Ok((Some(in_time), Some(observed))),
            None => low(tally(sparse) + self.owned - tally(self.partitions.len())),
        }
    }

    fn is_proven(&self) -> Result<(), Doubt> {
        let fresh = LagProof::new(Arc::from(""));
        let missing = |proof: Option<&LagProof>| {
            let proof = proof.unwrap_or(&fresh);
            let enough = proof.lag.is_some() && (proof.is_proven() || proof.is_sparse());
            if enough { 0 } else { proof.windows_missing().max(1) }
        };
        let open = self.partitions.iter().map(|(lag, proof)| (lag, missing(*proof)));
        match open.max_by_key(|(_, windows)| *windows) {
            Some((lag, windows)) if windows > 0 => {
                let length = self.judge.signals.lag_non_inferiority.window_length();
                let remaining = Millis::from(windows).saturating_mul(length);
                Err(Doubt::MoreEvidence { remaining, partition: self.id(lag) })
            }
            Some(_) | None => Ok(()),
        }
    }

    fn id(&self, lag: &CanaryPartition) -> PartitionId {
        self.judge.group.lags.roster.id(lag.place)
    }
}
