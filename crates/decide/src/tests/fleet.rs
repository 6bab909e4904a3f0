//! How many starts of pods a large fleet waits for: a cluster in which every pod starts, and all of
//! them in the same time. Counts waits; breaks nothing.

use jiff::SignedDuration;

use crate::observed::{Evidence, MoveOrder, Observed, StepPlan, StepSize, Workload};
use crate::plan::{Effect, Plan};
use crate::revision::Revision;
use crate::shape::DeploymentStrategy;
use crate::state::{Ending, Rest, State};
use crate::table::decide;
use crate::testing::{
    NEXT, NOW, PROMOTED, adopting, ask, at_rest, deleted, frozen, primary, target, with, workload,
};

/// More than any fleet here needs: one that comes to no end fails.
const PATIENCE: u32 = 400;

/// A fleet and what it was seen to do.
struct Fleet {
    seen: Observed,
    /// Waits until all pods that were asked for had started.
    starts: u32,
    /// Fewest available consumers at any moment.
    least: u32,
    /// Most pods at any moment.
    most: u32,
    released: bool,
}

impl Fleet {
    fn of(seen: Observed) -> Self {
        Self { seen, starts: 0, least: u32::MAX, most: 0, released: false }
    }

    fn parts(&mut self) -> [Option<&mut Workload>; 3] {
        let Observed { target, primary, canary, .. } = &mut self.seen;
        let target = target.as_mut().map(|it| &mut it.workload);
        [target, primary.as_mut().map(|it| &mut it.workload), canary.as_mut()]
    }

    /// Makes the plan so. Deployments take away at once, what they add starts with the next wait.
    fn apply(&mut self, plan: &Plan) {
        for effect in &plan.effects {
            match effect {
                Effect::Primary { revision, replicas, facts, .. } => {
                    let it = primary(&mut self.seen);
                    it.facts = facts.clone();
                    let unavailable = it.strategy.max_unavailable(*replicas);
                    if it.workload.revision != Some(*revision) {
                        it.workload.updated = 0;
                        it.workload.available -= unavailable.min(it.workload.available);
                    }
                    scale(&mut it.workload, *revision, *replicas);
                }
                Effect::Canary { revision, replicas, .. } => {
                    let it = self.seen.canary.get_or_insert(workload(*revision, 0));
                    scale(it, *revision, *replicas);
                }
                Effect::Target { replicas } => {
                    scale(&mut target(&mut self.seen).workload, PROMOTED, *replicas);
                    target(&mut self.seen).written = Some(*replicas);
                    target(&mut self.seen).available = false;
                }
                Effect::Drain { noted } => {
                    scale(&mut target(&mut self.seen).workload, PROMOTED, 0);
                    target(&mut self.seen).noted = Some(*noted);
                }
                Effect::Freeze { revision, attempt } => {
                    self.seen.frozen.push(frozen(*revision, *attempt));
                }
                Effect::MarkPromoted { revision } => {
                    self.seen
                        .frozen
                        .iter_mut()
                        .for_each(|it| it.promoted = it.revision == *revision);
                }
                Effect::RemoveFinalizer => self.released = true,
                Effect::AddFinalizer
                | Effect::SeedScale { .. }
                | Effect::UnseedScale
                | Effect::TakeScale { .. }
                | Effect::GiveScale { .. }
                | Effect::Refreeze { .. }
                | Effect::DropFieldOwnership
                | Effect::Reject { .. }
                | Effect::ClearRejection { .. }
                | Effect::OwnPrimaryByTarget
                | Effect::RemoveChildren => {}
            }
        }
        self.seen.state = plan.next;
        let parts = self.parts();
        let available = parts.iter().flatten().map(|it| it.available).sum();
        let pods = parts.iter().flatten().map(|it| it.replicas).sum();
        (self.least, self.most) = (self.least.min(available), self.most.max(pods));
    }

    /// Everything that was asked for starts; a Deployment that rolls replaces its next batch.
    fn start(&mut self) {
        self.starts += 1;
        for it in self.parts().into_iter().flatten() {
            let own = DeploymentStrategy::DEFAULT;
            let batch = own.surge(it.replicas) + own.max_unavailable(it.replicas);
            it.updated = it.replicas.min(it.updated + batch);
            it.rolled = it.updated == it.replicas;
            it.available = it.replicas;
            it.ready = it.replicas;
        }
        if let Some(it) = &mut self.seen.target {
            it.available = true;
        }
        self.seen.canary_joined = self.seen.canary.as_ref().map_or(0, |it| it.available);
    }

    /// Until this holds: whatever can be done is done, then all pods start.
    fn until(&mut self, done: impl Fn(&Self) -> bool) {
        while !done(self) {
            assert!(self.starts < PATIENCE, "comes to no end: {:?}", self.seen);
            let plan = decide(&self.seen, NOW);
            if plan.effects.is_empty() && plan.next == self.seen.state {
                self.start();
            } else {
                self.apply(&plan);
            }
        }
    }
}

fn scale(it: &mut Workload, revision: Revision, replicas: u32) {
    if it.revision == Some(revision) {
        it.updated += replicas.saturating_sub(it.replicas);
        it.updated = it.updated.min(replicas);
    }
    it.rolled = it.updated == replicas;
    (it.revision, it.replicas) = (Some(revision), replicas);
    it.available = it.available.min(replicas);
}

fn of_size(mut seen: Observed, total: u32) -> Observed {
    let step = |weight| StepPlan {
        size: StepSize::Weight(weight),
        hold: SignedDuration::ZERO,
        max_hold: SignedDuration::ZERO,
        approval: false,
    };
    seen.strategy.steps = [step(10), step(50)].into();
    seen.evidence = Evidence::Pass;
    target(&mut seen).strategy = DeploymentStrategy::DEFAULT;
    primary(&mut seen).strategy = DeploymentStrategy::DEFAULT;
    primary(&mut seen).facts.replicas = total;
    primary(&mut seen).facts.target_replicas = Some(total);
    seen
}

fn resting(total: u32) -> Observed {
    let mut seen = of_size(at_rest(), total);
    primary(&mut seen).workload = workload(PROMOTED, total);
    target(&mut seen).noted = Some(total);
    seen
}

#[test]
fn a_rollout_of_a_hundred_takes_few_starts() {
    let mut fleet = Fleet::of(resting(100));
    ask(&mut fleet.seen, NEXT);
    fleet.until(|it| it.seen.state.step().is_some_and(|it| it.index == 1));
    let before = fleet.starts;
    let settled = |it: &Fleet| it.seen.state.step().is_none();
    fleet.until(settled);
    assert!(fleet.starts - before <= 4, "the 50 % step: {} starts", fleet.starts - before);
    fleet.until(|it| it.seen.state == State::AtRest(Rest::Succeeded));
    assert!(fleet.starts <= 14, "{} starts", fleet.starts);
    assert!(75 <= fleet.least, "{} of 100 were left", fleet.least);
    assert!(fleet.most <= 125, "{} pods", fleet.most);
}

#[test]
fn a_hand_back_of_a_hundred_is_whole_and_keeps_what_may_not_be_missing() {
    for order in [MoveOrder::SurgeFirst, MoveOrder::DrainFirst] {
        let mut seen = deleted(resting(100), Some(Ending::HandBack));
        seen.strategy.order = order;
        let mut fleet = Fleet::of(seen);
        fleet.until(|it| it.released);
        assert!(75 <= fleet.least, "{order:?}: {} of 100 were left", fleet.least);
        assert!(fleet.starts <= 8, "{order:?}: {} starts", fleet.starts);
        assert_eq!(target(&mut fleet.seen).workload, workload(PROMOTED, 100));
    }
}

#[test]
fn an_adoption_of_a_hundred_takes_few_starts() {
    let mut seen = of_size(adopting(), 100);
    target(&mut seen).workload = workload(PROMOTED, 100);
    let mut fleet = Fleet::of(seen);
    fleet.until(|it| it.seen.state == State::AtRest(Rest::Initialized));
    assert!(fleet.starts <= 4 && 75 <= fleet.least, "{} {}", fleet.starts, fleet.least);
}

/// A percentage of the forty that were noted once would take all four.
#[test]
fn a_percentage_is_of_n_and_of_no_older_count() {
    let drained = |it: &mut Observed| {
        it.strategy.order = MoveOrder::DrainFirst;
        it.replicas = Some(4);
        primary(it).workload = workload(PROMOTED, 4);
        target(it).noted = Some(40);
    };
    let seen = with(deleted(resting(4), Some(Ending::HandBack)), &[drained]);
    let mut fleet = Fleet::of(seen);
    fleet.until(|it| it.released);
    assert_eq!(fleet.least, 3);
}

#[test]
fn the_pods_of_a_singleton_never_stand_side_by_side() {
    let alone = |it: &mut Observed| {
        it.strategy.order = MoveOrder::DrainFirst;
        target(it).strategy = DeploymentStrategy::Recreate;
        target(it).workload = Workload { terminating: 1, ..workload(PROMOTED, 0) };
        target(it).noted = Some(1);
    };
    let leaving = with(of_size(adopting(), 1), &[alone]);
    let plan = decide(&leaving, NOW);
    assert_eq!(plan.effects, [], "the last pod of the target is a member until it is gone");
    assert!(plan.wake.is_some(), "and nobody tells when it is");
    let gone = with(leaving, &[|it| target(it).workload.terminating = 0]);
    let filled = |it: &Effect| matches!(it, Effect::Primary { replicas: 1, .. });
    assert!(decide(&gone, NOW).effects.iter().any(filled));
}
