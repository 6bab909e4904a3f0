//! How a life begins: with a plain Deployment, or with a rollout that was adopted long ago.
//! Both are at rest; what happens to them is not said here.

use std::sync::Arc;

use super::cluster::{
    Cluster, Dress, FrozenObject, PrimaryObject, Status, TargetObject, trial_key,
};
use super::deployment::Deployment;
use super::profile::Profile;
use crate::observed::{Facts, Frozen};
use crate::revision::Revision;
use crate::state::{Rest, State};

/// The target as its user applied it, complete.
pub(super) fn plain(profile: &Profile, template: Revision, total: u32) -> Cluster {
    let mut deployment = Deployment::serving(template, total, 1);
    (deployment.shape, deployment.min_ready) = (profile.shape, profile.climate.min_ready);
    let target =
        TargetObject { deployment, noted: None, written: None, owned: false, bypass: None };
    Cluster {
        target: Some(target),
        primary: None,
        canary: None,
        frozen: Vec::new(),
        scalers: Vec::new(),
        rollout: None,
        doomed: false,
        versions: 1,
    }
}

/// What is there is adopted: the rest that most lives of rollouts are spent in.
pub(super) fn adopt(cluster: &mut Cluster) {
    let (Some(target), Some(rollout)) = (&mut cluster.target, &mut cluster.rollout) else { return };
    // It was adopted within its ceiling.
    rollout.max_consumers = rollout.max_consumers.map(|it| it.max(target.deployment.replicas));
    let (template, total) = (target.deployment.made.from, target.deployment.replicas);
    let mut primary = Deployment::serving(template, total, 1);
    Dress::of(&target.deployment, rollout, total).put_on(&mut primary);
    target.noted = Some(total);
    target.deployment.empty();
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
        scaled_by: None,
        seeded: false,
        declined: None,
    };
    let trial = trial_key(template);
    let frozen = Frozen {
        revision: template,
        trial,
        promoted: true,
        rejection: None,
        attempt: 0,
        excused: None,
    };
    rollout.finalizer = true;
    let state = State::AtRest(Rest::Initialized);
    rollout.status = Some(Status { state, total: Some(total), plan: None });
    cluster.frozen.push(FrozenObject { frozen, version: 1 });
    cluster.primary = Some(PrimaryObject { deployment: primary, facts, owned: false });
}
