//! Whether a trial may begin: every check with the reason why it failed and what to do. Pure.
//! A failed preflight holds a trial and goes on by itself; it never rejects a revision.

use jiff::Timestamp;
use siskin_analysis::{Unsteady, primary_steady, stuck_partitions};
use siskin_decide::{Stage, State, Trial};
use siskin_kafka::{GroupSnapshot, PodIdentity};

use crate::evidence::concern::Concern;
use crate::evidence::rollout_evidence::RolloutEvidence;
use crate::observe::world::World;

/// Everything that keeps a trial from beginning, the gravest first; nothing where none may begin.
/// `source` is what is wrong with a source; `gathered` is `None` while the group is not sampled.
#[must_use]
pub(super) fn preflight(
    world: &World,
    source: Option<&Concern>,
    gathered: Option<&RolloutEvidence>,
    now: Timestamp,
) -> Vec<Concern> {
    if !may_begin(world) {
        return vec![];
    }
    let mut found: Vec<_> = primary_available(world).into_iter().collect();
    if world.pods_unseen_for.is_some() && source.is_none() {
        found.push(Concern::new("PodsUnseen", "the pods have not been listed yet"));
    }
    if let Some(source) = source {
        found.push(source.clone());
        return found;
    }
    let Some(gathered) = gathered else {
        found.push(Concern::new("NoObservation", "Kafka has not been asked yet"));
        return found;
    };
    match gathered.latest.as_deref() {
        Some(Err(error)) => found.push(error.into()),
        Some(Ok(snapshot)) => {
            found.extend(static_members(snapshot, &world.pods.identities));
            found.extend(steady(gathered, now));
            found.extend(gathered.unread.as_ref().map(Concern::from));
        }
        None => found.push(Concern::new("NoObservation", "Kafka has not answered yet")),
    }
    found
}

/// Partitions that stand still under the primary, as a sentence; `None`: there is none, or no trial
/// is about to begin. They hold nothing back: the version may be what frees them.
#[must_use]
pub(super) fn stuck(world: &World, gathered: &RolloutEvidence) -> Option<String> {
    if !may_begin(world) {
        return None;
    }
    let stuck = stuck_partitions(&gathered.record);
    let told = stuck.iter().take(MOST_TOLD).map(|it| {
        let since = Timestamp::from_millisecond(it.since).unwrap_or(Timestamp::MIN);
        format!("{} since {since:.0} ({} messages wait)", it.partition, it.waiting)
    });
    let told = told.collect::<Vec<_>>().join(", ");
    let more = stuck.len().checked_sub(MOST_TOLD).filter(|it| 0 < *it);
    let more = more.map(|it| format!(" and {it} more")).unwrap_or_default();
    (!stuck.is_empty()).then(|| {
        format!(
            "under the primary nothing is committed on {told}{more}; a canary that gets one is not blamed for it, nor does it pass before it is freed"
        )
    })
}

/// Stuck partitions that are told by name.
const MOST_TOLD: usize = 3;

/// Whether anybody asks: a trial waits for it, or the target has something new at rest. Reading a
/// record to its end for a thousand rollouts at rest would be in vain.
fn may_begin(world: &World) -> bool {
    match world.state {
        State::AtRest(_) => {
            let promoted = world.primary.as_ref().and_then(|it| it.facts.promoted);
            let desired = world.target.as_ref().map(|it| it.desired.revision);
            desired.is_some() && desired != promoted
        }
        State::Trial(Trial { stage, .. }) => match stage {
            Stage::Preparing(_) => true,
            Stage::Progressing(_) | Stage::Paused(_) => false,
        },
        State::Pending
        | State::Adopting
        | State::Promoting(_)
        | State::RollingBack(_)
        | State::Terminating(_) => false,
    }
}

fn primary_available(world: &World) -> Option<Concern> {
    let total = world.primary.as_ref().map_or(0, |it| it.facts.replicas);
    let primary = world.primary.as_ref().map(|it| &it.workload);
    let ready = primary.map_or(0, |it| it.ready);
    let serves = primary.is_some_and(|it| it.rolled && it.replicas == total) && total <= ready;
    (!serves).then(|| {
        Concern::new(
            "PrimaryUnavailable",
            format!("the primary has {ready} of {total} pods ready; a canary needs a healthy primary to be compared with"),
        )
    })
}

fn steady(gathered: &RolloutEvidence, now: Timestamp) -> Option<Concern> {
    let unsteady = primary_steady(&gathered.record, now.as_millisecond()).err()?;
    let reason = match unsteady {
        Unsteady::NoObservation => "NoObservation",
        Unsteady::NotStable => "GroupNotStable",
        Unsteady::PrimaryNotInGroup => "PrimaryNotInGroup",
        Unsteady::Behind { .. } => "PrimaryBehind",
    };
    let remedy = match unsteady {
        Unsteady::PrimaryNotInGroup => {
            "; check spec.analysis.kafka.consumerGroup, and that client.id holds the pod's name where pods share an address: spec.podNameEnv gives it to an application as it is, once the Deployment was restarted (a consumer that assigns partitions itself is no member)"
        }
        Unsteady::NoObservation | Unsteady::NotStable | Unsteady::Behind { .. } => "",
    };
    Some(Concern::new(reason, format!("{unsteady}{remedy}")))
}

/// A static id that is in the template is the same in both roles: the old member would be fenced.
/// One that holds the name or an address of a pod is of that pod alone; that `client.id` holds it proves
/// nothing, since Java makes its `client.id` of the static id.
fn static_members(snapshot: &GroupSnapshot, pods: &[PodIdentity]) -> Option<Concern> {
    let shared = snapshot.members.iter().find_map(|member| {
        let id = member.instance_id.as_deref()?;
        let names = |pod: &PodIdentity| {
            id.contains(&*pod.name) || pod.ips.iter().any(|ip| id.contains(&ip.to_string()))
        };
        let own = pods.iter().any(names);
        (snapshot.members.len() == 1 && !own).then_some(id)
    })?;
    Some(Concern::new(
        "StaticMemberClash",
        format!(
            "group.instance.id {shared:?} does not depend on the pod: a canary with the same id would fence the primary out; set it from POD_NAME"
        ),
    ))
}

#[cfg(test)]
mod tests;
