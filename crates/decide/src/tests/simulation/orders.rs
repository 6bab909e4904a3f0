//! A `ScaledObject` with work to do, and a `CanaryRollout`, in every order: whoever comes first, goes and
//! comes again, N is what it was.

use super::operator;
use super::profile::Profile;
use super::scalers;
use super::shape::Shape;
use super::storm;
use super::weather::{Climate, Drain};
use super::world::World;
use crate::autoscaler::{ScalerKind, Scales};
use crate::revision::Revision;

const SEEDS: u64 = 200;

/// Pods of the target.
const N: u32 = 6;

/// Seconds in which everything happens, and until everything rests.
const EVENTFUL: u32 = 240;
const LIFE: u32 = 900;

/// What happens once, at any time.
#[derive(Clone, Copy, Debug)]
enum Event {
    RolloutApplied,
    ScaledObjectMade,
    /// Also what pausing and resuming looks like.
    ScaledObjectGone,
    ScaledObjectMadeAgain,
    /// Git applies the `ScaledObject` as it holds it.
    AppliedAgain,
}

fn happen(world: &mut World, event: Event) {
    let version = world.cluster.next_version();
    match event {
        Event::RolloutApplied => {
            storm::create_rollout(world);
            if let Some(it) = &mut world.cluster.rollout {
                it.max_consumers = None;
            }
        }
        Event::ScaledObjectMade | Event::ScaledObjectMadeAgain => {
            if world.cluster.scalers.is_empty() {
                scalers::create(world, ScalerKind::ScaledObject, Scales::Target);
            }
        }
        Event::ScaledObjectGone => world.cluster.scalers.clear(),
        Event::AppliedAgain => {
            let now = world.now;
            for it in &mut world.cluster.scalers {
                it.point(Scales::Target, version, now);
            }
        }
    }
    world.foreign += 1;
    world.log(|| format!("{event:?}"));
}

fn live(seed: u64) {
    let climate = Climate { start: 10, drain: Drain::Quick, min_ready: 0 };
    let profile = Profile::calm(N, climate, Shape::DEFAULT);
    let mut world = World::plain(seed, profile, Revision(0), N);
    (world.calm, world.tick) = (true, 1);
    let once = [
        Event::RolloutApplied,
        Event::ScaledObjectMade,
        Event::ScaledObjectGone,
        Event::ScaledObjectMadeAgain,
        Event::AppliedAgain,
        Event::AppliedAgain,
    ];
    let mut due: Vec<_> = once.map(|it| (world.dice.below(EVENTFUL), it)).into();
    // In the end there is one.
    due.push((EVENTFUL, Event::ScaledObjectMadeAgain));
    for second in 0..LIFE {
        world.pass_time();
        for (_, event) in due.extract_if(.., |it| it.0 <= second) {
            happen(&mut world, event);
        }
        scalers::act(&mut world);
        operator::pass(&mut world);
        if let Some(it) = &world.cluster.primary
            && it.facts.replicas != N
        {
            world.fail(&format!("N is {}", it.facts.replicas));
        }
    }
    let adopted = world.cluster.primary.as_ref().is_some_and(|it| it.facts.adopted);
    let scales = world.cluster.scalers.first().map(|it| it.scales);
    if !adopted || scales != Some(Scales::Rollout) {
        world.fail(&format!("adopted: {adopted}, the ScaledObject scales {scales:?}"));
    }
}

#[test]
fn n_is_what_it_was_in_whatever_order_a_scaled_object_and_a_rollout_come() {
    for seed in 0..SEEDS {
        println!("seed {seed}");
        live(seed);
    }
}
