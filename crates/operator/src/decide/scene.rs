//! What every row of the table needs, computed once per decision: N, the facts as they must be
//! written next, the limits of a move. And the one way from goals to effects.

use jiff::Timestamp;

use super::count::desired_total;
use super::observed::{
    Desired, Evidence, Facts, Frozen, MoveOrder, Observed, Primary, Target, Workload,
};
use super::plan::{Effect, Held};
use super::revision::{Revision, RolloutId};
use super::transfer::{Limits, Side, transfer};

/// An observation with an X-primary in it.
#[derive(Clone, Debug)]
pub(super) struct Scene<'a> {
    pub(super) seen: &'a Observed,
    pub(super) primary: &'a Primary,
    pub(super) now: Timestamp,
    /// N.
    pub(super) total: u32,
    /// The facts with owner, N and consumed values brought up to date.
    pub(super) facts: Facts,
    /// The promoted revision: from the facts, else the mark, else what primary runs.
    pub(super) promoted: Option<Revision>,
}

/// The live template, held against what was promoted and rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Relation {
    /// It is the promoted one.
    Promoted,
    /// It was rejected, by this attempt.
    Rejected(RolloutId),
    /// It needs no trial.
    NoTrialNeeded(Desired),
    /// It was never judged.
    Untried(Desired),
}

impl<'a> Scene<'a> {
    pub(super) fn of(seen: &'a Observed, primary: &'a Primary, now: Timestamp) -> Self {
        let (total, noted) = desired_total(seen, primary);
        let mut facts = primary.facts.clone();
        if facts.owner != seen.uid {
            // Resumed from an earlier CanaryRollout: what it left undone is not ours to finish,
            // and a bypass that was already there was meant for its revision.
            facts.owner = seen.uid.clone();
            facts.ending = None;
            facts.bypass = seen.target.as_ref().and_then(|it| it.bypass.clone());
        }
        if seen.target.as_ref().is_some_and(|it| it.bypass.is_none()) {
            facts.bypass = None;
        }
        facts.replicas = total;
        facts.target_replicas = noted;
        let counted = seen.frozen.iter().map(|it| it.attempt).max().unwrap_or(0);
        facts.attempts = facts.attempts.max(counted);
        let marked = seen.frozen.iter().filter(|it| it.promoted).max_by_key(|it| it.attempt);
        let promoted =
            facts.promoted.or(marked.map(|it| it.revision)).or(primary.workload.revision);
        Self { seen, primary, now, total, facts, promoted }
    }

    pub(super) fn frozen(&self, revision: Revision) -> Option<&'a Frozen> {
        self.seen.frozen.iter().find(|it| it.revision == revision)
    }

    pub(super) fn is_rejected(&self, revision: Revision) -> bool {
        self.frozen(revision).is_some_and(|it| it.rejection.is_some())
    }

    /// How the live template relates to the promoted one; `None` while X is missing.
    pub(super) fn relation(&self) -> Option<Relation> {
        let desired = self.seen.target.as_ref()?.desired;
        if Some(desired.revision) == self.promoted {
            return Some(Relation::Promoted);
        }
        let rejected = |it: &&Frozen| it.rejection.is_some();
        let same = self.seen.frozen.iter().filter(rejected);
        let exact = same.clone().find(|it| it.revision == desired.revision);
        let promoted_key = self.promoted.and_then(|it| self.frozen(it)).map(|it| it.trial);
        let equivalent = || {
            if promoted_key == Some(desired.trial) {
                return None;
            }
            same.clone().find(|it| it.trial == desired.trial)
        };
        if let Some(rejection) = exact.or_else(equivalent).and_then(|it| it.rejection) {
            return Some(Relation::Rejected(rejection.rollout));
        }
        if promoted_key == Some(desired.trial) {
            return Some(Relation::NoTrialNeeded(desired));
        }
        Some(Relation::Untried(desired))
    }

    /// A bypass that was not consumed yet.
    pub(super) fn live_bypass(&self) -> bool {
        let bypass = self.seen.target.as_ref().and_then(|it| it.bypass.as_ref());
        bypass.is_some() && bypass != self.facts.bypass.as_ref()
    }

    /// The facts with a live bypass recorded as consumed.
    pub(super) fn consuming_bypass(&self) -> Facts {
        let bypass = self.seen.target.as_ref().and_then(|it| it.bypass.clone());
        Facts { bypass, ..self.facts.clone() }
    }

    /// Why no forward move may be made, whatever the evidence says.
    pub(super) fn brake(&self) -> Option<Held> {
        if self.seen.target.is_none() {
            Some(Held::TargetMissing)
        } else if !self.seen.spec_valid {
            Some(Held::InvalidSpec)
        } else if self.seen.suspended {
            Some(Held::Suspended)
        } else {
            None
        }
    }

    pub(super) fn overdue(&self, since: Timestamp) -> bool {
        self.seen.strategy.progress_deadline < self.now.duration_since(since)
    }

    pub(super) fn deadline(&self, since: Timestamp) -> Timestamp {
        since.saturating_add(self.seen.strategy.progress_deadline).unwrap_or(Timestamp::MAX)
    }

    /// The counts on the way to `(primary, canary)`, one transfer at a time.
    pub(super) fn counts(&self, primary_goal: u32, canary_goal: u32) -> (u32, u32) {
        let healthy = self.seen.evidence != Evidence::GuardFailed;
        let primary = side(Some(&self.primary.workload), primary_goal, true);
        let canary = side(self.seen.canary.as_ref(), canary_goal, healthy);
        let current = self.primary.workload.current
            && self.seen.canary.as_ref().is_none_or(|it| it.current || !healthy);
        if !current {
            return (primary.spec, canary.spec);
        }
        if canary_goal < canary.spec {
            let (canary, primary) = transfer(canary, primary, self.limits());
            return (primary, canary);
        }
        transfer(primary, canary, self.limits())
    }

    pub(super) fn limits(&self) -> Limits {
        let target = self.seen.target.as_ref().map(|it| it.max_unavailable);
        limits(self.seen, self.total, target.unwrap_or(self.primary.max_unavailable))
    }

    /// Whether primary serves at `count`: all ready, all of its current template.
    pub(super) fn primary_ready(&self, count: u32) -> bool {
        let it = &self.primary.workload;
        it.current && it.rolled && it.replicas == count && count <= it.ready
    }

    /// Whether primary runs this revision and nothing older, with this many pods ready: the units
    /// that the canary still holds may come over. A unit on its way does not take that back.
    pub(super) fn primary_serves(&self, revision: Revision, count: u32) -> bool {
        let it = &self.primary.workload;
        it.revision == Some(revision) && it.current && it.rolled && count <= it.ready
    }

    /// Whether the canary has left, its last pod included.
    pub(super) fn canary_gone(&self) -> bool {
        self.seen
            .canary
            .as_ref()
            .is_none_or(|it| it.replicas == 0 && it.ready == 0 && it.terminating == 0 && it.current)
    }

    /// From goals to effects: nothing for what is already so, shrinks before growth so that the
    /// sum of the spec counts never passes the ceiling in between.
    pub(super) fn enact(
        &self,
        primary: (Revision, u32),
        canary: (Revision, u32),
        facts: &Facts,
    ) -> Vec<Effect> {
        let mut effects = self.upkeep();
        let primary_effect = self.enact_primary(primary.0, primary.1, facts);
        let canary_effect = canary_is_wrong(self.seen.canary.as_ref(), canary)
            .then_some(Effect::Canary { revision: canary.0, replicas: canary.1 });
        if primary.1 < self.primary.workload.replicas {
            effects.extend(primary_effect.into_iter().chain(canary_effect));
        } else {
            effects.extend(canary_effect.into_iter().chain(primary_effect));
        }
        effects
    }

    /// Primary alone: nothing for what is already so.
    pub(super) fn enact_primary(
        &self,
        revision: Revision,
        replicas: u32,
        facts: &Facts,
    ) -> Option<Effect> {
        let now = &self.primary.workload;
        let wrong = now.revision != Some(revision) || now.replicas != replicas || now.differs;
        (wrong || self.primary.facts != *facts).then(|| Effect::Primary {
            revision,
            replicas,
            facts: facts.clone(),
        })
    }

    /// What holds in every state with an adopted primary: our finalizer, X drained, the promoted
    /// template frozen.
    pub(super) fn upkeep(&self) -> Vec<Effect> {
        let mut effects = Vec::new();
        if !self.seen.finalizer && self.seen.deleted_at.is_none() {
            effects.push(Effect::Hold);
        }
        if self.seen.autoscaler_on_rollout && self.seen.replicas.is_none() {
            effects.push(Effect::SeedScale { replicas: self.total });
        }
        let running = self.seen.target.as_ref().filter(|it| 0 < it.workload.replicas);
        if let Some(Target { workload, .. }) = running
            && self.facts.adopted
        {
            effects.push(Effect::Drain { noted: workload.replicas });
        }
        let runs = self.primary.workload.revision;
        if let Some(revision) = self.promoted
            && runs == Some(revision)
            && self.frozen(revision).is_none()
        {
            effects.push(Effect::Refreeze { revision });
        }
        effects
    }
}

/// Limits of one move at N.
pub(super) fn limits(seen: &Observed, total: u32, max_unavailable: u32) -> Limits {
    let surge = match seen.strategy.order {
        MoveOrder::SurgeFirst => 1,
        MoveOrder::DrainFirst => 0,
    };
    let ceiling = seen.max_consumers.map_or(total + surge, |it| it.min(total + surge));
    // Without room to surge one unit must be given up first, or no move is legal.
    let slack = if total < ceiling { 0 } else { max_unavailable.max(1) };
    let members = match (seen.max_consumers, seen.strategy.order) {
        (Some(ceiling), _) => Some(ceiling),
        (None, MoveOrder::DrainFirst) => Some(total),
        (None, MoveOrder::SurgeFirst) => None,
    };
    Limits { min_ready: total.saturating_sub(slack), ceiling, members }
}

/// One side of a transfer; pods of a version that a guard failed don't count as ready.
pub(super) fn side(workload: Option<&Workload>, goal: u32, healthy: bool) -> Side {
    workload.map_or(Side { spec: 0, ready: 0, terminating: 0, goal }, |it| Side {
        spec: it.replicas,
        ready: if healthy { it.ready } else { 0 },
        terminating: it.terminating,
        goal,
    })
}

fn canary_is_wrong(canary: Option<&Workload>, (revision, replicas): (Revision, u32)) -> bool {
    match canary {
        None => 0 < replicas,
        Some(it) if it.replicas != replicas => true,
        Some(it) => 0 < replicas && (it.revision != Some(revision) || it.differs),
    }
}
