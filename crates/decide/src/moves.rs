//! From goals to effects: how far the counts may go now, and which writes make it so.
//! Nothing is planned for what is already as it should be.

use crate::count::{Counts, Goal};
use crate::observed::{Facts, MoveOrder, Observed, Rejection, Target, Workload};
use crate::plan::{Effect, WriteScope};
use crate::revision::{Cause, Revision, RolloutId};
use crate::rolls::{Beside, target_side};
use crate::scene::Scene;
use crate::shape::DeploymentStrategy;
use crate::transfer::{Limits, Side, transfer};

impl Scene<'_> {
    /// The counts that the specs ask for now.
    pub(crate) fn counts_now(&self) -> Counts {
        Counts { primary: self.primary.workload.replicas, canary: self.canary_units() }
    }

    /// N, of which the canary has `canary`.
    pub(crate) const fn split(&self, canary: u32) -> Counts {
        Counts { primary: self.total - canary, canary }
    }

    /// The next counts on the way to `goal`, one transfer at a time.
    pub(crate) fn next_counts(&self, goal: Counts) -> Counts {
        let kept = self.kept_while_rolling(goal.primary);
        let primary = self.child_side(Some(&self.primary.workload), self.uncrowded(kept));
        let canary = Side { goal: goal.canary, ..self.canary_side() };
        let current = self.primary.workload.current
            && self.seen.canary.as_ref().is_none_or(|it| it.current || self.canary_failed())
            && self.target_side().is_none_or(|(_, current)| current);
        if !current {
            return self.counts_now();
        }
        if self.seen.canary.is_none() && 0 < goal.canary {
            // Primary gives up nothing before it exists: the next look may be a long time away.
            return Counts { primary: primary.spec, canary: goal.canary };
        }
        if goal.canary < canary.spec {
            let moved = transfer(canary, primary, self.limits());
            return Counts { primary: moved.to, canary: moved.from };
        }
        let moved = transfer(primary, canary, self.limits());
        Counts { primary: moved.from, canary: moved.to }
    }

    /// While primary rolls, its own controller spends the pods that may be unavailable: only a
    /// smaller N takes pods from it then, not a transfer.
    fn kept_while_rolling(&self, goal: u32) -> u32 {
        let it = &self.primary.workload;
        if it.rolled { goal } else { goal.max(it.replicas.min(self.total)) }
    }

    /// Bounds of a move between primary and canary; what the target runs for us stands beside.
    pub(crate) fn limits(&self) -> Limits {
        let limits = self.limits_of_all();
        self.target_side().map_or(limits, |(target, _)| limits.beside(target))
    }

    /// Bounds of all roles together. Under `maxConsumers` a child that rolls needs the room above N
    /// for its own surge.
    pub(crate) fn limits_of_all(&self) -> Limits {
        let bounds = self.bounds();
        let rolls = |it: &Workload| !it.rolled && 0 < it.replicas;
        let roll = rolls(&self.primary.workload) || self.seen.canary.as_ref().is_some_and(rolls);
        let full = roll && self.seen.max_consumers.is_some();
        Limits { ceiling: bounds.ceiling.min(if full { self.total } else { u32::MAX }), ..bounds }
    }

    /// Bounds of all roles together while none of them rolls.
    pub(crate) fn bounds(&self) -> Limits {
        limits(self.seen, self.total, self.own_strategy())
    }

    /// The canary; its pods don't count as ready once a guard failed it.
    pub(crate) fn canary_side(&self) -> Side {
        let side = self.child_side(self.seen.canary.as_ref(), 0);
        if self.canary_failed() { Side { ready: 0, available: 0, ..side } } else { side }
    }

    /// The target's units, when they are ours, and whether their counts are current.
    pub(crate) fn target_side(&self) -> Option<(Side, bool)> {
        let target = self.seen.target.as_ref().filter(|_| self.shares_target())?;
        Some((target_side(target, 0), target.workload.current))
    }

    /// Units that the target runs for us.
    pub(crate) fn target_units(&self) -> u32 {
        self.target_side().map_or(0, |(it, _)| it.spec)
    }

    /// Canary pods that its spec asks for.
    pub(crate) fn canary_units(&self) -> u32 {
        self.seen.canary.as_ref().map_or(0, |it| it.replicas)
    }

    /// Whether primary serves at `count` on this revision: all ready, all of its template.
    pub(crate) fn primary_complete(&self, revision: Revision, count: u32) -> bool {
        self.primary_serves(revision, count) && self.primary.workload.replicas == count
    }

    /// Whether primary can do without the canary's help beside `canary` pods of it: it runs this
    /// revision and nothing older, and no more pods are missing than may be.
    pub(crate) fn primary_carries(&self, revision: Revision, canary: u32) -> bool {
        let Limits { wanted, min_ready, .. } = self.limits_of_all();
        let alone = self.total.saturating_sub(canary);
        // One pod shows that it works at all, where all of its pods may be missing.
        let least = alone.saturating_sub(wanted - min_ready).max(alone.min(1));
        self.primary_serves(revision, least)
    }

    /// The canary's `kept` units stay where they are, and so do those on their way to primary. Where
    /// primary is to replace its pods only what serves is kept: it waits for nothing else.
    pub(crate) fn keep_canary(&self, kept: u32) -> Counts {
        let waits = self.primary.workload.differs;
        let kept = if waits { kept.min(self.canary_side().healthy()) } else { kept };
        let rest = self.total.saturating_sub(kept);
        let primary = self.primary.workload.replicas.clamp(rest, self.total);
        Counts { primary, canary: kept }
    }

    /// Whether primary runs this revision and nothing older, with this many pods available.
    pub(crate) fn primary_serves(&self, revision: Revision, count: u32) -> bool {
        let it = &self.primary.workload;
        it.revision == Some(revision)
            && !it.differs
            && it.current
            && it.rolled
            && count <= it.available
    }

    /// Whether the canary has left, its last pod included.
    pub(crate) fn canary_gone(&self) -> bool {
        self.seen.canary.as_ref().is_none_or(|it| !has_pods(it) && it.current)
    }

    /// Whether a canary has pods, or may get some.
    pub(crate) fn canary_has_pods(&self) -> bool {
        self.seen.canary.as_ref().is_some_and(has_pods)
    }

    /// What the canary is written with when only its count matters: it keeps what it runs.
    pub(crate) fn canary_as_it_is(&self, otherwise: Revision) -> Revision {
        self.seen.canary.as_ref().and_then(|it| it.revision).unwrap_or(otherwise)
    }

    /// No canary, and primary at N: both writes in one pass. Under `DrainFirst` primary waits for the
    /// pods that leave: two of one unit never run side by side.
    pub(crate) fn give_up_canary(&self) -> Counts {
        match self.seen.strategy.order {
            MoveOrder::SurgeFirst => self.split(0),
            MoveOrder::DrainFirst => {
                let primary = &self.primary.workload;
                let leaving = self.canary_side().members() + primary.terminating;
                let room = self.total.saturating_sub(leaving);
                Counts { primary: room.max(primary.replicas).min(self.total), canary: 0 }
            }
        }
    }

    /// From goals to effects, shrinks before growth so that the sum of the spec counts never
    /// passes the ceiling in between; what only keeps the house follows.
    pub(crate) fn enact(&self, primary: Goal, canary: Goal, facts: &Facts) -> Vec<Effect> {
        let primary_effect =
            self.enact_primary(primary, facts, self.beside_primary(canary.replicas));
        let rolls = self.primary.workload.revision != Some(primary.revision);
        let canary_effect = self.enact_canary(canary, self.beside_canary(primary.replicas), rolls);
        let writes: Vec<_> = if primary.replicas < self.primary.workload.replicas {
            primary_effect.into_iter().chain(canary_effect).collect()
        } else {
            canary_effect.into_iter().chain(primary_effect).collect()
        };
        self.arrange(primary.revision, writes)
    }

    /// Writes of counts among those of the upkeep: a drain comes first, then a template that
    /// primary is to be given, then the counts. The rest keeps the house: refused, it must not stand
    /// before what keeps consumers safe.
    pub(crate) fn arrange(&self, given: Revision, writes: Vec<Effect>) -> Vec<Effect> {
        let runs = self.primary.workload.revision == Some(given);
        let is_first = |it: &Effect| match it {
            Effect::Drain { .. } => true,
            Effect::Freeze { revision, .. } => !runs && *revision == given,
            // The last copy of what primary runs goes with the write that gives it another one.
            Effect::Refreeze { .. } => !runs,
            Effect::AddFinalizer
            | Effect::SeedScale { .. }
            | Effect::UnseedScale
            | Effect::TakeScale { .. }
            | Effect::GiveScale { .. }
            | Effect::Primary { .. }
            | Effect::Canary { .. }
            | Effect::Target { .. }
            | Effect::DropFieldOwnership
            | Effect::Reject { .. }
            | Effect::ClearRejection { .. }
            | Effect::MarkPromoted { .. }
            | Effect::OwnPrimaryByTarget
            | Effect::RemoveChildren
            | Effect::RemoveFinalizer => false,
        };
        let (mut effects, house): (Vec<_>, Vec<_>) = self.upkeep().into_iter().partition(is_first);
        effects.extend(writes);
        effects.extend(house);
        effects
    }

    /// `waits`: primary is given another template by the same plan, and goes first.
    fn enact_canary(&self, goal: Goal, beside: Beside, waits: bool) -> Option<Effect> {
        let Goal { revision, replicas } = goal;
        let whole = |replicas| Effect::Canary { revision, replicas, scope: WriteScope::Whole };
        let Some(it) = &self.seen.canary else {
            // Created empty, filled at the next look: no resourceVersion fences a creation.
            return (0 < replicas).then_some(whole(0));
        };
        let counted = it.replicas != replicas;
        let other = it.revision != Some(revision);
        if replicas == 0 || !(other || it.differs) {
            return counted.then_some(whole(replicas));
        }
        let may = !waits && self.is_canarys_turn() && self.may_roll_canary(it, replicas, beside);
        if other || it.replicas == 0 || may {
            return Some(whole(replicas));
        }
        let scope = WriteScope::CountOnly;
        counted.then_some(Effect::Canary { revision, replicas, scope })
    }

    /// Primary at its count on `revision`, the canary at its count on what it runs.
    pub(crate) fn enact_counts(
        &self,
        revision: Revision,
        counts: Counts,
        facts: &Facts,
    ) -> Vec<Effect> {
        let canary = self.canary_as_it_is(revision).at(counts.canary);
        self.enact(revision.at(counts.primary), canary, facts)
    }

    /// Primary at N on `revision`, no canary.
    pub(crate) fn enact_alone(&self, revision: Revision, facts: &Facts) -> Vec<Effect> {
        self.enact(revision.at(self.total), revision.at(0), facts)
    }

    /// The write of primary, if it is not so already. Where too few pods serve beside it its own are
    /// not replaced yet: only its count and facts are written.
    pub(crate) fn enact_primary(
        &self,
        goal: Goal,
        facts: &Facts,
        beside: Beside,
    ) -> Option<Effect> {
        let Goal { revision, replicas } = goal;
        let now = &self.primary.workload;
        let counted = now.replicas != replicas || self.primary.facts != *facts;
        // How it replaces its pods depends on N: another one changes that under way.
        let changes = self.total_changes() && !(now.rolled && now.current);
        let other = now.revision != Some(revision);
        let replaced = other || now.differs || changes;
        let urgent = other && self.is_urgent();
        let waits = replaced && !urgent && !self.may_roll(now, replicas, beside);
        let write = |revision, scope| {
            let facts = facts.clone();
            Some(Effect::Primary { revision, replicas, facts, scope })
        };
        match (counted, replaced, waits) {
            (_, true, false) | (true, false, _) => write(revision, WriteScope::Whole),
            (true, true, true) => write(now.revision.unwrap_or(revision), WriteScope::CountOnly),
            (false, true, true) | (false, false, _) => None,
        }
    }

    /// The count and facts of primary, and nothing that would replace its pods.
    pub(crate) fn recount(&self, replicas: u32, facts: Facts) -> Option<Effect> {
        let revision = self.primary.workload.revision.or(self.promoted)?;
        let scope = WriteScope::CountOnly;
        Some(Effect::Primary { revision, replicas, facts, scope })
    }

    /// What holds in every state with a primary Deployment: an adopted target drained, first of all,
    /// and nobody's; our finalizer, its autoscaler ours, what primary needs frozen, the promoted one marked.
    pub(crate) fn upkeep(&self) -> Vec<Effect> {
        let mut effects = Vec::new();
        let running = self.seen.target.as_ref().filter(|it| 0 < it.workload.replicas);
        if let Some(Target { workload, .. }) = running
            && !self.shares_target()
        {
            effects.push(Effect::Drain { noted: self.asked_of_drained(workload.replicas) });
        }
        if !self.seen.finalizer && self.seen.deleted_at.is_none() {
            effects.push(Effect::AddFinalizer);
        }
        effects.extend(self.scale_effects());
        effects.extend(self.disown());
        let promoting = self.facts.promoting.map(|it| it.revision);
        for revision in [self.promoted, promoting].into_iter().flatten() {
            effects.extend(self.freeze_again(revision, self.facts.attempts));
        }
        effects.extend(self.promoted.and_then(|it| self.mark(it)));
        effects
    }

    /// What a drained target is noted to have been asked for. A count that an autoscaler gave it is no
    /// wish for so many consumers: it starts from the 0 that draining left. While nobody can say who
    /// scales it the count is noted, and read once somebody can (`desired_total`).
    fn asked_of_drained(&self, count: u32) -> u32 {
        let scaled = [&self.primary.facts, &self.facts].iter().any(|it| it.scaled_by.is_some());
        if !scaled && !self.seen.autoscalers.scale_target() {
            return count;
        }
        let noted = self.seen.target.as_ref().and_then(|it| it.noted);
        self.facts.target_replicas.or(noted).unwrap_or(self.total)
    }

    /// Gives up what a write that was cut off in the middle has left to us of the target.
    pub(crate) fn disown(&self) -> Option<Effect> {
        self.seen.target.as_ref().is_some_and(|it| it.owned).then_some(Effect::DropFieldOwnership)
    }

    /// Freezes a template whose `ControllerRevision` is missing, from where it still is.
    pub(crate) fn freeze_again(&self, revision: Revision, attempt: u32) -> Option<Effect> {
        if self.frozen(revision).is_some() {
            None
        } else if self.is_live(revision) {
            Some(Effect::Freeze { revision, attempt })
        } else if self.primary.workload.revision == Some(revision) {
            Some(Effect::Refreeze { revision })
        } else {
            None
        }
    }

    /// The mark follows the fact, also when a crash or a hand came between them.
    fn mark(&self, promoted: Revision) -> Option<Effect> {
        let own = self.frozen(promoted)?.promoted;
        let others = self.seen.frozen.iter().any(|it| it.promoted && it.revision != promoted);
        (!own || others).then_some(Effect::MarkPromoted { revision: promoted })
    }

    /// The mark that a revision is not tried again, written before its canary is removed. One
    /// whose template is nowhere any more can't come back, and needs none.
    pub(crate) fn reject(&self, id: RolloutId, cause: Cause) -> Vec<Effect> {
        let RolloutId { revision, attempt } = id;
        let rejection = Rejection { cause, rollout: id };
        let freeze = self.freeze_again(revision, attempt);
        let marked = self.frozen(revision).map(|it| it.rejection);
        let can_be_marked = freeze.is_some() || marked.is_some();
        if !cause.rejects() || !can_be_marked || marked == Some(Some(rejection)) {
            return vec![];
        }
        freeze.into_iter().chain([Effect::Reject { revision, rejection }]).collect()
    }
}

/// A version that was worse than the last promoted one has not been compared with this one. Only a
/// promotion forgets: a mark that is set again, after a crash or a hand, lifts nothing.
pub(crate) fn forget_rejections(seen: &Observed) -> impl Iterator<Item = Effect> {
    let rejected = seen.frozen.iter().filter(|it| it.rejection.is_some());
    rejected.map(|it| Effect::ClearRejection { revision: it.revision, excused: None })
}

/// Writes and the mark of a rejection: the mark first, so that a crash between them does not lose
/// it; last, where its template must be frozen again before, which may fail for ever.
pub(crate) fn beside(writes: Vec<Effect>, mark: Vec<Effect>) -> Vec<Effect> {
    let mark: Vec<_> = mark.into_iter().filter(|it| !writes.contains(it)).collect();
    match mark.as_slice() {
        [Effect::Reject { .. }] => [mark, writes].concat(),
        _ => [writes, mark].concat(),
    }
}

/// Limits of one move at N, all roles together: what the Deployment's own rolling update would keep
/// to. Percentages are of `total`, never of an old count.
pub(crate) fn limits(seen: &Observed, total: u32, own: DeploymentStrategy) -> Limits {
    let surge = match seen.strategy.order {
        MoveOrder::SurgeFirst => own.surge(total).max(1),
        MoveOrder::DrainFirst => 0,
    };
    let most = seen.max_consumers.unwrap_or(u32::MAX);
    let ceiling = total.saturating_add(surge).min(most);
    // Without room to surge one unit must be given up first, or no move is legal.
    let slack = own.max_unavailable(total).max(u32::from(ceiling <= total));
    let members = match seen.strategy.order {
        MoveOrder::DrainFirst => Some(ceiling),
        MoveOrder::SurgeFirst => seen.max_consumers,
    };
    Limits { wanted: total, min_ready: total.saturating_sub(slack), ceiling, members }
}

fn has_pods(workload: &Workload) -> bool {
    0 < workload.replicas || 0 < workload.ready || 0 < workload.terminating
}
