//! The objects of a target, as they were read, and what is made of them.
//! Which of them belong to a rollout, and how they should be, others say.

use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::core::DynamicObject;
use siskin_analysis::observation::Role;
use siskin_api::CanaryOn;

use crate::cluster::calls::{CallFailed, Cluster};
use crate::observe::parse;
use crate::observe::world::Live;
use crate::workloads::children::child_name;

/// The objects of a target.
pub(super) struct TargetObjects {
    pub(super) target: Option<DynamicObject>,
    pub(super) children: Children,
}

/// What was made for a target.
#[derive(Clone, Debug, Default)]
pub(super) struct Children {
    pub(super) primary: Option<DynamicObject>,
    pub(super) canary: Option<DynamicObject>,
    pub(super) revisions: Vec<ControllerRevision>,
}

impl TargetObjects {
    /// Reads each of them by itself.
    pub(super) async fn read(
        cluster: &Cluster,
        namespace: &str,
        target: &str,
    ) -> Result<Self, CallFailed> {
        let primary = child_name(target, Role::Primary);
        let canary = child_name(target, Role::Canary);
        let alone = [target];
        let (target, primary, canary, revisions) = futures::try_join!(
            cluster.deployment(namespace, target),
            cluster.deployment(namespace, &primary),
            cluster.deployment(namespace, &canary),
            cluster.frozen(namespace, &alone),
        )?;
        Ok(Self { target, children: Children { primary, canary, revisions } })
    }

    pub(super) fn parsed(self, canary_on: CanaryOn) -> Live {
        let Self { target, children: Children { primary, canary, revisions } } = self;
        let frozen = revisions.iter().filter_map(|it| parse::frozen(it, canary_on));
        // A Deployment on its way out has no pods to hand over and takes no new ones.
        let present = |it: &DynamicObject| it.metadata.deletion_timestamp.is_none();
        Live {
            frozen: frozen.collect(),
            target: target.filter(present),
            primary: primary.filter(present),
            canary: canary.filter(present),
        }
    }
}
