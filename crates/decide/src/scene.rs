//! What every row of the table needs, computed once per decision: N, the facts as they must be
//! written next, how the live template relates to what is known. Plans no writes.

use jiff::Timestamp;

use crate::count::{DesiredTotal, desired_total};
use crate::observed::{Desired, Evidence, Facts, Frozen, Observed, Primary, Rejection};
use crate::plan::Held;
use crate::revision::{Cause, Revision, RolloutId};
use crate::scaling;
use crate::state::{Ending, Headway};

/// An observation with a primary Deployment in it.
#[derive(Clone, Debug)]
pub(crate) struct Scene<'a> {
    pub(crate) seen: &'a Observed,
    pub(crate) primary: &'a Primary,
    pub(crate) now: Timestamp,
    /// N, the pods of both roles together.
    pub(crate) total: u32,
    /// The facts with owner, N and consumed values brought up to date.
    pub(crate) facts: Facts,
    /// The promoted revision: from the facts, else the mark, else what primary runs.
    pub(crate) promoted: Option<Revision>,
}

/// The live template, held against what was promoted and rejected.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Relation {
    /// It is the promoted one.
    Promoted,
    /// It was rejected.
    Rejected(Rejection),
    /// It needs no trial.
    NoTrialNeeded(Desired),
    /// It was never judged.
    Untried(Desired),
}

impl<'a> Scene<'a> {
    pub(crate) fn of(seen: &'a Observed, primary: &'a Primary, now: Timestamp) -> Self {
        let mut facts = primary.facts.clone();
        if facts.owner != seen.uid {
            // Resumed from an earlier CanaryRollout: what it left undone is not ours to finish,
            // and a bypass that was already there was meant for its revision.
            facts.owner = seen.uid.clone();
            facts.adopted &= facts.ending != Some(Ending::HandBack);
            facts.ending = None;
            (facts.scaled_by, facts.seeded, facts.declined) = (None, false, None);
            facts.bypass = seen.target.as_ref().and_then(|it| it.bypass.clone());
        }
        if seen.target.as_ref().is_some_and(|it| it.bypass.is_none()) {
            facts.bypass = None;
        }
        scaling::remember(seen, &mut facts, now);
        let DesiredTotal { total, asked } = desired_total(seen, &facts, shares_target(&facts));
        facts.replicas = total;
        facts.target_replicas = asked;
        facts.attempts = facts.attempts.max(last_attempt(seen));
        let promoted =
            facts.promoted.or(marked(seen).map(|it| it.revision)).or(primary.workload.revision);
        Self { seen, primary, now, total, facts, promoted }
    }

    pub(crate) fn frozen(&self, revision: Revision) -> Option<&'a Frozen> {
        self.seen.frozen.iter().find(|it| it.revision == revision)
    }

    /// Why this attempt's revision is marked rejected, if it is: by this attempt, whose status
    /// write was lost, or by another one.
    pub(crate) fn rejected_for(&self, id: RolloutId) -> Option<Cause> {
        let rejection = self.frozen(id.revision)?.rejection?;
        Some(if rejection.rollout == id { rejection.cause } else { Cause::Rejected })
    }

    /// Whether what is said of the canary is said of this revision: one that a rollback has left
    /// behind speaks for its own.
    pub(crate) fn canary_speaks_for(&self, revision: Revision) -> bool {
        self.seen.canary.as_ref().is_some_and(|it| it.revision == Some(revision))
    }

    /// What the canary's revision is marked with as rejected.
    fn canary_mark(&self) -> Option<Cause> {
        let runs = self.seen.canary.as_ref()?.revision?;
        self.frozen(runs)?.rejection.map(|it| it.cause)
    }

    /// Whether a guard says, or has said, that the canary's pods serve nobody.
    pub(crate) fn canary_failed(&self) -> bool {
        self.seen.evidence == Evidence::GuardFailed
            || self.canary_mark() == Some(Cause::GuardFailed)
    }

    /// Whether the canary was rejected for what nobody waits for to leave as it came.
    pub(crate) fn canary_goes_at_once(&self) -> bool {
        self.canary_mark().is_some_and(Cause::is_immediate)
    }

    /// Whether the target's live template is this revision.
    pub(crate) fn is_live(&self, revision: Revision) -> bool {
        self.seen.target.as_ref().is_some_and(|it| it.desired.revision == revision)
    }

    /// Whether primary can be given this revision: its template is frozen, or can be frozen again.
    pub(crate) fn has_template(&self, revision: Revision) -> bool {
        self.frozen(revision).is_some()
            || self.is_live(revision)
            || self.primary.workload.revision == Some(revision)
    }

    /// Whether the target runs units of ours: it is transferred, never drained.
    pub(crate) fn shares_target(&self) -> bool {
        shares_target(&self.facts)
    }

    /// How the live template relates to the promoted one; `None` while the target is missing.
    pub(crate) fn relation(&self) -> Option<Relation> {
        let desired = self.seen.target.as_ref()?.desired;
        if Some(desired.revision) == self.promoted {
            return Some(Relation::Promoted);
        }
        if let Some(rejection) = self.frozen(desired.revision).and_then(|it| it.rejection) {
            return Some(Relation::Rejected(rejection));
        }
        if self.promoted.and_then(|it| self.frozen(it)).map(|it| it.trial) == Some(desired.trial) {
            return Some(Relation::NoTrialNeeded(desired));
        }
        let mut equivalent = self.seen.frozen.iter().filter(|it| it.trial == desired.trial);
        Some(match equivalent.find_map(|it| it.rejection) {
            Some(rejection) => Relation::Rejected(rejection),
            None => Relation::Untried(desired),
        })
    }

    /// Number of the attempt that begins with this revision. One that was frozen under a number that
    /// primary could not be told yet keeps it: a write that is refused again and again counts once.
    pub(crate) fn next_attempt(&self, revision: Revision) -> u32 {
        let (counted, last) = (self.primary.facts.attempts, self.facts.attempts);
        let frozen = self.frozen(revision).filter(|it| it.rejection.is_none());
        match frozen {
            Some(it) if counted < it.attempt && it.attempt == last => last,
            Some(_) | None => RolloutId::next_attempt(last),
        }
    }

    /// A bypass that was not consumed yet.
    pub(crate) fn live_bypass(&self) -> bool {
        let bypass = self.seen.target.as_ref().and_then(|it| it.bypass.as_ref());
        bypass.is_some() && bypass != self.facts.bypass.as_ref()
    }

    /// The facts with a live bypass recorded as consumed.
    pub(crate) fn consuming_bypass(&self) -> Facts {
        let bypass = self.seen.target.as_ref().and_then(|it| it.bypass.clone());
        Facts { bypass, ..self.facts.clone() }
    }

    /// Why no forward move may be made, whatever the evidence says.
    pub(crate) fn brake(&self) -> Option<Held> {
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

    /// Why no attempt may begin: beside the brakes, a target whose own rollouts a person has paused.
    pub(crate) fn start_brake(&self) -> Option<Held> {
        let paused = self.seen.target.as_ref().is_some_and(|it| it.paused);
        self.brake().or(paused.then_some(Held::TargetPaused))
    }

    /// How far primary has got with this revision, and the canary out of its way.
    pub(crate) fn taken_over(&self, revision: Revision) -> u32 {
        let it = &self.primary.workload;
        // Until its controller has looked, what it counts is of the template before.
        let runs = it.revision == Some(revision) && it.current;
        let updated = if runs { it.updated.min(it.replicas) } else { 0 };
        let canary = self.seen.canary.as_ref().map_or(0, |it| it.replicas + it.terminating);
        updated + updated.min(it.available) + self.total.saturating_sub(canary)
    }

    /// Whether all pods of primary are of this revision, and some of them serve.
    pub(crate) fn primary_runs(&self, revision: Revision) -> bool {
        let it = &self.primary.workload;
        it.revision == Some(revision) && it.rolled && it.replicas <= it.updated && 0 < it.available
    }

    /// The headway with what is reached now.
    pub(crate) fn headway(&self, before: Headway, reached: u32) -> Headway {
        before.at(reached, self.total_changes(), self.now)
    }

    /// Whether N is another one than at the last look.
    pub(crate) fn total_changes(&self) -> bool {
        self.primary.facts.replicas != self.total
    }

    /// Whether the cluster keeps pods of primary from running.
    pub(crate) fn primary_blocked(&self) -> Option<Held> {
        self.seen.primary_blocked.map(|_| Held::PrimaryBlocked)
    }

    pub(crate) fn overdue(&self, since: Timestamp) -> bool {
        self.seen.strategy.progress_deadline < self.now.duration_since(since)
    }

    /// Whether it is overdue by what this process has seen alone: what takes pods away counts no time in which nobody looked.
    pub(crate) fn overdue_here(&self, since: Timestamp) -> bool {
        self.overdue(since.max(self.seen.first_look))
    }

    pub(crate) fn deadline(&self, since: Timestamp) -> Timestamp {
        since.saturating_add(self.seen.strategy.progress_deadline).unwrap_or(Timestamp::MAX)
    }
}

/// The revision marked promoted. A crash between two marks leaves two: the later attempt counts.
pub(crate) fn marked(seen: &Observed) -> Option<&Frozen> {
    seen.frozen.iter().filter(|it| it.promoted).max_by_key(|it| it.attempt)
}

/// The last attempt that a frozen template knows of, for when the primary Deployment's counter was
/// lost.
pub(crate) fn last_attempt(seen: &Observed) -> u32 {
    seen.frozen.iter().map(|it| it.attempt).max().unwrap_or(0)
}

pub(crate) fn shares_target(facts: &Facts) -> bool {
    !facts.adopted || facts.ending == Some(Ending::HandBack)
}
