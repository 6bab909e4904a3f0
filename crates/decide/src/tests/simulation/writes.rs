//! Effects as `apply` makes them: absolute, each with the resourceVersion that was read. A write on
//! an object that changed since fails, and ends the pass. Plans nothing.

use super::cluster::{Cluster, Dress, FrozenObject, PrimaryObject, View, trial_key};
use super::deployment::{BY_HAND, Deployment, Made};
use crate::autoscaler::{ScalerName, Scales};
use crate::observed::{Facts, Frozen};
use crate::plan::{Effect, ScaleTo, WriteScope};
use crate::revision::Revision;
use siskin_simulation::random::Random;

/// Rejected templates, and others beside the promoted one, that are kept.
const MAX_KEPT: usize = 10;

/// Why a write was not made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failed {
    /// The object is not the one that was read: look again.
    Conflict,
    /// The process died between two writes of one effect.
    Crash,
    /// The plan asked for what no retry can make.
    Impossible(&'static str),
}

/// What may come between two writes of one effect.
pub(super) struct Fate<'a> {
    pub(super) dice: &'a mut Random,
    /// The process may die.
    pub(super) brittle: bool,
}

/// Makes one effect.
pub(super) fn write(
    cluster: &mut Cluster,
    view: &mut View,
    effect: &Effect,
    fate: &mut Fate<'_>,
) -> Result<(), Failed> {
    match effect {
        Effect::AddFinalizer => on_rollout(cluster, view, |it| it.finalizer = true),
        Effect::SeedScale { replicas } => {
            on_rollout(cluster, view, |it| it.replicas = Some(*replicas))
        }
        Effect::UnseedScale => on_rollout(cluster, view, |it| it.replicas = None),
        Effect::TakeScale { scaler } => point(cluster, view, scaler, Scales::Rollout),
        Effect::GiveScale { scaler, to: ScaleTo::Target } => {
            point(cluster, view, scaler, Scales::Target)
        }
        Effect::GiveScale { scaler, to: ScaleTo::Primary } => {
            point(cluster, view, scaler, Scales::Primary)
        }
        Effect::Freeze { revision, attempt } => freeze(cluster, view, *revision, *attempt),
        Effect::Refreeze { revision } => refreeze(cluster, view, *revision),
        Effect::Primary { revision, replicas, facts, scope: WriteScope::Whole } => {
            primary(cluster, view, *revision, *replicas, facts)
        }
        Effect::Primary { replicas, facts, scope: WriteScope::CountOnly, .. } => {
            recount(cluster, view, *replicas, facts)
        }
        Effect::Canary { revision, replicas, scope: WriteScope::Whole } => {
            canary(cluster, view, *revision, *replicas)
        }
        Effect::Canary { replicas, scope: WriteScope::CountOnly, .. } => {
            let version = cluster.next_version();
            let it = cluster.canary.as_mut().ok_or(Failed::Conflict)?;
            check(view.versions.canary, it.version)?;
            it.scale(*replicas, version);
            view.versions.canary = Some(version);
            Ok(())
        }
        Effect::Target { replicas } => target(cluster, view, *replicas, None, fate),
        Effect::Drain { noted } => target(cluster, view, 0, Some(*noted), fate),
        Effect::DropFieldOwnership => disown(cluster, view),
        Effect::Reject { revision, rejection } => {
            mark(cluster, view, *revision, |it| it.rejection = Some(*rejection))
        }
        Effect::ClearRejection { revision, excused } => mark(cluster, view, *revision, |it| {
            it.rejection = None;
            it.excused = excused.or(it.excused);
        }),
        Effect::MarkPromoted { revision } => promote(cluster, view, *revision, fate),
        Effect::OwnPrimaryByTarget => {
            let version = cluster.next_version();
            let Some(it) = &mut cluster.primary else { return Err(Failed::Conflict) };
            check(view.versions.primary, it.deployment.version)?;
            (it.owned, it.deployment.version) = (true, version);
            view.versions.primary = Some(version);
            Ok(())
        }
        Effect::RemoveChildren => {
            if let Some(it) = &cluster.canary {
                check(view.versions.canary, it.version)?;
            }
            if let Some(it) = &cluster.primary {
                check(view.versions.primary, it.deployment.version)?;
            }
            (cluster.canary, cluster.primary) = (None, None);
            if fate.brittle && fate.dice.one_in(4) {
                return Err(Failed::Crash);
            }
            cluster.frozen.clear();
            Ok(())
        }
        Effect::RemoveFinalizer => release(cluster, view),
    }
}

fn check(read: Option<u32>, version: u32) -> Result<(), Failed> {
    if read == Some(version) { Ok(()) } else { Err(Failed::Conflict) }
}

fn on_rollout(
    cluster: &mut Cluster,
    view: &mut View,
    change: impl FnOnce(&mut super::cluster::Rollout),
) -> Result<(), Failed> {
    let version = cluster.next_version();
    let it = cluster.rollout.as_mut().ok_or(Failed::Conflict)?;
    check(Some(view.versions.rollout), it.version)?;
    change(it);
    (it.version, view.versions.rollout) = (version, version);
    Ok(())
}

fn point(
    cluster: &mut Cluster,
    view: &mut View,
    name: &ScalerName,
    scales: Scales,
) -> Result<(), Failed> {
    let version = cluster.next_version();
    let read = view.versions.scalers.iter().find(|it| it.0 == *name).map(|it| it.1);
    let it = cluster.scalers.iter_mut().find(|it| it.name == *name).ok_or(Failed::Conflict)?;
    check(read, it.version)?;
    it.point(scales, version, view.now);
    it.marked = scales == Scales::Rollout;
    Ok(())
}

fn release(cluster: &mut Cluster, view: &mut View) -> Result<(), Failed> {
    on_rollout(cluster, view, |it| it.finalizer = false)?;
    if cluster.rollout.as_ref().is_some_and(|it| it.deleted_at.is_some()) {
        cluster.rollout = None;
    }
    Ok(())
}

fn freeze(
    cluster: &mut Cluster,
    view: &mut View,
    revision: Revision,
    attempt: u32,
) -> Result<(), Failed> {
    if view.versions.frozen.iter().any(|it| it.0 == revision) {
        return mark(cluster, view, revision, |it| it.attempt = attempt);
    }
    // What was observed is what is frozen, whatever the target looks like by now.
    let live = view.seen.target.as_ref().is_some_and(|it| it.desired.revision == revision);
    if !live {
        return Err(Failed::Impossible("freezes a template that the target does not have"));
    }
    create(cluster, view, revision, attempt)
}

fn refreeze(cluster: &mut Cluster, view: &mut View, revision: Revision) -> Result<(), Failed> {
    let primary = cluster.primary.as_ref().ok_or(Failed::Conflict)?;
    check(view.versions.primary, primary.deployment.version)?;
    if primary.deployment.named != revision || primary.deployment.made.from == BY_HAND {
        return Err(Failed::Impossible(
            "freezes a template that the primary Deployment does not run",
        ));
    }
    let attempts = primary.facts.attempts;
    create(cluster, view, revision, attempts)
}

fn create(
    cluster: &mut Cluster,
    view: &mut View,
    revision: Revision,
    attempt: u32,
) -> Result<(), Failed> {
    if cluster.find(revision).is_some() {
        return Err(Failed::Conflict);
    }
    let version = cluster.next_version();
    let facts = view.seen.primary.as_ref().map(|it| &it.facts);
    let frozen = Frozen {
        revision,
        trial: trial_key(revision),
        promoted: facts.is_some_and(|it| it.promoted == Some(revision)),
        rejection: None,
        attempt,
        excused: None,
    };
    cluster.frozen.push(FrozenObject { frozen, version });
    view.versions.frozen.push((revision, version));
    Ok(())
}

fn mark(
    cluster: &mut Cluster,
    view: &mut View,
    revision: Revision,
    change: impl FnOnce(&mut Frozen),
) -> Result<(), Failed> {
    let version = cluster.next_version();
    let Some(known) = view.versions.frozen.iter_mut().find(|it| it.0 == revision) else {
        return Err(Failed::Impossible("marks a revision that is not frozen"));
    };
    let object = cluster.frozen.iter_mut().find(|it| it.frozen.revision == revision);
    let object = object.ok_or(Failed::Conflict)?;
    check(Some(known.1), object.version)?;
    change(&mut object.frozen);
    (object.version, known.1) = (version, version);
    Ok(())
}

fn promote(
    cluster: &mut Cluster,
    view: &mut View,
    revision: Revision,
    fate: &mut Fate<'_>,
) -> Result<(), Failed> {
    mark(cluster, view, revision, |it| it.promoted = true)?;
    for other in view.versions.frozen.clone() {
        if fate.brittle && fate.dice.one_in(8) {
            return Err(Failed::Crash);
        }
        mark(cluster, view, other.0, |it| it.promoted &= it.revision == revision)?;
    }
    let oldest = cluster.frozen.iter().filter(|it| !it.frozen.promoted);
    if MAX_KEPT < cluster.frozen.len()
        && let Some(oldest) = oldest.min_by_key(|it| it.frozen.attempt).map(|it| it.frozen.revision)
    {
        cluster.frozen.retain(|it| it.frozen.revision != oldest);
    }
    Ok(())
}

fn primary(
    cluster: &mut Cluster,
    view: &mut View,
    revision: Revision,
    replicas: u32,
    facts: &Facts,
) -> Result<(), Failed> {
    let frozen = view.versions.frozen.iter().any(|it| it.0 == revision);
    let read = view.seen.primary.as_ref().and_then(|it| it.workload.revision);
    if !frozen && read != Some(revision) {
        return Err(Failed::Impossible("gives primary a template that is not frozen"));
    }
    if read.is_none() && view.seen.target.is_none() && view.seen.canary.is_none() {
        return Err(Failed::Impossible("makes primary of nothing: no Deployment has its shape"));
    }
    let version = cluster.next_version();
    let mut object = match (cluster.primary.take(), view.versions.primary) {
        (None, None) => PrimaryObject {
            deployment: Deployment::new(revision, replicas, version),
            facts: facts.clone(),
            owned: false,
        },
        (Some(it), Some(read)) if it.deployment.version == read => it,
        (other, _) => {
            cluster.primary = other;
            return Err(Failed::Conflict);
        }
    };
    // N may change with this very write.
    let worn = view.dress.map(|it| it.at(facts.replicas));
    // Where it alone still has its template, only the count and the facts are written.
    let template = frozen.then_some(revision);
    dress(&mut object.deployment, worn, template, replicas, version);
    object.deployment.named = revision;
    object.deployment.edited &= !frozen;
    object.owned &= !frozen;
    object.facts = facts.clone();
    view.versions.primary = Some(version);
    cluster.primary = Some(object);
    Ok(())
}

/// The count and the facts of primary, and nothing of its template.
fn recount(
    cluster: &mut Cluster,
    view: &mut View,
    replicas: u32,
    facts: &Facts,
) -> Result<(), Failed> {
    let version = cluster.next_version();
    let it = cluster.primary.as_mut().ok_or(Failed::Conflict)?;
    check(view.versions.primary, it.deployment.version)?;
    it.deployment.scale(replicas, version);
    it.facts = facts.clone();
    view.versions.primary = Some(version);
    Ok(())
}

fn canary(
    cluster: &mut Cluster,
    view: &mut View,
    revision: Revision,
    replicas: u32,
) -> Result<(), Failed> {
    let version = cluster.next_version();
    let frozen = view.versions.frozen.iter().any(|it| it.0 == revision);
    let mut object = match (cluster.canary.take(), view.versions.canary) {
        (None, None) if frozen => Deployment::new(revision, replicas, version),
        (None, None) => return Err(Failed::Impossible("creates a canary without a template")),
        (Some(it), Some(read)) if it.version == read => it,
        (other, _) => {
            cluster.canary = other;
            return Err(Failed::Conflict);
        }
    };
    // To 0, and without its template, only the count is written.
    let template = (frozen && 0 < replicas).then_some(revision);
    dress(&mut object, view.dress, template, replicas, version);
    if frozen && 0 < replicas {
        (object.named, object.edited) = (revision, false);
    }
    view.versions.canary = Some(version);
    cluster.canary = Some(object);
    Ok(())
}

/// A child as it is written: with its template, what it takes over from the target goes onto it.
fn dress(
    child: &mut Deployment,
    dress: Option<Dress>,
    template: Option<Revision>,
    replicas: u32,
    version: u32,
) {
    let Some(template) = template else { return child.scale(replicas, version) };
    let before = child.made;
    if let Some(dress) = dress {
        dress.put_on(child);
    }
    let made = Made { from: template, ..child.made };
    child.made = before;
    child.write(made, replicas, version);
}

fn target(
    cluster: &mut Cluster,
    view: &mut View,
    replicas: u32,
    noted: Option<u32>,
    fate: &mut Fate<'_>,
) -> Result<(), Failed> {
    let version = cluster.next_version();
    let it = cluster.target.as_mut().ok_or(Failed::Conflict)?;
    check(view.versions.target, it.deployment.version)?;
    it.deployment.scale(replicas, version);
    (it.noted, it.written) = (noted, noted.is_none().then_some(replicas));
    it.owned = true;
    view.versions.target = Some(version);
    match fate.dice.below(8) {
        0 if fate.brittle => Err(Failed::Crash),
        1 => {
            // The target's own controller writes between the two: the second one is left to the
            // next pass.
            let version = cluster.next_version();
            cluster.target.as_mut().ok_or(Failed::Conflict)?.deployment.version = version;
            Ok(())
        }
        _ => disown(cluster, view),
    }
}

/// The target's fields become nobody's, in a write of its own.
fn disown(cluster: &mut Cluster, view: &mut View) -> Result<(), Failed> {
    let version = cluster.next_version();
    let it = cluster.target.as_mut().ok_or(Failed::Conflict)?;
    check(view.versions.target, it.deployment.version)?;
    (it.owned, it.deployment.version) = (false, version);
    view.versions.target = Some(version);
    Ok(())
}
