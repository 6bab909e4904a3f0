//! What the primary and the canary look like: frozen template, role, and the target's own shape.
//! Pure. One description serves the comparison with what is there and the write that repairs it.

use std::collections::BTreeMap;

use kube::ResourceExt;
use kube::core::DynamicObject;
use serde_json::{Value, json};
use siskin_analysis::observation::Role;
use siskin_api::annotations::{INJECTED, REVISION, ROLE, TAKEN_LABELS, TARGET};
use siskin_decide::{DeploymentStrategy, MoveOrder, Revision};

use crate::workloads::identity::{Identity, Injected, role_name};
use crate::workloads::labels::{memory, remembered};
use crate::workloads::selector;
use crate::workloads::template::{PodTemplate, Restarts, same};

/// What Argo CD must be told about objects that no one put into Git.
const GITOPS: [(&str, &str); 2] = [
    ("argocd.argoproj.io/compare-options", "IgnoreExtraneous"),
    ("argocd.argoproj.io/sync-options", "Prune=false"),
];

/// Fields of the target's spec, beside the template, that its children take over, each with what
/// the API server makes of its absence.
const TAKEN_OVER: [(&str, u32); 3] =
    [("minReadySeconds", 0), ("progressDeadlineSeconds", 600), ("revisionHistoryLimit", 10)];

/// What children of one target have in common.
#[derive(Clone, Debug)]
pub struct Family {
    pub(crate) target: String,
    /// What pods are told of themselves.
    pub identity: Identity,
    /// What the target's template carries to restart pods.
    pub restarts: Restarts,
    /// Whether a unit is added before one is taken.
    pub order: MoveOrder,
    /// `spec.strategy.maxConsumers`: bounds the surge of a child's own rolling update, too.
    pub max_consumers: Option<u32>,
    /// The strategy that `spec` holds.
    pub own: DeploymentStrategy,
    /// N, the pods of both roles together.
    pub total: u32,
    /// Labels of the target that its children take over.
    pub labels: BTreeMap<String, String>,
    /// `spec` of the target, or of a child while the target is missing.
    pub spec: Value,
}

impl Family {
    /// Name of the child of a role.
    #[must_use]
    pub fn name(&self, role: Role) -> String {
        child_name(&self.target, role)
    }

    /// `metadata` (labels, annotations) and `spec` of a child, without its count. `live` is the child
    /// as it is, if it is there.
    pub(crate) fn child(
        &self,
        role: Role,
        revision: Revision,
        template: &PodTemplate,
        live: Option<&DynamicObject>,
    ) -> Child {
        let own = [(TARGET, self.target.as_str()), (ROLE, role_name(role))];
        let mut labels = self.labels.clone();
        labels.extend(own.map(|(key, value)| (key.to_owned(), value.to_owned())));
        let mut annotations: BTreeMap<_, _> =
            GITOPS.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
        annotations.insert(REVISION.into(), revision.to_string());
        annotations.extend(memory(&self.labels).map(|it| (TAKEN_LABELS.into(), it)));
        let identity = live.and_then(|it| self.kept(it, revision));
        let injected = Injected::into(template.json(), identity.as_ref().unwrap_or(&self.identity));
        annotations.insert(INJECTED.into(), injected.to_string());
        let mut spec = json!({
            "selector": selector::of_role(&self.spec["selector"], role),
            "template": template.for_role(role, &injected, &self.restarts),
            "strategy": self.strategy(),
        });
        for (field, _) in TAKEN_OVER {
            if let Some(value) = self.spec.get(field).filter(|it| !it.is_null()) {
                spec[field] = value.clone();
            }
        }
        Child { labels, annotations, spec }
    }

    /// What a live child goes on to be told, if it runs this revision already and nothing else
    /// restarts its pods: other names alone are no reason to replace them.
    fn kept(&self, live: &DynamicObject, revision: Revision) -> Option<Identity> {
        let annotations = live.annotations();
        let recorded: Injected = annotations.get(INJECTED)?.parse().ok()?;
        let runs = *annotations.get(REVISION)? == revision.to_string();
        let restarts = Restarts::of(&live.data["spec"]["template"]) != self.restarts;
        (runs && !restarts).then(|| self.identity.with_names_of(&recorded))
    }

    /// How a child replaces its pods: as the target does, but within the order and the ceiling of
    /// the whole group. The only pod of a group that drains first leaves before the next one comes.
    fn strategy(&self) -> Value {
        let own = &self.spec["strategy"]["rollingUpdate"];
        if self.order == MoveOrder::DrainFirst && self.total <= 1 {
            return json!({"type": "Recreate"});
        }
        let none = |it: &Value| matches!(it.as_i64(), Some(0)) || matches!(it.as_str(), Some("0%"));
        let recreates = self.spec["strategy"]["type"] == "Recreate";
        let bound = |it: &Value| match (recreates, it.is_null()) {
            (true, _) => json!(1),
            (false, true) => json!("25%"),
            (false, false) => it.clone(),
        };
        let room = self.max_consumers.map(|it| it.saturating_sub(self.total));
        let surge = match (self.order, bound(&own["maxSurge"])) {
            (MoveOrder::DrainFirst, _) => json!(0),
            (MoveOrder::SurgeFirst, surge) if none(&surge) => json!(room.unwrap_or(1).min(1)),
            (MoveOrder::SurgeFirst, surge) => {
                let wanted = self.own.surge(self.total);
                room.filter(|it| *it < wanted).map_or(surge, |it| json!(it))
            }
        };
        let unavailable = bound(&own["maxUnavailable"]);
        let stuck = none(&surge) && none(&unavailable);
        let unavailable = if stuck { json!(1) } else { unavailable };
        json!({
            "type": "RollingUpdate",
            "rollingUpdate": {"maxSurge": surge, "maxUnavailable": unavailable},
        })
    }
}

/// A child as it should be, without its count.
#[derive(Clone, Debug, PartialEq)]
pub struct Child {
    pub(crate) labels: BTreeMap<String, String>,
    pub(crate) annotations: BTreeMap<String, String>,
    pub(crate) spec: Value,
}

impl Child {
    /// Whether a live child differs in more than its count. `Template` is told apart because API
    /// server defaults may account for it.
    #[must_use]
    pub fn compare(&self, live: &Value) -> Difference {
        let metadata = &live["metadata"];
        // A child that the first release wrote has no record of what was injected: no reason to
        // write all children anew, for it is guessed until one is written anyway.
        let unrecorded = |field: &str, key: &str| key == INJECTED && metadata[field][key].is_null();
        let has = |field: &str, wanted: &BTreeMap<String, String>| {
            let is_there = |(key, value): (&String, &String)| {
                metadata[field][key] == **value || unrecorded(field, key)
            };
            wanted.iter().all(is_there)
        };
        let owners = metadata["ownerReferences"].as_array().is_some_and(|it| !it.is_empty());
        let paused = live["spec"]["paused"] == true;
        let outdated = !self.gone_labels(live).is_empty()
            || self.has_stale_memory(live)
            || !self.gone_fields(live).is_empty();
        let shape = self.spec.as_object().into_iter().flatten().all(|(field, wanted)| {
            field == "template" || field == "selector" || same(wanted, &live["spec"][field])
        });
        if owners
            || paused
            || outdated
            || !shape
            || !has("labels", &self.labels)
            || !has("annotations", &self.annotations)
        {
            Difference::Real
        } else if same(&self.spec["template"], &live["spec"]["template"]) {
            Difference::None
        } else {
            Difference::Template
        }
    }

    /// Labels of a live child that it had from its target, and that the target has no more.
    pub(crate) fn gone_labels<'a>(&self, live: &'a Value) -> Vec<&'a str> {
        let metadata = &live["metadata"];
        let mut gone = remembered(metadata);
        gone.retain(|key| {
            !self.labels.contains_key(*key) && metadata["labels"].get(*key).is_some()
        });
        gone
    }

    /// Whether a live child remembers labels while there is nothing to remember.
    pub(crate) fn has_stale_memory(&self, live: &Value) -> bool {
        !self.annotations.contains_key(TAKEN_LABELS)
            && live["metadata"]["annotations"].get(TAKEN_LABELS).is_some()
    }

    /// Fields of a live child that it had from its target, and that the target has no more. What the
    /// API server itself has put in their place stays.
    pub(crate) fn gone_fields(&self, live: &Value) -> Vec<&'static str> {
        let gone = TAKEN_OVER.into_iter().filter(|(field, default)| {
            let there = &live["spec"][field];
            self.spec.get(field).is_none() && !there.is_null() && *there != json!(default)
        });
        gone.map(|(field, _)| field).collect()
    }
}

/// How a live child compares with what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Difference {
    /// It is as it should be.
    None,
    /// The pod template differs: by hand, or by API server defaults.
    Template,
    /// A field differs that only a hand could have changed.
    Real,
}

/// Name of a child: `<target>-primary` or `<target>-canary`.
pub(crate) fn child_name(target: &str, role: Role) -> String {
    format!("{target}-{}", role_name(role))
}

/// The target's name, if this is the name of a child or of one of its `ReplicaSets`.
pub(crate) fn target_of(name: &str) -> Option<&str> {
    let strip = |name| {
        [Role::Primary, Role::Canary].iter().find_map(|role| {
            let name: &str = name;
            name.strip_suffix(role_name(*role))?.strip_suffix('-')
        })
    };
    strip(name).or_else(|| strip(name.rsplit_once('-')?.0))
}

#[cfg(test)]
pub(crate) mod tests;
