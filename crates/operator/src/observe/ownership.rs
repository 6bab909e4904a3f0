//! Who owns the names of a target's children, from what is there and which rollouts exist.
//! Pure; what follows from it is decided elsewhere.

use jiff::Timestamp;
use kube::ResourceExt;
use kube::core::DynamicObject;
use siskin_api::CanaryRollout;
use siskin_api::annotations::{ROLE, TARGET};
use siskin_decide::Names;

use crate::observe::index::{Index, name_of};
use crate::observe::parse;
use crate::observe::world::Live;

/// Who owns the names. Of two rollouts of one target the one on the primary wins, else the oldest.
pub(super) fn names(index: &Index, rollout: &CanaryRollout, live: &Live) -> Names {
    let target = &rollout.spec.target_ref.name;
    let made = |it: &DynamicObject| it.labels().get(TARGET).is_some_and(|it| it == target);
    let foreign = [&live.primary, &live.canary].into_iter().flatten().any(|it| !made(it));
    let is_child = live.target.as_ref().is_some_and(|it| {
        it.labels().contains_key(ROLE)
            || it.data["spec"]["template"]["metadata"]["labels"].get(ROLE).is_some()
    });
    let uid = rollout.uid().unwrap_or_default();
    let created = rollout.creation_timestamp().map_or(Timestamp::MAX, |it| it.0);
    let has_elder = || index.has_elder(&name_of(rollout), target, created);
    match live.primary.as_ref().map(parse::facts) {
        _ if foreign || is_child => Names::Taken,
        Some(None) => Names::Taken,
        Some(Some(facts)) if *facts.owner == *uid => Names::Ours,
        Some(Some(facts)) if index.knows(&facts.owner) => Names::Taken,
        Some(Some(_)) | None if has_elder() => Names::Taken,
        Some(Some(_)) => Names::Orphaned,
        None => Names::Ours,
    }
}
