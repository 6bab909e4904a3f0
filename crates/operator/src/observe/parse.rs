//! From wire types to what `decide` knows: parse once, then trust. Pure; what can't be parsed is
//! treated as absent where that is safe, and said so where it is not.

use std::str::FromStr;
use std::sync::Arc;

use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::ResourceExt;
use kube::core::DynamicObject;
use serde_json::Value;
use siskin_api as api;
use siskin_api::CanaryOn;
use siskin_api::annotations::{
    FIELD_MANAGER, REVISION, TARGET, primary, revision as names, target,
};
use siskin_decide::{
    Cause, Declined, DeploymentStrategy, Desired, Ending, Facts, Frozen, MoveOrder, OnInconclusive,
    Portion, PromotedBy, Rejection, Revision, RolloutId, StepPlan, StepSize, Strategy, Taken,
    Takeover, Target, Workload,
};

use crate::workloads::children::{Child, Difference};
use crate::workloads::naming;
use crate::workloads::template::PodTemplate;

/// A frozen template with the object that holds it.
#[derive(Clone, Debug)]
pub struct FrozenObject {
    /// Its keys and marks.
    pub frozen: Frozen,
    /// Whether Siskin noted on it, for its last attempt, that the primary takes it over.
    pub(crate) may_take_over: bool,
    pub(crate) template: PodTemplate,
    pub(crate) name: String,
    /// `resourceVersion`, the precondition of a write.
    pub resource_version: Option<String>,
}

/// The largest `spec.replicas` that a Deployment can have.
const MAX_COUNT: u32 = i32::MAX.unsigned_abs();

/// The durable facts on the primary; `None` when Siskin did not make it.
pub(crate) fn facts(object: &DynamicObject) -> Option<Facts> {
    let annotations = object.annotations();
    let text = |key: &str| annotations.get(key).map(String::as_str);
    let count = |key: &str| text(key).and_then(|it| it.parse().ok()).filter(|it| *it <= MAX_COUNT);
    let named = |key: &str| text(key).and_then(|it| Revision::from_str(it).ok());
    Some(Facts {
        owner: text(primary::OWNER_UID)?.into(),
        adopted: text(primary::ADOPTED) == Some("true"),
        promoted: named(primary::PROMOTED),
        promoting: named(primary::PROMOTING).map(|revision| {
            let reason = text(primary::PROMOTING_REASON);
            let known = reason.and_then(|it| PromotedBy::from_str(it).ok());
            Takeover { revision, promoted_by: known.unwrap_or(PromotedBy::Resumed) }
        }),
        replicas: count(primary::REPLICAS).unwrap_or_else(|| replicas(object)),
        target_replicas: count(primary::TARGET_REPLICAS),
        attempts: object.labels().get(primary::ATTEMPTS).and_then(|it| attempt(it)).unwrap_or(0),
        bypass: text(primary::BYPASS_CONSUMED).map(Arc::from),
        ending: text(primary::ENDING).and_then(|it| Ending::from_str(it).ok()),
        scaled_by: text(primary::SCALED_BY).and_then(taken),
        seeded: text(primary::SEEDED) == Some("true"),
        declined: text(primary::SCALER_DECLINED).and_then(declined),
    })
}

fn taken(text: &str) -> Option<Taken> {
    let (name, rest) = text.split_once(' ').unwrap_or((text, ""));
    Some(Taken { scaler: name.parse().ok()?, answered: rest.is_empty() })
}

fn declined(text: &str) -> Option<Declined> {
    let (version, says) = text.split_once(' ')?;
    Some(Declined { version: u64::from_str_radix(version, 16).ok()?, says: says.into() })
}

/// Pods of a Deployment that the watch of the pods shows.
#[derive(Clone, Copy, Debug, Default)]
pub struct Shown {
    /// All pods, terminating ones included.
    pub all: u32,
    /// Pods that are being deleted, as far as the watch knows.
    pub terminating: u32,
}

/// Counts of a Deployment. `expected` is what a child should be; the target itself has none.
pub(crate) fn workload(object: &DynamicObject, expected: Option<&Child>, pods: Shown) -> Workload {
    let status = &object.data["status"];
    let number = |field: &str| u32::try_from(status[field].as_i64().unwrap_or(0)).unwrap_or(0);
    let generation = object.metadata.generation.unwrap_or(0);
    let wanted = replicas(object);
    let all = number("replicas");
    let revision = object.annotations().get(REVISION);
    Workload {
        revision: revision.and_then(|it| Revision::from_str(it).ok()),
        replicas: wanted,
        ready: number("readyReplicas"),
        available: number("availableReplicas"),
        updated: number("updatedReplicas"),
        terminating: leaving(pods, wanted, all),
        current: generation <= status["observedGeneration"].as_i64().unwrap_or(-1),
        rolled: number("updatedReplicas") == all,
        differs: expected.is_none_or(|it| it.compare(&whole(object)) != Difference::None),
    }
}

/// What is left of a child whose Deployment somebody deleted: it goes at once, its pods have their grace period, and are
/// consumers until then. Those that nobody ends, orphaned on purpose, count as none: they would be waited for without end.
pub(crate) fn left_behind(pods: Shown) -> Option<Workload> {
    let leaving = Workload {
        revision: None,
        replicas: 0,
        ready: 0,
        available: 0,
        updated: 0,
        terminating: pods.terminating,
        current: true,
        rolled: true,
        differs: false,
    };
    (0 < pods.terminating).then_some(leaving)
}

/// The target, with the keys of its live template.
pub(crate) fn target(object: &DynamicObject, desired: Desired) -> Target {
    let mut workload = workload(object, None, Shown::default());
    workload.revision = Some(desired.revision);
    workload.differs = false;
    let status = &object.data["status"];
    let number = |field: &str| u32::try_from(status[field].as_i64().unwrap_or(0)).unwrap_or(0);
    // The target's own pods carry no role and are not watched: those too many are on their way out.
    let surplus = number("replicas").saturating_sub(workload.replicas);
    workload.terminating = surplus.saturating_add(number("terminatingReplicas"));
    let noted = count_annotation(object, target::REPLICAS);
    Target {
        desired,
        available: is_available(object),
        noted,
        written: count_annotation(object, target::WRITTEN),
        owned: own_entry(object).is_some(),
        bypass: bypass(object),
        strategy: deployment_strategy(object),
        paused: object.data["spec"]["paused"] == true,
        workload,
    }
}

/// Whether its controller counts pods that are being deleted: from Kubernetes 1.35 on by default.
pub(crate) fn counts_terminating(object: &DynamicObject) -> bool {
    object.data["status"]["terminatingReplicas"].is_u64()
}

/// Pods on their way out. The watch of the pods may not know yet of one that is being deleted, and
/// the controller may have seen the new count and not acted on it: of a Deployment at 0 every pod
/// leaves, whoever shows it; of another those that its controller does not count any more.
fn leaving(pods: Shown, wanted: u32, counted: u32) -> u32 {
    let unseen = match wanted {
        0 => pods.all.max(counted),
        1.. => pods.all.saturating_sub(counted.max(wanted)),
    };
    pods.terminating.max(unseen)
}

/// `spec.replicas`, which the API server defaults to 1.
pub(crate) fn replicas(object: &DynamicObject) -> u32 {
    u32::try_from(object.data["spec"]["replicas"].as_i64().unwrap_or(1)).unwrap_or(0)
}

/// Whether a field manager other than ours owns `spec.replicas`.
pub(crate) fn is_counted_by_hand(object: &DynamicObject) -> bool {
    object.managed_fields().iter().any(|it| {
        let owns = it.fields_v1.as_ref().is_some_and(|it| !it.0["f:spec"]["f:replicas"].is_null());
        owns && it.manager.as_deref() != Some(FIELD_MANAGER)
    })
}

/// Who applies `spec.replicas` again and again: a tool for Git, as far as its last apply stands.
pub(crate) fn applied_count(object: &impl ResourceExt) -> Option<&str> {
    object.managed_fields().iter().find_map(|it| {
        let owns = it.fields_v1.as_ref().is_some_and(|it| !it.0["f:spec"]["f:replicas"].is_null());
        let manager = it.manager.as_deref()?;
        let applies =
            it.operation.as_deref() == Some("Apply") || manager == "kubectl-client-side-apply";
        (owns && applies && it.subresource.is_none()).then_some(manager)
    })
}

/// Where our field manager's entry stands in `managedFields`; that of the status is not ours.
pub(crate) fn own_entry(object: &DynamicObject) -> Option<usize> {
    object
        .managed_fields()
        .iter()
        .position(|it| it.manager.as_deref() == Some(FIELD_MANAGER) && it.subresource.is_none())
}

/// Whether the target is complete and Available at its own count.
fn is_available(object: &DynamicObject) -> bool {
    let status = &object.data["status"];
    let number = |field: &str| u32::try_from(status[field].as_i64().unwrap_or(0)).unwrap_or(0);
    let wanted = replicas(object);
    let observed = status["observedGeneration"].as_i64().unwrap_or(-1);
    object.metadata.generation.unwrap_or(0) <= observed
        && [number("replicas"), number("updatedReplicas"), number("availableReplicas")]
            .iter()
            .all(|it| *it == wanted)
}

/// `spec.strategy` of a Deployment, with the API server's defaults.
pub(crate) fn deployment_strategy(object: &DynamicObject) -> DeploymentStrategy {
    let strategy = &object.data["spec"]["strategy"];
    if strategy["type"] == "Recreate" {
        return DeploymentStrategy::Recreate;
    }
    DeploymentStrategy::RollingUpdate {
        max_surge: portion(&strategy["rollingUpdate"]["maxSurge"]),
        max_unavailable: portion(&strategy["rollingUpdate"]["maxUnavailable"]),
    }
}

/// A number of pods or a percentage; a quarter, the API server's default, where it is neither.
fn portion(value: &Value) -> Portion {
    let percent = value.as_str().and_then(|it| it.strip_suffix('%')?.parse().ok());
    let pods = value.as_u64().map(|it| Portion::Pods(u32::try_from(it).unwrap_or(u32::MAX)));
    pods.or(percent.map(Portion::Percent)).unwrap_or(Portion::DEFAULT)
}

/// The number of an attempt; one that nobody can have counted is none.
fn attempt(text: &str) -> Option<u32> {
    text.parse().ok().filter(|it| *it <= RolloutId::MAX_ATTEMPT)
}

/// A number in an annotation of the target.
fn count_annotation(object: &DynamicObject, key: &str) -> Option<u32> {
    object.annotations().get(key)?.parse().ok()
}

/// A live bypass: an empty reason is none.
fn bypass(object: &DynamicObject) -> Option<Arc<str>> {
    let reason = object.annotations().get(target::BYPASS)?.trim();
    (!reason.is_empty()).then(|| reason.into())
}

/// The object as plain JSON, metadata included.
#[must_use]
pub fn whole(object: &DynamicObject) -> Value {
    serde_json::to_value(object).unwrap_or(Value::Null)
}

/// A frozen template; `None` when the object is not one of ours.
pub(crate) fn frozen(object: &ControllerRevision, canary_on: CanaryOn) -> Option<FrozenObject> {
    let raw = &object.data.as_ref()?.0;
    let template = PodTemplate::of(raw);
    // Another template under this name is a forgery, or of somebody else.
    let revision = frozen_as(object).filter(|it| naming::may_have(&template, raw, *it))?;
    let text = |key: &str| object.annotations().get(key);
    let cause = text(names::REJECTED_CAUSE).and_then(|it| Cause::from_str(it).ok());
    let rollout = text(names::REJECTED_ROLLOUT).and_then(|it| RolloutId::from_str(it).ok());
    let excused = text(names::EXCUSED_ROLLOUT).and_then(|it| RolloutId::from_str(it).ok());
    let promoted = object.labels().get(names::PROMOTED).is_some_and(|it| it == "true");
    let attempt = text(names::ATTEMPT).and_then(|it| attempt(it)).unwrap_or(0);
    let taken_over = text(names::TAKEN_OVER).and_then(|it| self::attempt(it));
    Some(FrozenObject {
        may_take_over: taken_over == Some(attempt),
        frozen: Frozen {
            revision,
            trial: template.trial_key(canary_on),
            promoted,
            rejection: cause.zip(rollout).map(|(cause, rollout)| Rejection { cause, rollout }),
            attempt,
            excused,
        },
        template,
        name: object.name_any(),
        resource_version: object.resource_version(),
    })
}

/// The name under which a template was frozen: the object's, behind that of the target.
fn frozen_as(object: &ControllerRevision) -> Option<Revision> {
    let name = object.name_any();
    let own = name.strip_prefix(object.labels().get(TARGET)?)?.strip_prefix('-')?;
    let (revision, _) = own.split_once('-').unwrap_or((own, ""));
    revision.parse().ok()
}

/// The course that a trial takes.
pub(crate) fn strategy(plan: &api::FrozenPlan) -> Strategy {
    let count = |it: i32| u32::try_from(it).unwrap_or(0);
    let steps: Arc<[StepPlan]> = plan
        .steps()
        .iter()
        .map(|step| StepPlan {
            size: match step.size {
                api::StepSize::Weight(weight) => StepSize::Weight(count(weight)),
                api::StepSize::Replicas(replicas) => StepSize::Replicas(count(replicas)),
            },
            hold: step.hold.into(),
            max_hold: plan.max_hold_of(step).into(),
            approval: step.approval == api::Approval::Required,
        })
        .collect();
    Strategy {
        steps,
        order: match plan.order {
            api::Order::SurgeFirst => MoveOrder::SurgeFirst,
            api::Order::DrainFirst => MoveOrder::DrainFirst,
        },
        progress_deadline: plan.progress_deadline.into(),
        on_inconclusive: match plan.on_inconclusive {
            api::OnInconclusive::Pause => OnInconclusive::Pause,
            api::OnInconclusive::Promote => OnInconclusive::Promote,
            api::OnInconclusive::Rollback => OnInconclusive::Rollback,
        },
    }
}

#[cfg(test)]
mod tests;
