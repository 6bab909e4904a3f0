//! What a person reads of autoscalers: why a target is not adopted, and what was pointed where. Pure.

use siskin_decide::{
    Autoscalers, Bar, Effect, InTheWay, ScaleTo, ScalerKind, ScalerName, in_the_way,
};

use crate::observe::world::World;
use crate::process::events::{Announcement, EventKind};

/// Why the target's autoscaler is not taken over, and what to do.
pub(crate) fn in_the_way_text(world: &World) -> String {
    let (target, rollout) = (world.target_name(), &world.name.name);
    let facts = world.primary.as_ref().map(|it| &it.facts);
    match in_the_way(&world.scaling.known, facts) {
        None => unknown_text(world),
        Some(InTheWay::Several(names)) => {
            let names: Vec<_> = names.iter().map(called).collect();
            format!(
                "{} scale the same pods, of Deployment {target} and CanaryRollout {rollout}; keep one of them and delete the others: the one that is left is pointed at the CanaryRollout",
                names.join(" and ")
            )
        }
        Some(InTheWay::Barred(name, Bar::Keeps)) => format!(
            "{} scales Deployment {target} and is annotated siskin.dev/scale-target: keep; remove the annotation, and it is pointed at the CanaryRollout, or let its scaleTargetRef name CanaryRollout {rollout} (siskin.dev/v1alpha1)",
            called(&name)
        ),
        Some(InTheWay::Barred(name, Bar::ReadsEnvironment)) => format!(
            "{} scales Deployment {target} and has a trigger with a key that ends in FromEnv, which KEDA reads from the containers of what it scales; a CanaryRollout has none. Write the value into the trigger, or use a TriggerAuthentication that reads a Secret",
            called(&name)
        ),
        Some(InTheWay::Declined(name, says)) => format!(
            "{} was pointed at CanaryRollout {rollout}, did not work there and scales Deployment {target} again: {}; it is tried again once it, or the CanaryRollout, is changed",
            called(&name),
            says.trim_end_matches('.')
        ),
        Some(InTheWay::Vertical) => format!(
            "a VerticalPodAutoscaler acts on Deployment {target} and would lose its pods, which run as {target}-primary; set its updatePolicy.updateMode to \"Off\", or delete it"
        ),
    }
}

/// A count that somebody set on the drained target, and what becomes of the wish: it is followed by the next look if it is
/// what the target is noted with, and the `CanaryRollout` asks for none itself.
pub(crate) fn drained(world: &World, noted: u32) -> Announcement {
    let target = world.target_name();
    let set = world.target.as_ref().map_or(noted, |it| it.workload.replicas);
    let (fate, becomes) = match overruled(world) {
        Some(overruled) => ("overruled", overruled),
        None if noted == set => ("followed", format!("{set} consumers are wanted now")),
        None => (
            "not followed",
            format!(
                "the count is not followed. To scale them, scale CanaryRollout {}",
                world.name.name
            ),
        ),
    };
    let note = format!(
        "{target} was set to {set} replicas by someone else; its pods run as {target}-primary, so it was drained again; {becomes}"
    );
    // Announcements of one action are one Event, which keeps its first note.
    let action = format!("{set} {fate}");
    Announcement { kind: EventKind::Normal, reason: "TargetDrained", action, note }
}

/// A count that somebody asked the drained target for since the last look, which the guard has noted on it without letting
/// a pod of it start: nothing of `made` had to drain it.
pub(super) fn kept_drained(world: &World, made: &[Effect]) -> Option<Announcement> {
    let before = world.primary.as_ref().filter(|it| it.facts.adopted)?.facts.target_replicas?;
    let noted = made.iter().find_map(Effect::facts)?.target_replicas?;
    let asked = world.target.as_ref()?;
    let news = noted != before && asked.noted == Some(noted) && asked.workload.replicas == 0;
    if !news || made.iter().any(|it| matches!(it, Effect::Drain { .. })) {
        return None;
    }
    let target = world.target_name();
    let (fate, becomes) = match overruled(world) {
        Some(overruled) => ("overruled", overruled),
        None => ("followed", format!("{noted} consumers are wanted now")),
    };
    let note = format!(
        "{noted} replicas of {target} were asked for; its pods run as {target}-primary, so the guard kept it drained; {becomes}"
    );
    let action = format!("{noted} {fate}");
    Some(Announcement { kind: EventKind::Normal, reason: "TargetDrained", action, note })
}

/// Who decides instead of the target's own count, and how to change that; nothing if the target's count decides.
fn overruled(world: &World) -> Option<String> {
    let (replicas, rollout) = (world.rollout.spec.replicas?, &world.name.name);
    Some(format!(
        "replicas: {replicas} of CanaryRollout {rollout} decides. Scale that, or let the count of the Deployment decide again: kubectl patch canaryrollout {rollout} --type=merge -p '{{\"spec\":{{\"replicas\":null}}}}'"
    ))
}

/// What is waited for before a unit moves.
pub(crate) fn pending_text(world: &World) -> String {
    if world.scaling.known == Autoscalers::Unknown {
        return unknown_text(world);
    }
    let facts = world.primary.as_ref().map(|it| &it.facts);
    let taken = facts.and_then(|it| it.scaled_by.as_ref()).map(|it| called(&it.scaler));
    let taken = taken.unwrap_or_else(|| "its autoscaler".to_owned());
    format!(
        "waiting until {taken} scales CanaryRollout {} instead of Deployment {}; no pod moves before",
        world.name.name,
        world.target_name()
    )
}

fn unknown_text(world: &World) -> String {
    let target = world.target_name();
    match &world.scaling.unknown_because {
        None => format!("not known yet whether an autoscaler scales Deployment {target}"),
        Some(why) => format!(
            "not known whether an autoscaler scales Deployment {target}: {why}; it is asked again"
        ),
    }
}

/// An autoscaler was pointed at the rollout.
pub(super) fn taken(world: &World, scaler: &ScalerName) -> Announcement {
    let (target, rollout) = (world.target_name(), &world.name.name);
    let note = format!(
        "{} scales CanaryRollout {rollout} now instead of Deployment {target}, whose pods run as {target}-primary; nothing else of it was changed, and it is given back when the CanaryRollout is deleted",
        called(scaler)
    );
    let (kind, reason, action) = (EventKind::Normal, "ScaleTargetTaken", scaler.to_string());
    Announcement { kind, reason, action, note }
}

/// An autoscaler was pointed at a Deployment again.
pub(super) fn given_back(world: &World, scaler: &ScalerName, to: ScaleTo) -> Announcement {
    let target = world.target_name();
    let (kind, reason, deployment) = match to {
        ScaleTo::Target => (EventKind::Normal, "ScaleTargetGivenBack", target.to_owned()),
        ScaleTo::Primary => (
            EventKind::Warning,
            "ScaleTargetLeft",
            format!("{target}-primary, which keeps serving"),
        ),
    };
    let note = format!("{} scales Deployment {deployment}", called(scaler));
    Announcement { kind, reason, action: scaler.to_string(), note }
}

fn called(name: &ScalerName) -> String {
    format!("{} {}", <&str>::from(name.kind), name.name)
}

/// The kind of an autoscaler in the status.
pub(super) const fn wire_kind(kind: ScalerKind) -> siskin_api::AutoscalerKind {
    match kind {
        ScalerKind::HorizontalPodAutoscaler => siskin_api::AutoscalerKind::HorizontalPodAutoscaler,
        ScalerKind::ScaledObject => siskin_api::AutoscalerKind::ScaledObject,
    }
}

#[cfg(test)]
mod tests {
    use siskin_decide::WriteScope;
    use siskin_decide::testing::{PROMOTED, at_rest};

    use super::*;
    use crate::apply::effects::tests::world;

    #[test]
    fn a_count_that_the_guard_keeps_from_the_target_is_told_with_what_becomes_of_it() {
        let (mut world, mut seen) = (world(), at_rest());
        if let Some(target) = &mut seen.target {
            target.noted = Some(7);
        }
        (world.target, world.primary) = (seen.target, seen.primary);
        let known = world.primary.clone().expect("a primary").facts;
        let noting = |noted| Effect::Primary {
            revision: PROMOTED,
            replicas: 4,
            facts: siskin_decide::Facts { target_replicas: Some(noted), ..known.clone() },
            scope: WriteScope::CountOnly,
        };
        let note = |world: &World, made: &[Effect]| kept_drained(world, made).map(|it| it.note);
        let told = note(&world, &[noting(7)]).expect("told");
        assert!(
            told.contains("the guard") && told.contains("7 consumers are wanted now"),
            "{told}"
        );
        assert_eq!(note(&world, &[noting(4)]), None, "nobody asked for anything");
        assert_eq!(note(&world, &[Effect::Drain { noted: 7 }, noting(7)]), None, "without a guard");
        world.rollout.spec.replicas = Some(4);
        let told = note(&world, &[noting(7)]).expect("told");
        assert!(told.contains("replicas: 4 of CanaryRollout orders decides"), "{told}");
    }
}
