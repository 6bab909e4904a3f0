//! How a life begins: with a plain Deployment, or with a rollout that was adopted long ago.
//! Both are at rest; what happens to them is not said here.

use std::sync::Arc;

use super::cluster::{
    Cluster, FrozenObject, PrimaryObject, Rollout, Status, TargetObject, trial_key,
};
use super::deployment::Deployment;
use crate::observed::{Facts, Frozen};
use crate::revision::Revision;
use crate::state::{Rest, State};
use siskin_simulation::random::Random;

/// The target as its user applied it, complete.
pub(super) fn plain(dice: &mut Random, template: Revision, total: u32) -> Cluster {
    let mut deployment = Deployment::serving(template, total, 1);
    let max_unavailable = dice.pick(&[0, 0, 1, 2]);
    deployment.slack = max_unavailable;
    let target = TargetObject {
        deployment,
        noted: None,
        written: None,
        owned: false,
        bypass: None,
        max_unavailable,
    };
    Cluster {
        target: Some(target),
        primary: None,
        canary: None,
        frozen: Vec::new(),
        rollout: None,
        doomed: false,
        versions: 1,
    }
}

/// A cluster after its adoption: the rest that most lives of rollouts are spent in.
pub(super) fn adopted(mut cluster: Cluster, mut rollout: Rollout) -> Cluster {
    let Some(target) = &mut cluster.target else { return cluster };
    let (template, total) = (target.deployment.template, target.deployment.replicas);
    let mut primary = Deployment::serving(template, total, 1);
    primary.slack = target.max_unavailable;
    target.noted = Some(total);
    target.deployment = Deployment { slack: primary.slack, ..Deployment::serving(template, 0, 1) };
    let facts = Facts {
        owner: Arc::clone(&rollout.uid),
        adopted: true,
        promoted: Some(template),
        promoting: None,
        replicas: total,
        target_replicas: Some(total),
        attempts: 0,
        bypass: None,
        ending: None,
    };
    let trial = trial_key(template);
    let frozen = Frozen { revision: template, trial, promoted: true, rejection: None, attempt: 0 };
    rollout.finalizer = true;
    let state = State::AtRest(Rest::Initialized);
    rollout.status = Some(Status { state, total: Some(total), plan: None });
    cluster.frozen.push(FrozenObject { frozen, version: 1 });
    cluster.primary = Some(PrimaryObject { deployment: primary, facts, owned: false });
    cluster.rollout = Some(rollout);
    cluster
}
