//! What the cluster and those who share it do to a rollout, none of it a version's fault: restarts,
//! autoscalers, quotas, dead nodes, policies, clocks. Plans nothing and checks nothing.

use jiff::SignedDuration;

use super::operator::Operator;
use super::refusals::Refusals;
use super::storm;
use super::world::{Blocked, World};

/// One event.
pub(super) fn strike(world: &mut World) {
    let profile = world.profile;
    match world.dice.below(8) {
        0 | 1 if profile.restarts => restart(world),
        2 if profile.restarts => pause(world),
        3 if profile.troubles => {
            let blocked = Blocked { since: world.now, everybody: world.dice.one_in(2) };
            world.blocked = world.blocked.is_none().then_some(blocked);
            world.log(|| format!("pods can't be made: {:?}", world.blocked));
        }
        4 if profile.troubles => strand(world),
        5 if profile.troubles => shared_outage(world),
        6 if profile.refusals => {
            world.refusals = Refusals::of(&mut world.dice);
            world.log(|| format!("a policy refuses {:?}", world.refusals));
        }
        7 if profile.clock => set_clock(world),
        7 if profile.crashes => nap(world),
        _ => {}
    }
}

/// The operator is away for long, uninstalled perhaps; what happens meanwhile nobody sees.
fn nap(world: &mut World) {
    world.count("operator away");
    world.log(|| "the operator is away".into());
    for _ in 0..=world.dice.below(30) {
        world.pass_time();
        if world.dice.one_in(10) {
            storm::strike(world);
        }
    }
    world.operator = Operator::default();
}

/// `kubectl rollout restart`.
fn restart(world: &mut World) {
    let version = world.cluster.next_version();
    let Some(it) = &mut world.cluster.target else { return };
    let mut made = it.deployment.made;
    made.restarts += 1;
    let replicas = it.deployment.replicas;
    it.deployment.write(made, replicas, version);
    world.count("restarted");
    world.log(|| "the target is restarted".into());
}

/// `kubectl rollout pause`, and resume.
fn pause(world: &mut World) {
    let version = world.cluster.next_version();
    let Some(it) = &mut world.cluster.target else { return };
    it.deployment.paused = !it.deployment.paused;
    it.deployment.version = version;
    world.count("paused or resumed");
    world.log(|| "the target is paused, or resumed".into());
}

/// A node dies, or a finalizer stays: what leaves never goes.
fn strand(world: &mut World) {
    let which = world.dice.below(3);
    let cluster = &mut world.cluster;
    let deployment = match which {
        0 => cluster.target.as_mut().map(|it| &mut it.deployment),
        1 => cluster.primary.as_mut().map(|it| &mut it.deployment),
        _ => cluster.canary.as_mut(),
    };
    if let Some(it) = deployment.filter(|it| 0 < it.count().leaving) {
        it.hold_leavers();
        world.count("pod that never leaves");
    }
}

/// What all pods need is away for a moment.
fn shared_outage(world: &mut World) {
    let version = world.cluster.next_version();
    let World { cluster, dice, .. } = world;
    let children = [cluster.primary.as_mut().map(|it| &mut it.deployment), cluster.canary.as_mut()];
    for it in children.into_iter().flatten() {
        it.crash(dice);
        it.version = version;
    }
    world.memory.accident = true;
    world.count("outage of all pods");
    world.log(|| "an outage that all pods share".into());
}

/// The clock of the operator's machine is set.
fn set_clock(world: &mut World) {
    let by = SignedDuration::from_secs(i64::from(world.dice.below(1_800)));
    if world.dice.one_in(2) {
        world.now += by;
        world.felt += by;
    } else {
        world.now -= by;
    }
    world.count("clock set");
    world.log(|| format!("the clock is set by {by}"));
}
