//! What is found of a Deployment against what its user wrote: in its primary, and after its hand-back.
//! Asks nobody.

use anyhow::{Context as _, Result, ensure};
use kube::api::DynamicObject;
use serde_json::{Value, json};
use siskin_api::annotations::{ENV_POD_NAME, ENV_ROLE, ROLE, target};

/// Variables that the operator gives each container.
const INJECTED: [&str; 2] = [ENV_POD_NAME, ENV_ROLE];

/// Whether an annotation of a Deployment is its controllers' and not its user's.
pub(super) fn is_of_others(key: &str) -> bool {
    key.starts_with("siskin.dev/") || key == "deployment.kubernetes.io/revision"
}

/// The Deployment that is left is the one that its user wrote last, with as many pods as it had, and nothing of what the
/// operator noted on it.
pub(super) fn as_left(left: &DynamicObject, wrote: &DynamicObject, pods: i64) -> Result<()> {
    let mut wanted = wrote.data["spec"].clone();
    wanted["replicas"] = json!(pods);
    let spec = &left.data["spec"];
    ensure!(*spec == wanted, "its spec is not the one that was applied: {spec}\nnot {wanted}");
    let labels = &left.metadata.labels;
    ensure!(*labels == wrote.metadata.labels, "its labels are not its own: {labels:?}");
    let own = |it: &DynamicObject| {
        let all = it.metadata.annotations.clone().unwrap_or_default();
        all.into_iter().filter(|(key, _)| !is_of_others(key)).collect::<Vec<_>>()
    };
    ensure!(own(left) == own(wrote), "its annotations are not its own: {:?}", own(left));
    let note = |name: &str| left.metadata.annotations.as_ref().and_then(|all| all.get(name));
    ensure!(note(target::REPLICAS).is_none(), "a count is noted that nobody heeds any more");
    // It tells whose count stands there, and says so as long as nobody writes another one.
    let written = note(target::WRITTEN);
    let true_still = written.is_none_or(|it| *it == pods.to_string());
    ensure!(true_still, "the count that was written last is noted as {written:?}");
    Ok(())
}

/// The template of the primary is the target's, but for the role, and for what is injected.
pub(super) fn carried_over(own: &Value, mut child: Value) -> Result<()> {
    if let Some(labels) = child["metadata"]["labels"].as_object_mut() {
        labels.remove(ROLE);
    }
    for list in ["containers", "initContainers"] {
        let containers = child["spec"].get_mut(list).and_then(Value::as_array_mut);
        for (index, container) in containers.into_iter().flatten().enumerate() {
            without_injected(container, &own["spec"][list][index]["env"])?;
        }
    }
    ensure!(*own == child, "the primary runs another template: {child}\nnot {own}");
    Ok(())
}

/// Takes off a container what its user's variables do not have.
fn without_injected(container: &mut Value, own: &Value) -> Result<()> {
    let length = own.as_array().map_or(0, Vec::len);
    let Some(env) = container.get_mut("env").and_then(Value::as_array_mut) else { return Ok(()) };
    let added = env.len().checked_sub(length).context("it lost variables")?;
    let is_ours = |it: &Value| INJECTED.iter().any(|name| it["name"] == *name);
    ensure!(env.drain(..added).all(|it| is_ours(&it)), "it has foreign variables");
    if env.is_empty() && own.is_null() {
        container.as_object_mut().map(|it| it.remove("env"));
    }
    Ok(())
}

#[cfg(test)]
mod tests;
