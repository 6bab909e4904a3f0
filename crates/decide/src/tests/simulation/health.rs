//! What must be true of the pods at every moment, whoever wrote last: I1 as users see it, I3 and I5.
//! Judges no plan and no write.

use jiff::SignedDuration;

use super::cluster::Cluster;
use super::deployment::Deployment;
use super::profile::Profile;
use super::weather::Drain;
use super::world::World;
use crate::observed::{Facts, MoveOrder};
use crate::state::Ending;

/// After every tick.
pub(super) fn check(world: &mut World) {
    let Some(facts) = world.cluster.primary.as_ref().map(|it| it.facts.clone()) else { return };
    let Profile { scaling, vandals, .. } = world.profile;
    // A count that was asked for a moment ago is on its way.
    if scaling || vandals || world.memory.forced || world.memory.lost_primary {
        return;
    }
    availability(world, &facts);
    crowd(world, &facts);
}

/// Deployments whose pods are consumers of the group.
fn serving<'a>(cluster: &'a Cluster, facts: &Facts) -> impl Iterator<Item = &'a Deployment> {
    let shares = !facts.adopted || facts.ending == Some(Ending::HandBack);
    let target = cluster.target.as_ref().map(|it| &it.deployment).filter(|_| shares);
    let primary = cluster.primary.as_ref().map(|it| &it.deployment);
    [target, primary, cluster.canary.as_ref()].into_iter().flatten()
}

/// I1: where only templates, restarts, commands and the operator's own fate change, no pod fails and
/// nothing is given up as failed, the group never has fewer ready consumers than it may. What a
/// `CanaryRollout` finds missing its predecessor has left, whose order may have been another.
fn availability(world: &mut World, facts: &Facts) {
    let total = facts.replicas;
    let ready: u32 = serving(&world.cluster, facts).map(Deployment::ready).sum();
    let missing = total.saturating_sub(ready);
    let Some(rollout) = &world.cluster.rollout else {
        world.memory.left_missing = missing;
        return;
    };
    let target = world.cluster.target.as_ref().map(|it| &it.deployment);
    // While it has units of ours, its own controller rolls them as its user asked.
    let shares = !facts.adopted || facts.ending == Some(Ending::HandBack);
    let memory = &world.memory;
    let by_itself = shares && (memory.edited_while_shared || world.profile.restarts);
    // A CanaryRollout that is made anew finds another N.
    let resumed = world.profile.deletion && !shares;
    if memory.gave_up || memory.accident || by_itself || resumed {
        return;
    }
    let full = rollout.max_consumers.is_some_and(|it| it <= total);
    let drains = full || rollout.plan().order == MoveOrder::DrainFirst;
    let slack = target.map_or(0, |it| it.shape.slack(total));
    let slack = if drains { slack.max(1) } else { slack };
    if missing <= slack {
        world.memory.left_missing = 0;
    } else if world.memory.left_missing < missing {
        world.fail(&format!("I1: {ready} ready of {total}, {slack} may be missing"));
    }
}

/// I3 as the group sees it: no controller brings more consumers than the user allows.
fn crowd(world: &World, facts: &Facts) {
    let Some(rollout) = &world.cluster.rollout else { return };
    let Some(most) = rollout.max_consumers.filter(|it| facts.replicas <= *it) else { return };
    // The target had more before it was adopted.
    if !facts.adopted || facts.ending.is_some() || world.profile.deletion {
        return;
    }
    // One that was given up goes as soon as its controller looks.
    let stays = |it: &&Deployment| 0 < it.replicas || it.current;
    let pods: u32 = serving(&world.cluster, facts).filter(stays).map(|it| it.count().all).sum();
    if most < pods {
        world.fail(&format!("I3: {pods} consumers, above maxConsumers {most}"));
    }
}

/// What has to go at once is gone within this time.
pub(super) const GONE_WITHIN: SignedDuration = SignedDuration::from_secs(60);

/// What goes as others come takes one start and one end for each of N, at most, and some looks at each.
pub(super) fn gone_one_by_one(world: &World) -> SignedDuration {
    let climate = world.profile.climate;
    let leaves = if climate.drain == Drain::Slow { 900 } else { 31 };
    let total = world.cluster.primary.as_ref().map_or(0, |it| it.facts.replicas);
    let seconds = total * (climate.start + climate.min_ready + leaves + 4 * world.tick);
    GONE_WITHIN + SignedDuration::from_secs(seconds.into())
}

/// I5: a version that was rejected is gone from the cluster in time, whatever it was rejected for, in a trial or when it
/// was about to be promoted.
pub(super) fn after_a_failure(world: &World) {
    let primary = world.cluster.primary.as_ref().map(|it| &it.deployment);
    // A minute in which the operator is up.
    let calm = world.memory.calm_since.unwrap_or(world.age);
    let marked = |it| world.cluster.find(it).is_some_and(|it| it.frozen.rejection.is_some());
    // Without its mark it may be tried again, and nobody knows better.
    let forgotten = world.profile.vandals || world.profile.deletion;
    let runs = |revision| {
        let mut children = primary.into_iter().chain(&world.cluster.canary);
        children.any(|it| it.runs(revision))
    };
    let late = world.memory.rejected.iter().find(|(revision, since, allowed)| {
        *allowed < world.age.duration_since(calm.max(*since))
            && runs(*revision)
            && (marked(*revision) || !forgotten)
    });
    if let Some((revision, _, allowed)) = late {
        let seconds = allowed.as_secs();
        world.fail(&format!("I5: {revision} still runs, of {seconds} s in which it has to go"));
    }
}

mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use super::*;
    use crate::revision::Revision;
    use crate::tests::simulation::shape::Shape;
    use crate::tests::simulation::storm;
    use crate::tests::simulation::weather::Climate;
    use siskin_simulation::random::Random;

    #[test]
    fn what_a_rollout_finds_missing_is_not_its_own_doing_and_one_more_is() {
        let climate = Climate { start: 0, drain: Drain::Quick, min_ready: 0 };
        let profile = Profile::calm(4, climate, Shape::pods(1, 0));
        let mut strategy = storm::strategy(&mut Random::new(1), &profile);
        strategy.order = MoveOrder::SurgeFirst;
        let mut world = World::at_rest(1, profile, Revision(0), strategy);
        let mut keeps_its_promise = |changes: fn(&mut World)| {
            changes(&mut world);
            catch_unwind(AssertUnwindSafe(|| check(&mut world))).is_ok()
        };
        let loses: fn(&mut World) = |it| {
            let primary = it.cluster.primary.as_mut().expect("it is adopted");
            primary.deployment.pods.pop();
        };
        assert!(!keeps_its_promise(loses), "a write of ours has brought it below N");
        assert!(keeps_its_promise(|it| it.memory.left_missing = 1), "it was found so");
        assert!(!keeps_its_promise(loses), "one more");
    }
}
