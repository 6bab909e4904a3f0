//! One `CanaryRollout`: what is in its way, and what to do about each thing.
//! Pure: from what was read to diagnoses; says nothing that was not read.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt as _;
use siskin_api::conditions::{READY, RECONCILING, SOURCES_REACHABLE, STALLED, WRITES_ACCEPTED};
use siskin_api::{AnalysisStatus, CanaryRollout, CanaryRolloutStatus, Phase, RejectedRevision};

use crate::cluster::installation::NamespacedRight;
use crate::cluster::look::Look;
use crate::lint;
use crate::live::advice;
use crate::live::doctor::diagnosis::Diagnosis;
use crate::live::doctor::remedy::{self, ReasonTable, RemedyFor};
use crate::live::doctor::{blind, steps};

/// Everything that was read about one rollout.
#[derive(Clone, Debug)]
pub(crate) struct RolloutLook {
    pub(crate) rollout: CanaryRollout,
    /// Names of all `CanaryRollouts` of the same target, its own among them.
    pub(crate) of_target: Look<Vec<String>>,
    pub(crate) target: Look<Option<Deployment>>,
    pub(crate) primary: Look<Option<Deployment>>,
    pub(crate) canary: Look<Option<Deployment>>,
    /// Field, name and whether it exists, of each Secret that the spec names.
    pub(crate) secrets: Vec<SecretLook>,
    /// Rights that the operator lacks in the namespace; asked only if a write was refused for that.
    pub(crate) lacking: Option<Look<Vec<NamespacedRight>>>,
    /// Where the operator's service account is.
    pub(crate) operator_namespace: String,
}

/// A Secret that the spec names, by its metadata.
#[derive(Clone, Debug)]
pub(crate) struct SecretLook {
    pub(crate) field: &'static str,
    pub(crate) name: String,
    pub(crate) exists: Look<bool>,
}

/// All diagnoses of a rollout, but those of the operator itself.
pub(crate) fn of(look: &RolloutLook) -> Vec<Diagnosis> {
    let rollout = &look.rollout;
    let unseen = CanaryRolloutStatus::default();
    let status = rollout.status.as_ref().unwrap_or(&unseen);
    let mut found = Vec::new();
    found.extend(spec(rollout));
    found.extend(freshness(rollout, status));
    found.extend(rivals(look));
    found.extend(look.secrets.iter().map(secret));
    found.extend(conditions(look, status));
    found.extend(waits(rollout, status));
    found.extend(deployments(look, status));
    if let Some(analysis) = &status.analysis {
        found.extend(members(rollout, analysis));
        found.extend(blind::of(&rollout.spec.analysis, analysis));
    }
    found.extend(steps::of(rollout, status));
    found
}

/// Breaks of the rules, and what the operator's parsers refuse.
fn spec(rollout: &CanaryRollout) -> Vec<Diagnosis> {
    let object = serde_json::to_value(rollout).unwrap_or_default();
    let problems = lint::problems(&object, rollout);
    if problems.is_empty() {
        return vec![Diagnosis::fine("the spec keeps the rules")];
    }
    let wrong = |(field, problem): (String, String)| {
        Diagnosis::wrong(format!("{field}: {problem}"), "change the CanaryRollout where it is kept")
    };
    problems.into_iter().map(wrong).collect()
}

fn freshness(rollout: &CanaryRollout, status: &CanaryRolloutStatus) -> Option<Diagnosis> {
    let remedy =
        "if it lasts more than some seconds: kubectl siskin doctor, and the operator's log";
    if status.phase.is_none() {
        let text =
            "the operator has not seen it: it does not run, or does not watch this namespace";
        return Some(Diagnosis::wrong(text, remedy));
    }
    let generation = rollout.metadata.generation.unwrap_or(0);
    (status.observed_generation < generation).then(|| {
        let text = format!(
            "the status is about generation {} of the spec, which is at {generation}",
            status.observed_generation
        );
        Diagnosis::wrong(text, remedy)
    })
}

fn rivals(look: &RolloutLook) -> Option<Diagnosis> {
    let target = &look.rollout.spec.target_ref.name;
    let names = match &look.of_target {
        Look::Refused(why) => {
            let what = format!("whether Deployment {target} has other CanaryRollouts");
            return Some(Diagnosis::unchecked(&what, why));
        }
        Look::Read(names) => names,
    };
    (1 < names.len()).then(|| {
        let text = format!(
            "Deployment {target} has several CanaryRollouts: {}; one is followed, the others are held",
            names.join(", ")
        );
        Diagnosis::wrong(text, "delete all but one")
    })
}

fn secret(it: &SecretLook) -> Diagnosis {
    let SecretLook { field, name, exists } = it;
    match exists {
        Look::Read(true) => Diagnosis::fine(format!("Secret {name} exists ({field})")),
        Look::Read(false) => Diagnosis::wrong(
            format!("Secret {name} does not exist in this namespace; {field} names it"),
            format!(
                "create it (its keys: kubectl explain canaryrollout.{field}), or take the reference off"
            ),
        ),
        Look::Refused(why) => Diagnosis::unchecked(&format!("whether Secret {name} exists"), why),
    }
}

/// Conditions that are in the way, each with the runbook's remedy.
fn conditions(look: &RolloutLook, status: &CanaryRolloutStatus) -> Vec<Diagnosis> {
    let rollout = &look.rollout;
    let namespace = rollout.namespace().unwrap_or_default();
    let name = rollout.name_any();
    let whom =
        RemedyFor { namespace: &namespace, name: &name, target: &rollout.spec.target_ref.name };
    let find = |type_: &str, is: &str| {
        status.conditions.iter().find(|it| it.type_ == type_ && it.status == is)
    };
    let mut found = Vec::new();
    let refused = find(WRITES_ACCEPTED, "False");
    // A refusal that lasts is told by both.
    let stalled =
        find(STALLED, "True").filter(|it| refused.is_none_or(|other| other.reason != it.reason));
    if let Some(it) = stalled {
        found.push(told(it, remedy::of(ReasonTable::Stalled, &it.reason, whom)));
    }
    if let Some(it) = refused {
        let lacks = it.reason == "NotPermitted";
        let remedy = if lacks {
            Some(grant(look))
        } else {
            remedy::of(ReasonTable::WritesAccepted, &it.reason, whom)
        };
        found.push(told(it, remedy));
        found.extend(look.lacking.as_ref().map(|it| lacking(it, look)));
    }
    if let Some(it) = find(SOURCES_REACHABLE, "False") {
        found.push(told(it, remedy::of(ReasonTable::SourcesReachable, &it.reason, whom)));
    }
    if let Some(it) = find(READY, "False") {
        let remedy = format!(
            "look at its pods: kubectl -n {namespace} describe deployment {}-primary",
            whom.target
        );
        found.push(told(it, Some(remedy)));
    }
    if let Some(it) = find(RECONCILING, "True") {
        found.extend(reconciling(it, whom));
    }
    if found.is_empty() && !status.conditions.is_empty() {
        found.push(Diagnosis::fine("no condition is in the way"));
    }
    found
}

fn told(condition: &Condition, remedy: Option<String>) -> Diagnosis {
    let Condition { type_, status, reason, message, .. } = condition;
    let remedy = remedy.unwrap_or_else(|| "docs/runbook.md".to_owned());
    Diagnosis::wrong(format!("{type_} is {status}, {reason}: {message}"), remedy)
}

/// What is under way and does not go on by itself.
fn reconciling(condition: &Condition, whom: RemedyFor<'_>) -> Option<Diagnosis> {
    let RemedyFor { namespace, target, .. } = whom;
    let remedy = match condition.reason.as_str() {
        "TargetPaused" => format!("kubectl -n {namespace} rollout resume deployment/{target}"),
        "PrimaryBlocked" => format!(
            "look at quota, nodes and Events: kubectl -n {namespace} describe deployment {target}-primary"
        ),
        "CanaryBlocked" => format!(
            "if it is not Kafka Streams that restores its state, look at quota, nodes and Events: kubectl -n {namespace} describe deployment {target}-canary"
        ),
        "AutoscalerPending" => {
            "if it lasts: see whether the autoscaler's controller runs (docs/autoscaling.md)"
                .to_owned()
        }
        _ => return None,
    };
    Some(told(condition, Some(remedy)))
}

fn grant(look: &RolloutLook) -> String {
    let namespace = look.rollout.namespace().unwrap_or_default();
    format!(
        "apply config/rbac of the operator's version; where each tenant lets it in: kubectl create rolebinding siskin-tenant \
         --clusterrole=siskin-tenant --serviceaccount={}:siskin -n {namespace}",
        look.operator_namespace
    )
}

fn lacking(rights: &Look<Vec<NamespacedRight>>, look: &RolloutLook) -> Diagnosis {
    let rights = match rights {
        Look::Refused(why) => return Diagnosis::unchecked("which rights the operator lacks", why),
        Look::Read(rights) => rights,
    };
    if rights.is_empty() {
        let text = "the operator has every right that it needs in this namespace by now";
        return Diagnosis::note(text, "nothing: a refused write is tried again within 30 s");
    }
    let word = |it: &NamespacedRight| {
        let NamespacedRight { verb, group, resource, subresource } = *it;
        let group = if group.is_empty() { String::new() } else { format!(".{group}") };
        let end = if subresource.is_empty() { String::new() } else { format!("/{subresource}") };
        format!("{verb} {resource}{group}{end}")
    };
    let words: Vec<String> = rights.iter().map(word).collect();
    let text = format!("the operator lacks rights in this namespace: {}", words.join(", "));
    Diagnosis::wrong(text, grant(look))
}

/// What a rollout waits for with nothing wrong about it.
fn waits(rollout: &CanaryRollout, status: &CanaryRolloutStatus) -> Vec<Diagnosis> {
    let namespace = rollout.namespace().unwrap_or_default();
    let name = rollout.name_any();
    let mut found = Vec::new();
    if rollout.metadata.deletion_timestamp.is_some() {
        found.push(Diagnosis::note(
            "it is being deleted, and its pods are handed back",
            "docs/uninstall.md",
        ));
    }
    if status.phase == Some(Phase::Failed) {
        found.extend(rejection(rollout, status));
    }
    if rollout.spec.suspend {
        let remedy = format!("kubectl siskin resume {name} -n {namespace}");
        found.push(Diagnosis::note("it is suspended: nothing goes forward", remedy));
    }
    if status.phase == Some(Phase::Paused) {
        let message = status.message.as_deref().unwrap_or("no word of the operator");
        let commands = advice::of(rollout);
        found.push(Diagnosis::note(format!("it is paused: {message}"), commands.join("; or ")));
    }
    found
}

/// Why the version that is asked for was rolled back.
fn rejection(rollout: &CanaryRollout, status: &CanaryRolloutStatus) -> Option<Diagnosis> {
    let revisions = status.revisions.as_ref()?;
    let is_desired = |it: &&RejectedRevision| Some(&it.revision) == revisions.desired.as_ref();
    let rejected = revisions.rejected.iter().find(is_desired).or(revisions.rejected.first())?;
    let cause = serde_json::to_value(rejected.cause).ok()?.as_str()?.to_owned();
    let (namespace, name) = (rollout.namespace().unwrap_or_default(), rollout.name_any());
    let target = &rollout.spec.target_ref.name;
    let whom = RemedyFor { namespace: &namespace, name: &name, target };
    let remedy = remedy::of(ReasonTable::Causes, &cause, whom).unwrap_or_default();
    let text = format!("attempt {} was rolled back: {cause}", rejected.rollout_id);
    Some(Diagnosis::note(text, remedy))
}

/// The target is there, and what serves of it is whole.
fn deployments(look: &RolloutLook, status: &CanaryRolloutStatus) -> Vec<Diagnosis> {
    let target = &look.rollout.spec.target_ref.name;
    let mut found = Vec::new();
    match &look.target {
        Look::Read(Some(_)) => found.push(Diagnosis::fine(format!("Deployment {target} exists"))),
        Look::Read(None) => found.push(Diagnosis::wrong(
            format!("Deployment {target} does not exist; spec.targetRef names it"),
            "apply it again, or delete the CanaryRollout",
        )),
        Look::Refused(why) => {
            found.push(Diagnosis::unchecked(&format!("Deployment {target}"), why));
        }
    }
    match &look.primary {
        Look::Read(None) if status.adopted => found.push(Diagnosis::wrong(
            format!("Deployment {target}-primary does not exist, and {target} was adopted"),
            "see what the condition Stalled says; if the operator runs, it makes it again (docs/runbook.md)",
        )),
        Look::Read(None) => {}
        Look::Read(Some(child)) => found.push(child_of(child, Diagnosis::wrong)),
        Look::Refused(why) => {
            found.push(Diagnosis::unchecked(&format!("Deployment {target}-primary"), why));
        }
    }
    match &look.canary {
        Look::Read(None) => {}
        // It starts with each step; what takes too long, progressDeadline ends.
        Look::Read(Some(child)) => found.push(child_of(child, Diagnosis::note)),
        Look::Refused(why) => {
            found.push(Diagnosis::unchecked(&format!("Deployment {target}-canary"), why));
        }
    }
    found
}

fn child_of(child: &Deployment, unready: fn(String, String) -> Diagnosis) -> Diagnosis {
    let name = child.name_any();
    let wanted = child.spec.as_ref().and_then(|it| it.replicas).unwrap_or(1);
    let ready = child.status.as_ref().and_then(|it| it.ready_replicas).unwrap_or(0);
    let text = format!("Deployment {name}: {ready} of {wanted} pods ready");
    if wanted <= ready {
        return Diagnosis::fine(text);
    }
    let namespace = child.namespace().unwrap_or_default();
    unready(text, format!("kubectl -n {namespace} describe deployment {name}, and its pods"))
}

/// Pods that are ready and no members: the group is another one, or they can't be told.
fn members(rollout: &CanaryRollout, analysis: &AnalysisStatus) -> Option<Diagnosis> {
    let primary = analysis.primary.as_ref()?;
    let (ready, members) = (primary.ready_pods?, primary.members?);
    let group = &rollout.spec.analysis.kafka.consumer_group;
    if ready <= members {
        return Some(Diagnosis::fine(format!(
            "{members} members of group {group} are pods of primary"
        )));
    }
    let remedy = "is spec.analysis.kafka.consumerGroup theirs, does each client.id hold its pod's name where pods share an \
                  address, and do they subscribe rather than assign partitions themselves (docs/runbook.md, PrimaryNotInGroup)";
    let text =
        format!("of {ready} ready pods of primary {members} are known as members of group {group}");
    let is_wrong = members == 0;
    Some(if is_wrong { Diagnosis::wrong(text, remedy) } else { Diagnosis::note(text, remedy) })
}
