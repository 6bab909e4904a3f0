//! Figures that fleets of 100 and of 1,000 must reach, in calm weather and by the second: how long a rollout
//! takes in starts of a pod, how whole a hand-back is, how immediate the end of a bad version.

use jiff::SignedDuration;

use super::cluster::Rollout;
use super::operator;
use super::profile::Profile;
use super::shape::Shape;
use super::weather::{Climate, Drain};
use super::world::{Nature, World};
use crate::observed::{MoveOrder, OnInconclusive, StepPlan, StepSize, Strategy};
use crate::order::Order;
use crate::revision::Revision;
use crate::state::{Rest, State};

/// A fleet, and the seed of its world.
#[derive(Clone, Copy, Debug)]
struct Fleet {
    pods: u32,
    seed: u64,
}

/// A figure in starts does not depend on N.
const FLEETS: [Fleet; 4] = [
    Fleet { pods: 100, seed: 0 },
    Fleet { pods: 100, seed: 1 },
    Fleet { pods: 100, seed: 2 },
    Fleet { pods: 1_000, seed: 3 },
];

/// Seconds that a pod takes to start.
const START: u32 = 30;

const HOLD: SignedDuration = SignedDuration::from_secs(60);

/// What runs, and what is tried.
const BEFORE: Revision = Revision(0);
const NEXT: Revision = Revision(2);

/// A fleet at rest under Kubernetes' own defaults, weights 10 and 50.
fn fleet(of: Fleet, nature: Nature) -> World {
    let climate = Climate { start: START, drain: Drain::Quick, min_ready: 0 };
    let profile = Profile::calm(of.pods, climate, Shape::DEFAULT);
    let step = |percent| StepPlan {
        size: StepSize::Weight(percent),
        hold: HOLD,
        max_hold: HOLD * 3,
        approval: false,
    };
    let strategy = Strategy {
        steps: [step(10), step(50)].into(),
        order: MoveOrder::SurgeFirst,
        // A start and a half: whatever takes several starts is bounded by its progress, not by this.
        progress_deadline: SignedDuration::from_secs(50),
        on_inconclusive: OnInconclusive::Pause,
    };
    let mut world = World::at_rest(of.seed, profile, BEFORE, strategy);
    world.natures[usize::try_from(NEXT.0).unwrap()] = nature;
    world
}

/// A second passes, and what it brought is looked at. The group never has fewer ready consumers than
/// its target allows, unless a version is given up.
fn second(world: &mut World) {
    world.pass_time();
    operator::pass(world);
}

/// Seconds until this is so, at most `limit`.
fn until(world: &mut World, limit: u32, done: impl Fn(&World) -> bool) -> u32 {
    for passed in 0..limit {
        if done(world) {
            return passed;
        }
        second(world);
    }
    world.fail(&format!("not within {limit} s"));
}

/// Seconds of so many starts, each seen and answered within three.
const fn starts(count: u32) -> u32 {
    count * (START + 3)
}

fn ask_for_next(world: &mut World) {
    let version = world.cluster.next_version();
    let target = world.cluster.target.as_mut().unwrap();
    target.deployment.give(NEXT, version);
    target.deployment.named = NEXT;
    world.foreign += 1;
}

fn state(world: &World) -> Option<State> {
    world.cluster.rollout.as_ref().map(Rollout::state)
}

/// Whether the step of this index has settled.
fn holds(world: &World, index: usize) -> bool {
    let step = state(world).and_then(|it| it.step());
    step.is_some_and(|it| it.index == index && it.hold.since.is_some())
}

/// Both weights settled; whoever watches the pods has seen nothing wrong.
fn at_half(nature: Nature, of: Fleet) -> World {
    let mut world = fleet(of, Nature::Good);
    ask_for_next(&mut world);
    until(&mut world, 1_000, |it| holds(it, 1));
    world.natures[usize::try_from(NEXT.0).unwrap()] = nature;
    world.profile.benign = false;
    world
}

/// Primary and canary pods as asked for.
fn counts(world: &World) -> (u32, u32) {
    let primary = world.cluster.primary.as_ref().map_or(0, |it| it.deployment.replicas);
    (primary, world.cluster.canary.as_ref().map_or(0, |it| it.replicas))
}

#[test]
fn a_large_fleet_is_rolled_out_in_fourteen_starts() {
    for of in FLEETS {
        let mut world = fleet(of, Nature::Good);
        ask_for_next(&mut world);
        let first = until(&mut world, starts(4), |it| holds(it, 0));
        let entered =
            |it: &World| state(it).and_then(|it| it.step()).is_some_and(|it| it.index == 1);
        let hold = u32::try_from(HOLD.as_secs()).unwrap() + 10;
        until(&mut world, hold, entered);
        let half = until(&mut world, starts(4), |it| holds(it, 1));
        until(&mut world, hold, |it| matches!(state(it), Some(State::Promoting(_))));
        let done = |it: &World| state(it) == Some(State::AtRest(Rest::Succeeded));
        let whole = starts(14) - first - half;
        let promotion = until(&mut world, whole, done);
        println!("{of:?}: {first} s to 10 %, {half} s to 50 %, {promotion} s to promote");
        assert_eq!(counts(&world), (of.pods, 0));
    }
}

#[test]
fn a_large_fleet_is_handed_back_whole() {
    for of in FLEETS {
        let mut world = fleet(of, Nature::Good);
        // It was asked for long before anybody looked.
        let asked = world.now - SignedDuration::from_hours(1);
        let version = world.cluster.next_version();
        let rollout = world.cluster.rollout.as_mut().unwrap();
        (rollout.deleted_at, rollout.version) = (Some(asked), version);
        world.foreign += 1;
        let seconds = until(&mut world, starts(20), |it| it.cluster.rollout.is_none());
        println!("{of:?}: handed back in {seconds} s");
        assert_eq!(world.tally.events.get("handed back"), Some(&1));
        assert_eq!(world.cluster.target.as_ref().map(|it| it.deployment.ready()), Some(of.pods));
    }
}

#[test]
fn an_abort_removes_half_of_a_fleet_by_one_pass() {
    for of in FLEETS {
        let mut world = at_half(Nature::Weak, of);
        let id = state(&world).and_then(|it| it.rollout()).unwrap();
        let version = world.cluster.next_version();
        let rollout = world.cluster.rollout.as_mut().unwrap();
        rollout.orders.push(Order::Abort(id));
        rollout.version = version;
        operator::pass(&mut world);
        assert_eq!(counts(&world), (of.pods, 0));
    }
}

#[test]
fn a_version_that_is_worse_is_removed_from_half_of_a_fleet_by_one_pass() {
    for of in FLEETS {
        let mut world = at_half(Nature::Bad, of);
        until(&mut world, 60, |it| matches!(state(it), Some(State::RollingBack(_))));
        assert_eq!(counts(&world), (of.pods, 0));
    }
}
