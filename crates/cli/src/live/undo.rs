//! `undo`: the Deployment asks again for the version that serves, or for the one promoted before that.
//! Writes the frozen template as it is; what then follows is the operator's.

use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::ResourceExt as _;
use serde_json::{Value, json};
use siskin_api::annotations::target::CHANGE_ID;
use siskin_api::{CanaryRollout, RolloutOutcome};

use crate::cluster::Cluster;
use crate::cluster::ask_error::AskError;
use crate::live::output;
use crate::options::orders::UndoArgs;

/// Exit code of what is not done.
const NOT_DONE: u8 = 2;

/// A version to go back to.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Earlier {
    revision: String,
    /// Id of the change that brought it, if history still knows.
    change_id: Option<String>,
    /// Whether it serves already: then nothing is tried.
    serves: bool,
}

/// Writes the earlier template into the Deployment.
pub(crate) async fn run(args: &UndoArgs) -> Result<u8, AskError> {
    let cluster = Cluster::of(&args.cluster).await?;
    let rollout = cluster.rollout(&args.subject).await?;
    let name = &rollout.spec.target_ref.name;
    let Some(earlier) = earlier(&rollout) else {
        eprintln!("error: no earlier version is known: history has no other that was promoted");
        return Ok(NOT_DONE);
    };
    let Earlier { revision, change_id, serves } = &earlier;
    let frozen = cluster.frozen(name).await?;
    let Some(template) = frozen.iter().find_map(|it| template(it, name, revision)) else {
        eprintln!(
            "error: the template of revision {revision} is not kept any more: apply it from Git"
        );
        return Ok(NOT_DONE);
    };
    let absent = || AskError::Absent(format!("Deployment {}/{name}", cluster.namespace));
    let deployment = cluster.deployment(name).await?.ok_or_else(absent)?;
    // Whatever came since it was read is somebody's newer wish.
    let mut change = vec![
        json!({"op": "test", "path": "/metadata/resourceVersion", "value": deployment.resource_version()}),
        json!({"op": "replace", "path": "/spec/template", "value": template}),
    ];
    if let Some(id) = change_id {
        let mut annotations = deployment.annotations().clone();
        annotations.insert(CHANGE_ID.to_owned(), id.clone());
        change.push(json!({"op": "add", "path": "/metadata/annotations", "value": annotations}));
    }
    cluster.change_deployment(name, change).await?;
    let follows = if *serves {
        "it serves already, so nothing is tried, and a trial under way ends"
    } else {
        "a trial of it follows; kubectl siskin bypass does without"
    };
    output::print(&format!(
        "Deployment {name} asks for revision {revision} again: {follows}\nGit still has the other version: revert it there, too\n"
    ));
    Ok(0)
}

/// The version that serves, if the Deployment asks for another one; else the one promoted before.
fn earlier(rollout: &CanaryRollout) -> Option<Earlier> {
    let status = rollout.status.as_ref()?;
    let revisions = status.revisions.as_ref()?;
    let promoted = revisions.promoted.as_ref()?;
    let mut ended_well = status.history.iter().filter(|it| it.outcome == RolloutOutcome::Promoted);
    if revisions.desired.as_ref() != Some(promoted) {
        let entry = ended_well.find(|it| it.revision == *promoted);
        let change_id = entry.and_then(|it| it.change_id.clone());
        return Some(Earlier { revision: promoted.clone(), change_id, serves: true });
    }
    let entry = ended_well.find(|it| it.revision != *promoted)?;
    let (revision, change_id) = (entry.revision.clone(), entry.change_id.clone());
    Some(Earlier { revision, change_id, serves: false })
}

/// The frozen template, if this is that revision of the Deployment. A longer name means that something
/// else had the short one.
fn template(frozen: &ControllerRevision, target: &str, revision: &str) -> Option<Value> {
    let name = frozen.name_any();
    let own = name.strip_prefix(target)?.strip_prefix('-')?.strip_prefix(revision)?;
    let is_it = own.is_empty() || own.starts_with('-');
    frozen.data.as_ref().filter(|_| is_it).map(|it| it.0.clone())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rollout(desired: &str, history: &[(&str, &str)]) -> CanaryRollout {
        let entry = |(revision, outcome): &(&str, &str)| {
            json!({
                "rolloutId": format!("{revision}-1"), "revision": revision, "outcome": outcome,
                "changeId": format!("of-{revision}"),
                "started": "2026-01-01T00:00:00Z", "finished": "2026-01-01T00:00:01Z",
            })
        };
        let history: Vec<Value> = history.iter().map(entry).collect();
        let object = json!({
            "apiVersion": "siskin.dev/v1alpha1", "kind": "CanaryRollout", "metadata": {"name": "orders"},
            "spec": {
                "targetRef": {"name": "orders"}, "strategy": {"steps": [{"weight": 10}]},
                "analysis": {"kafka": {"bootstrapServers": ["k:9092"], "consumerGroup": "orders"}},
            },
            "status": {"revisions": {"desired": desired, "promoted": "bb"}, "history": history},
        });
        serde_json::from_value(object).expect("a CanaryRollout")
    }

    #[test]
    fn what_serves_comes_first_and_then_what_served_before() {
        let history =
            [("cc", "RolledBack"), ("bb", "Promoted"), ("dd", "Superseded"), ("aa", "Promoted")];
        let revision = |desired| earlier(&rollout(desired, &history));
        let back = |revision: &str, serves| {
            let change_id = Some(format!("of-{revision}"));
            Some(Earlier { revision: revision.to_owned(), change_id, serves })
        };
        assert_eq!(revision("cc"), back("bb", true));
        assert_eq!(revision("bb"), back("aa", false));
        assert_eq!(earlier(&rollout("bb", &history[..3])), None);
    }
}
