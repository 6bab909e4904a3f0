//! `doctor`: what is wrong with a rollout, or with the installation, each thing with what to do.
//! Asks and prints; what was read is judged in the files below.

pub(crate) mod blind;
pub(crate) mod definitions;
pub(crate) mod diagnosis;
pub(crate) mod operator;
pub(crate) mod policies;
pub(crate) mod remedy;
pub(crate) mod rollout;
pub(crate) mod steps;

use std::time::Duration;

use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::ResourceExt;
use siskin_api::conditions::WRITES_ACCEPTED;
use siskin_api::{CanaryRollout, Crd};

use crate::clock;
use crate::cluster::Cluster;
use crate::cluster::ask_error::{AskError, CANNOT_ASK};
use crate::cluster::installation::{self, NamespacedRight};
use crate::cluster::look::Look;
use crate::live::doctor::diagnosis::{Diagnosis, Severity};
use crate::live::doctor::operator::LeaseLook;
use crate::live::doctor::policies::{PolicyKind, PolicyLook};
use crate::live::doctor::rollout::{RolloutLook, SecretLook};
use crate::live::output;
use crate::live::paint::Paint;
use crate::options::live::DoctorArgs;

/// Exit code of a doctor that found something wrong.
const FOUND: u8 = 1;

/// Pause before a Lease that looks stale is read again: a leader renews every two seconds by default.
const RENEWED_WITHIN: Duration = Duration::from_secs(5);

/// Rights by which the operator writes in the namespace of a rollout.
pub(crate) const WRITES: [NamespacedRight; 13] = [
    right("patch", "siskin.dev", "canaryrollouts", ""),
    right("patch", "siskin.dev", "canaryrollouts", "status"),
    right("create", "siskin.dev", "canaryguards", ""),
    right("patch", "siskin.dev", "canaryguards", ""),
    right("delete", "siskin.dev", "canaryguards", ""),
    right("create", "apps", "deployments", ""),
    right("patch", "apps", "deployments", ""),
    right("delete", "apps", "deployments", ""),
    right("create", "apps", "controllerrevisions", ""),
    right("patch", "apps", "controllerrevisions", ""),
    right("delete", "apps", "controllerrevisions", ""),
    right("create", "events.k8s.io", "events", ""),
    right("patch", "events.k8s.io", "events", ""),
];

const fn right(
    verb: &'static str,
    group: &'static str,
    resource: &'static str,
    subresource: &'static str,
) -> NamespacedRight {
    NamespacedRight { verb, group, resource, subresource }
}

/// Looks at what is asked for, and prints what was found.
pub(crate) async fn run(cluster: &Cluster, args: &DoctorArgs) -> Result<u8, AskError> {
    let operator = &args.operator_namespace;
    let (about, found) = if let Some(subject) = &args.subject {
        let rollout = cluster.rollout(subject).await?;
        let about = format!("{}/{}", cluster.namespace, rollout.name_any());
        (about, Box::pin(of_rollout(cluster, rollout, operator)).await?)
    } else {
        let about = format!("Siskin in namespace {operator}");
        (about, Box::pin(of_installation(cluster, operator)).await?)
    };
    output::print(&diagnosis::text(&about, &found, Paint::of_stdout()));
    Ok(code(&found))
}

/// Whoever may look at nothing is not told that nothing is wrong.
fn code(found: &[Diagnosis]) -> u8 {
    let is = |severity| move |it: &Diagnosis| it.severity == severity;
    if found.iter().any(is(Severity::Wrong)) {
        FOUND
    } else if found.iter().all(is(Severity::Unchecked)) {
        CANNOT_ASK
    } else {
        0
    }
}

async fn of_installation(cluster: &Cluster, namespace: &str) -> Result<Vec<Diagnosis>, AskError> {
    let mut found = Vec::new();
    for kind in Crd::ALL {
        let name = kind.definition().name_any();
        let look = Look::of(cluster.definition(&name).await)?;
        found.push(definitions::of(kind, &look));
    }
    let pods = Look::of(cluster.operator_pods(namespace).await)?;
    found.extend(operator::pods(namespace, &pods));
    let lease = lease(cluster, namespace).await?;
    found.push(operator::lease(namespace, &lease, clock::now()));
    found.extend(operator::stranger(&lease, &pods));
    let mut looks = Vec::new();
    for kind in PolicyKind::ALL {
        let policies = Look::of(cluster.admission_objects(kind.name()).await)?;
        let bindings = format!("{}Binding", kind.name());
        let bindings = Look::of(cluster.admission_objects(&bindings).await)?;
        looks.push(PolicyLook { kind, policies, bindings });
    }
    let user = user(&pods);
    found.extend(policies::of(&looks, user.as_deref()));
    Ok(found)
}

fn user(pods: &Look<Vec<Pod>>) -> Option<String> {
    pods.read().and_then(|it| operator::user(it))
}

/// Reads the Lease, and once more where it looks stale by this machine's clock.
async fn lease(cluster: &Cluster, namespace: &str) -> Result<Look<LeaseLook>, AskError> {
    let first = match Look::of(cluster.lease(namespace).await)? {
        Look::Refused(why) => return Ok(Look::Refused(why)),
        Look::Read(first) => first,
    };
    let stale = first.as_ref().is_some_and(|it| {
        installation::leader(it).is_some() && operator::looks_stale(it, clock::now())
    });
    let mut again = None;
    if stale {
        tokio::time::sleep(RENEWED_WITHIN).await;
        again = cluster.lease(namespace).await?;
    }
    Ok(Look::Read(LeaseLook { first, again }))
}

async fn of_rollout(
    cluster: &Cluster,
    rollout: CanaryRollout,
    operator_namespace: &str,
) -> Result<Vec<Diagnosis>, AskError> {
    let target = rollout.spec.target_ref.name.clone();
    let deployment = async |name: String| Look::of(cluster.deployment(&name).await);
    let of_target = Look::of(cluster.rollouts(false).await)?.map(|all| {
        let same = all.iter().filter(|it| it.spec.target_ref.name == target);
        same.map(ResourceExt::name_any).collect()
    });
    let look = RolloutLook {
        of_target,
        target: deployment(target.clone()).await?,
        primary: deployment(format!("{target}-primary")).await?,
        canary: deployment(format!("{target}-canary")).await?,
        secrets: secrets(cluster, &rollout).await?,
        lacking: lacking(cluster, &rollout, operator_namespace).await?,
        operator_namespace: operator_namespace.to_owned(),
        rollout,
    };
    let mut found = rollout::of(&look);
    // Nothing goes on without a leader, whatever the status said last.
    let lease = lease(cluster, operator_namespace).await?;
    found.push(operator::lease(operator_namespace, &lease, clock::now()));
    Ok(found)
}

async fn secrets(cluster: &Cluster, rollout: &CanaryRollout) -> Result<Vec<SecretLook>, AskError> {
    let analysis = &rollout.spec.analysis;
    let prometheus = analysis.prometheus.as_ref().and_then(|it| it.credentials_secret_ref.as_ref());
    let named = [
        (
            "spec.analysis.kafka.credentialsSecretRef",
            analysis.kafka.credentials_secret_ref.as_ref(),
        ),
        ("spec.analysis.prometheus.credentialsSecretRef", prometheus),
    ];
    let mut looks = Vec::new();
    for (field, secret) in named {
        if let Some(secret) = secret {
            let exists = Look::of(cluster.has_secret(&secret.name).await)?;
            looks.push(SecretLook { field, name: secret.name.clone(), exists });
        }
    }
    Ok(looks)
}

/// Rights that the operator lacks, if the status says that it lacks one.
async fn lacking(
    cluster: &Cluster,
    rollout: &CanaryRollout,
    operator_namespace: &str,
) -> Result<Option<Look<Vec<NamespacedRight>>>, AskError> {
    let conditions = rollout.status.as_ref().map(|it| it.conditions.as_slice()).unwrap_or_default();
    let is_lacking = |it: &Condition| {
        it.type_ == WRITES_ACCEPTED && it.status == "False" && it.reason == "NotPermitted"
    };
    if !conditions.iter().any(is_lacking) {
        return Ok(None);
    }
    let pods = Look::of(cluster.operator_pods(operator_namespace).await)?;
    let account = || format!("system:serviceaccount:{operator_namespace}:siskin");
    let user = user(&pods).unwrap_or_else(account);
    let mut lacking = Vec::new();
    for right in WRITES {
        match Look::of(cluster.may(&user, right).await)? {
            Look::Read(true) => {}
            Look::Read(false) => lacking.push(right),
            Look::Refused(why) => return Ok(Some(Look::Refused(why))),
        }
    }
    Ok(Some(Look::Read(lacking)))
}

#[cfg(test)]
mod tests;
