//! Writes of a namespace's `CanaryGuard`. Each is conditional on the one that was seen.
//! Which targets it names is decided elsewhere.

use kube::ResourceExt;
use kube::api::{DeleteParams, Preconditions};
use kube::core::ObjectMeta;
use serde_json::{Value, json};
use siskin_api::guard::GUARD;
use siskin_api::{CanaryGuard, CanaryGuardSpec, CanaryRollout};

use crate::apply::writer::{ApplyFailed, Writer};
use crate::cluster::patch::JsonPatch;
use crate::observe::guarded::GuardedTargets;
use crate::process::metrics::Written;

impl Writer {
    /// Makes the `CanaryGuard` of a namespace name these targets and no other, from the one that was
    /// seen last; without targets there is none. The one that is there afterwards.
    pub(crate) async fn write_guard(
        &self,
        namespace: &str,
        seen: Option<&ObjectMeta>,
        targets: &GuardedTargets,
    ) -> Result<Option<CanaryGuard>, ApplyFailed> {
        let api = self.cluster.all::<CanaryGuard>(Some(namespace));
        match seen {
            None if targets.is_empty() => Ok(None),
            None => {
                let guard = guard(targets);
                self.create(Written::CanaryGuard, &api, GUARD, &guard).await.map(Some)
            }
            Some(seen) if targets.is_empty() => {
                let only = DeleteParams {
                    preconditions: Some(Preconditions {
                        uid: seen.uid.clone(),
                        resource_version: seen.resource_version.clone(),
                    }),
                    ..DeleteParams::background()
                };
                self.delete(Written::CanaryGuard, &api, GUARD, &only).await.map(|()| None)
            }
            Some(seen) => {
                let patch = JsonPatch::onto(seen.resource_version.as_deref())
                    .set(&["metadata", "ownerReferences"], owners(targets))
                    .set(&["spec"], json!(spec(targets)));
                self.patch(Written::CanaryGuard, &api, GUARD, patch).await.map(Some)
            }
        }
    }
}

/// Whether a `CanaryGuard` says this: the same targets, for the same rollouts, all of them owners.
pub(crate) fn says(guard: &CanaryGuard, targets: &GuardedTargets) -> bool {
    let uids = |owners: &Value| {
        let uids = owners.as_array().into_iter().flatten().map(|it| it["uid"].clone());
        let mut uids: Vec<_> = uids.map(|it| it.to_string()).collect();
        uids.sort_unstable();
        uids
    };
    guard.spec == spec(targets) && uids(&json!(guard.owner_references())) == uids(&owners(targets))
}

fn guard(targets: &GuardedTargets) -> CanaryGuard {
    let mut guard = CanaryGuard::new(GUARD, spec(targets));
    guard.metadata.owner_references = serde_json::from_value(owners(targets)).ok();
    guard
}

fn spec(targets: &GuardedTargets) -> CanaryGuardSpec {
    let autoscaled = targets.iter().filter(|(_, it)| it.autoscaled);
    let autoscaled = autoscaled.map(|(name, it)| (name.to_string(), it.name.to_string()));
    let targets = targets.iter().map(|(name, it)| (name.to_string(), it.uid.to_string()));
    CanaryGuardSpec { targets: targets.collect(), autoscaled: autoscaled.collect() }
}

/// The rollouts as owners: once one is gone, the garbage collector takes it off, and with the last
/// one the object.
fn owners(targets: &GuardedTargets) -> Value {
    use kube::Resource as _;
    let owners = targets.values().map(|it| {
        json!({
            "apiVersion": CanaryRollout::api_version(&()),
            "kind": CanaryRollout::kind(&()),
            "name": it.name,
            "uid": it.uid,
        })
    });
    owners.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observe::guarded::GuardOwner;

    #[test]
    fn a_guard_whose_owner_was_taken_off_says_something_else() {
        let owner = |name: &str| GuardOwner {
            name: name.into(),
            uid: format!("{name}-1").into(),
            autoscaled: name == "carts",
        };
        let targets: GuardedTargets =
            ["orders", "carts"].map(|it| (it.into(), owner(it))).into_iter().collect();
        let written = guard(&targets);
        assert!(says(&written, &targets));
        let mut collected = written.clone();
        collected.metadata.owner_references.as_mut().expect("owners").pop();
        assert!(!says(&collected, &targets));
        let mut edited = written.clone();
        edited.spec.targets.insert("else".into(), "orders-1".into());
        assert!(!says(&edited, &targets));
        let mut autoscaled = targets.clone();
        autoscaled.get_mut("orders").expect("a target").autoscaled = true;
        assert!(!says(&written, &autoscaled));
        let mut fewer = targets.clone();
        fewer.remove("carts");
        assert!(!says(&written, &fewer));
    }
}
