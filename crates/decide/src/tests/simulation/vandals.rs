//! Deletions, edits by hand, restored backups, failing pods: what nobody means to do to a rollout.
//! Plans nothing and checks nothing.

use super::cluster::TargetObject;
use super::deployment::{BY_HAND, Deployment};
use super::storm::{note_wish, strategy};
use super::world::{Nature, World};
use crate::revision::Revision;

/// Deletions of anything, edits by hand, restored backups, crashes of pods.
pub(super) fn strike(world: &mut World) {
    match world.dice.below(16) {
        0 => lose_target(world),
        1 if world.cluster.target.is_none() => make_target(world),
        2 => {
            world.cluster.primary = None;
            world.memory.lost_primary = true;
            world.log(|| "the primary Deployment is deleted".into());
        }
        3 => {
            world.cluster.canary = None;
            world.log(|| "the canary is deleted".into());
        }
        4 => lose_template(world),
        5 | 6 => hand_on_child(world),
        7 | 8 => {
            let Some(it) = &mut world.cluster.rollout else { return };
            let older = if world.dice.one_in(2) { None } else { world.memory.backup.clone() };
            it.status = older;
            it.version = world.cluster.versions + 1;
            world.cluster.versions += 1;
            world.log(|| "the status is wiped, or restored".into());
        }
        9 => {
            world.memory.backup = world.cluster.rollout.as_ref().and_then(|it| it.status.clone());
        }
        10 => {
            let version = world.cluster.next_version();
            let strategy = strategy(&mut world.dice, &world.profile);
            if let Some(it) = &mut world.cluster.rollout {
                (it.strategy, it.version) = (strategy, version);
            }
        }
        11 | 12 => break_primary(world),
        _ => crash_pods(world),
    }
}

pub(super) fn lose_target(world: &mut World) {
    world.cluster.target = None;
    world.memory.target_gone.get_or_insert(world.felt);
    // Garbage collection follows at once here.
    if world.cluster.primary.as_ref().is_some_and(|it| it.owned) {
        world.cluster.primary = None;
    }
    world.log(|| "the target is deleted".into());
}

/// The target comes back from Git: with its own count, and without our annotations.
pub(super) fn make_target(world: &mut World) {
    let version = world.cluster.next_version();
    let template = Revision(u64::from(world.dice.below(8)));
    let count = 1 + world.dice.below(world.profile.size);
    let mut deployment = Deployment::new(template, count, version);
    deployment.shape = world.profile.shape;
    deployment.min_ready = world.profile.climate.min_ready;
    let target =
        TargetObject { deployment, noted: None, written: None, owned: false, bypass: None };
    world.cluster.target = Some(target);
    world.memory.target_gone = None;
    note_wish(world, count);
    world.log(|| format!("the target is created with {template} and {count}"));
}

fn lose_template(world: &mut World) {
    if world.cluster.frozen.is_empty() {
        return;
    }
    let count = u32::try_from(world.cluster.frozen.len()).unwrap();
    let index = world.dice.below(count) as usize;
    let lost = world.cluster.frozen[index].frozen.revision;
    // One at a time: an edited child without its template is a riddle for people too.
    let edited = world.cluster.primary.as_ref().is_some_and(|it| it.deployment.edited);
    if !edited {
        world.cluster.frozen.remove(index);
        world.log(|| format!("the template {lost} is deleted"));
    }
}

fn hand_on_child(world: &mut World) {
    let version = world.cluster.next_version();
    let (count, template) = (world.dice.below(world.profile.size), world.dice.one_in(2));
    let on_primary = world.dice.one_in(2);
    let primary = world.cluster.primary.as_ref().map(|it| it.deployment.named);
    if on_primary && primary.is_none_or(|it| world.cluster.find(it).is_none()) {
        return;
    }
    let child = if on_primary {
        world.cluster.primary.as_mut().map(|it| &mut it.deployment)
    } else {
        world.cluster.canary.as_mut()
    };
    let Some(child) = child else { return };
    if template {
        child.give(BY_HAND, version);
        child.edited = true;
    } else {
        child.scale(count, version);
    }
    // Pods that a hand has started are not ours.
    world.memory.rejected.clear();
    world.memory.forced |= world.cluster.rollout.is_none();
    world.log(|| format!("a hand on a child: primary {on_primary}, template {template}"));
}

/// What serves stops working: its database moved, its certificate expired.
fn break_primary(world: &mut World) {
    let version = world.cluster.next_version();
    let Some(it) = &mut world.cluster.primary else { return };
    let Some(Revision(index)) = it.facts.promoted else { return };
    it.deployment.crash(&mut world.dice);
    it.deployment.version = version;
    world.natures[usize::try_from(index).unwrap()] = Nature::Stuck;
    world.log(|| "what is promoted does not get ready any more".into());
}

fn crash_pods(world: &mut World) {
    let version = world.cluster.next_version();
    let dice = &mut world.dice;
    let cluster = &mut world.cluster;
    let deployment = match dice.below(3) {
        0 => cluster.target.as_mut().map(|it| &mut it.deployment),
        1 => cluster.primary.as_mut().map(|it| &mut it.deployment),
        _ => cluster.canary.as_mut(),
    };
    if let Some(it) = deployment {
        it.crash(dice);
        it.version = version;
    }
}
