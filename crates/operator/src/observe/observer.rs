//! The only reader: one consistent look at a rollout, from live reads of everything that a decision
//! counts on. Parses wire types into `Observed`; writes nothing but what it remembers of absences.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use kube::core::DynamicObject;
use siskin_analysis::observation::Role;
use siskin_api::CanaryRollout;

use crate::cluster::calls::{CallFailed, Cluster};
use crate::evidence::sampling::Watches;
use crate::evidence::sources;
use crate::name::Name;
use crate::observe::index::Index;
use crate::observe::pods::Pods;
use crate::observe::world::{Live, World};
use crate::observe::{defaults, parse, world};
use crate::workloads::children::child_name;

/// Autoscalers are not watched; one that appears is served within this time.
const ASK_AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// Reads everything that belongs to a rollout.
#[derive(Clone)]
pub struct Observer {
    pub(crate) cluster: Cluster,
    pub(crate) pods: Pods,
    pub(crate) index: Index,
    pub(crate) watches: Watches,
    pub(crate) defaults: defaults::Defaults,
    pub(crate) credentials: sources::Credentials,
    absences: Arc<Mutex<HashMap<Name, Timestamp>>>,
    autoscalers: Arc<Mutex<HashMap<Name, (Timestamp, bool)>>>,
}

impl Observer {
    /// Over these sources.
    #[must_use]
    pub fn new(cluster: Cluster, pods: Pods, index: Index, watches: Watches) -> Self {
        Self {
            cluster,
            pods,
            index,
            watches,
            defaults: defaults::Defaults::default(),
            credentials: sources::Credentials::default(),
            absences: Arc::default(),
            autoscalers: Arc::default(),
        }
    }

    /// What is there now; `None` when the rollout itself is gone.
    pub async fn observe(&self, name: &Name, now: Timestamp) -> Result<Option<World>, CallFailed> {
        let Some(rollout) = self.cluster.rollout(&name.namespace, &name.name).await? else {
            self.watches.forget(name);
            self.credentials.forget(name);
            self.lock().remove(name);
            self.known_autoscalers().remove(name);
            return Ok(None);
        };
        let live = self.read(&rollout).await?;
        let absent_for = self.absent_for(name, live.target.is_none(), now);
        let world = world::assemble(self, rollout, live, (absent_for, now)).await?;
        Ok(Some(world))
    }

    /// All reads at once: each is one round trip.
    async fn read(&self, rollout: &CanaryRollout) -> Result<Live, CallFailed> {
        let namespace = rollout.namespace().unwrap_or_default();
        let target = &rollout.spec.target_ref.name;
        let (primary, canary) =
            (child_name(target, Role::Primary), child_name(target, Role::Canary));
        let (target_object, primary, canary, revisions) = futures::try_join!(
            self.cluster.deployment(&namespace, target),
            self.cluster.deployment(&namespace, &primary),
            self.cluster.deployment(&namespace, &canary),
            self.cluster.frozen(&namespace, target),
        )?;
        let frozen = revisions.iter().filter_map(|it| parse::frozen(it, rollout.spec.canary_on));
        // A Deployment on its way out has no pods to hand over and takes no new ones.
        let present = |it: &DynamicObject| it.metadata.deletion_timestamp.is_none();
        Ok(Live {
            frozen: frozen.collect(),
            target: target_object.filter(present),
            primary: primary.filter(present),
            canary: canary.filter(present),
        })
    }

    /// For how long X has been absent, as seen by this process: a restart starts counting again,
    /// which errs on the side of keeping what runs.
    fn absent_for(&self, name: &Name, absent: bool, now: Timestamp) -> SignedDuration {
        let mut absences = self.lock();
        if !absent {
            absences.remove(name);
            return SignedDuration::ZERO;
        }
        let since = *absences.entry(name.clone()).or_insert(now);
        now.duration_since(since).max(SignedDuration::ZERO)
    }

    /// Whether an autoscaler waits for `spec.replicas` to appear; asked at most twice a minute.
    pub(super) async fn is_autoscaled(
        &self,
        name: &Name,
        rollout: &CanaryRollout,
        now: Timestamp,
    ) -> Result<bool, CallFailed> {
        if rollout.spec.replicas.is_some() {
            return Ok(false);
        }
        let known = self.known_autoscalers().get(name).copied();
        if let Some((at, answer)) = known
            && now.duration_since(at) < ASK_AGAIN
        {
            return Ok(answer);
        }
        let answer = self.cluster.is_rollout_autoscaled(&name.namespace, &name.name).await?;
        self.known_autoscalers().insert(name.clone(), (now, answer));
        Ok(answer)
    }

    fn known_autoscalers(&self) -> std::sync::MutexGuard<'_, HashMap<Name, (Timestamp, bool)>> {
        self.autoscalers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<Name, Timestamp>> {
        self.absences.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
