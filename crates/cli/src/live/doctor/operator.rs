//! The operator's pods and its Lease: whether one runs, which version, and whether it leads.
//! Pure: from what was read to diagnoses; the time is a parameter.

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;

use crate::cluster::installation::{LEASE, OPERATOR_PODS, leader};
use crate::cluster::look::Look;
use crate::live::ago;
use crate::live::doctor::diagnosis::Diagnosis;

/// The Lease, and where it looked stale once more: clocks differ, a renewal does not lie.
#[derive(Clone, Debug)]
pub(crate) struct LeaseLook {
    pub(crate) first: Option<Lease>,
    pub(crate) again: Option<Lease>,
}

/// Whether the last renewal is older than the Lease lasts, or of the future, by this clock.
pub(crate) fn looks_stale(lease: &Lease, now: Timestamp) -> bool {
    age(lease, now).is_none_or(|age| !(-SKEW..=seconds(lease)).contains(&age))
}

/// Clocks that are apart by less are taken for equal, in seconds.
const SKEW: i64 = 5;

fn seconds(lease: &Lease) -> i64 {
    // What the operator asks for by default.
    lease.spec.as_ref().and_then(|it| it.lease_duration_seconds).unwrap_or(15).into()
}

fn age(lease: &Lease, now: Timestamp) -> Option<i64> {
    let renewed = lease.spec.as_ref()?.renew_time.as_ref()?.0;
    Some(now.duration_since(renewed).as_secs())
}

/// Diagnoses of the operator's pods.
pub(crate) fn pods(namespace: &str, look: &Look<Vec<Pod>>) -> Vec<Diagnosis> {
    let pods = match look {
        Look::Refused(why) => return vec![Diagnosis::unchecked("pods of the operator", why)],
        Look::Read(pods) => alive(pods),
    };
    if pods.is_empty() {
        let text = format!("no pod of an operator in namespace {namespace} ({OPERATOR_PODS})");
        let remedy = "name its namespace by --operator-namespace, or install it (docs/install.md)";
        return vec![Diagnosis::wrong(text, remedy)];
    }
    let mut found: Vec<Diagnosis> = pods.iter().filter_map(|it| unready(namespace, it)).collect();
    let mut images: Vec<&str> = pods.iter().filter_map(|it| image(it)).collect();
    images.sort_unstable();
    images.dedup();
    let (all, ready) = (pods.len(), pods.len() - found.len());
    if found.is_empty() {
        found.push(Diagnosis::fine(format!(
            "operator: {ready} of {all} pods ready, {}",
            images.join(", ")
        )));
    }
    if 1 < images.len() {
        let text = format!("pods of the operator run different images: {}", images.join(", "));
        let remedy =
            format!("if it lasts: kubectl -n {namespace} rollout status deployment/siskin");
        found.push(Diagnosis::note(text, remedy));
    }
    found.extend(images.iter().filter_map(|it| other_version(it)));
    found
}

/// Pods that are meant to run: neither over nor about to go.
pub(crate) fn alive(pods: &[Pod]) -> Vec<&Pod> {
    let phase = |it: &Pod| it.status.as_ref().and_then(|it| it.phase.clone()).unwrap_or_default();
    let over = |it: &Pod| matches!(phase(it).as_str(), "Succeeded" | "Failed");
    pods.iter().filter(|it| it.metadata.deletion_timestamp.is_none() && !over(it)).collect()
}

/// The user as whom the operator writes, if its pods agree.
pub(crate) fn user(pods: &[Pod]) -> Option<String> {
    let account = |it: &Pod| {
        let account = it.spec.as_ref()?.service_account_name.clone()?;
        Some(format!("system:serviceaccount:{}:{account}", it.namespace()?))
    };
    let mut users: Vec<String> = alive(pods).into_iter().filter_map(account).collect();
    users.dedup();
    users.pop().filter(|_| users.is_empty())
}

fn image(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref()?.containers.first()?.image.as_deref()
}

fn unready(namespace: &str, pod: &Pod) -> Option<Diagnosis> {
    let status = pod.status.clone().unwrap_or_default();
    let conditions = status.conditions.unwrap_or_default();
    if conditions.iter().any(|it| it.type_ == "Ready" && it.status == "True") {
        return None;
    }
    let waits = status.container_statuses.unwrap_or_default().into_iter().find_map(|it| {
        let waiting = it.state?.waiting?;
        Some(format!("{}: {}", it.name, waiting.reason.unwrap_or_default()))
    });
    let unmet = conditions.into_iter().find(|it| it.status == "False").and_then(|it| it.reason);
    let why = waits.or(unmet).unwrap_or_else(|| "no reason is told".to_owned());
    let name = pod.name_any();
    let remedy =
        format!("kubectl -n {namespace} describe pod {name}; kubectl -n {namespace} logs {name}");
    Some(Diagnosis::wrong(format!("pod {name} of the operator is not ready ({why})"), remedy))
}

/// A tag that names another version than this program's; of other tags nothing is known.
fn other_version(image: &str) -> Option<Diagnosis> {
    let (_, last) = image.rsplit_once('/').unwrap_or(("", image));
    let tag = last.split('@').next()?.split_once(':')?.1;
    let version = tag.trim_start_matches('v').split('-').next()?;
    let numbers: Vec<&str> = version.split('.').collect();
    let is_version = numbers.len() == 3 && numbers.iter().all(|it| it.parse::<u32>().is_ok());
    let ours = env!("CARGO_PKG_VERSION");
    (is_version && version != ours).then(|| {
        let text = format!("the operator is of version {version}, this program of {ours}");
        Diagnosis::note(text, "use the plugin of the operator's version")
    })
}

/// Diagnosis of the Lease: nobody acts without it.
pub(crate) fn lease(namespace: &str, look: &Look<LeaseLook>, now: Timestamp) -> Diagnosis {
    let name = format!("Lease {namespace}/{LEASE}");
    let remedy =
        format!("kubectl -n {namespace} logs -l {OPERATOR_PODS}; docs/runbook.md, SiskinNoLeader");
    let look = match look {
        Look::Refused(why) => return Diagnosis::unchecked("whether an operator leads", why),
        Look::Read(look) => look,
    };
    let Some(lease) = look.again.as_ref().or(look.first.as_ref()) else {
        return Diagnosis::wrong(
            format!("{name} does not exist: no operator has ever led"),
            remedy,
        );
    };
    let Some(pod) = leader(lease) else {
        return Diagnosis::wrong(format!("nobody holds {name}: no operator acts"), remedy);
    };
    let renewed =
        |it: &Lease| it.spec.as_ref().and_then(|it| it.renew_time.as_ref()).map(|it| it.0);
    let ago =
        renewed(lease).map_or("at no time".to_owned(), |it| format!("{} ago", ago::since(it, now)));
    if !looks_stale(lease, now) {
        return Diagnosis::fine(format!("{pod} leads; {name} was renewed {ago}"));
    }
    let moved = look.first.as_ref().and_then(renewed) != renewed(lease);
    if moved {
        let text = format!("{pod} leads and renews {name}, by a clock that is not this machine's");
        return Diagnosis::note(
            text,
            "times that this program tells are off by as much: set this machine's clock",
        );
    }
    let text = format!(
        "{pod} holds {name} and was seen not to renew it: last {ago}, for {} s; no operator acts",
        seconds(lease)
    );
    Diagnosis::wrong(text, remedy)
}

/// A leader that is none of the pods that were found.
pub(crate) fn stranger(look: &Look<LeaseLook>, pods: &Look<Vec<Pod>>) -> Option<Diagnosis> {
    let lease = look.read()?;
    let pod = leader(lease.again.as_ref().or(lease.first.as_ref())?)?;
    let known = pods.read()?;
    if known.is_empty() || known.iter().any(|it| it.name_any() == pod) {
        return None;
    }
    let text = format!("the leader {pod} is no pod with the label {OPERATOR_PODS} there");
    Some(Diagnosis::note(
        text,
        "find out who runs it: two installations of one namespace share the Lease",
    ))
}
