//! The only writer: each write under the gate, and conditional on the object that was read. Whoever
//! else wrote in between wins: the pass ends with a conflict and the next one looks again.

use std::fmt::Debug;
use std::future::Future;

use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::api::{DeleteParams, PatchParams, PostParams};
use kube::{Api, ResourceExt};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use siskin_api::CanaryRollout;
use siskin_api::annotations::FIELD_MANAGER;
use siskin_decide::Revision;

use crate::cluster::calls::{CallError, CallFailed, Cluster, admitted};
use crate::cluster::patch::JsonPatch;
use crate::cluster::refusal::RefusalReason;
use crate::process::gate::{Gate, NotLeading};
use crate::process::metrics::{Metrics, Written};

/// A write that was not made, or whose outcome is unknown.
#[derive(Debug, thiserror::Error, strum::IntoStaticStr)]
pub enum ApplyFailed {
    /// This process may not write now.
    #[error("may not write: {0}")]
    NotLeading(#[from] NotLeading),
    /// The lease ended while the write was under way.
    #[error("the lease ended during a write")]
    CutOff,
    /// The API server refused, or did not answer in time.
    #[error(transparent)]
    Call(#[from] CallFailed),
    /// A plan names a revision whose template is nowhere: it was deleted by hand since.
    #[error(
        "the frozen template of revision {0} was deleted by hand, and what runs is not it any more; \
         apply the Deployment with that template again, or restore its ControllerRevision"
    )]
    TemplateLost(Revision),
    /// A plan names an object that was not observed.
    #[error("{0} is gone; looking again")]
    Gone(&'static str),
}

impl ApplyFailed {
    /// Why it was refused; `None` where looking again is all that is needed, or this process may
    /// not write.
    pub(crate) fn refusal(&self) -> Option<RefusalReason> {
        match self {
            Self::Call(error) => error.refusal(),
            Self::TemplateLost(_) => Some(RefusalReason::TemplateLost),
            Self::NotLeading(_) | Self::CutOff | Self::Gone(_) => None,
        }
    }

    /// What was tried and why it failed, for a condition: one line, bounded, without values.
    pub(crate) fn told(&self) -> String {
        match self {
            Self::Call(error) => error.told(),
            Self::NotLeading(_) | Self::CutOff | Self::TemplateLost(_) | Self::Gone(_) => {
                self.to_string()
            }
        }
    }

    /// Whether this process has lost the right to write: nothing more is tried.
    pub(crate) const fn ends_the_pass(&self) -> bool {
        match self {
            Self::NotLeading(_) | Self::CutOff => true,
            Self::Call(_) | Self::TemplateLost(_) | Self::Gone(_) => false,
        }
    }

    /// Somebody else wrote first, or the view was stale: look again, nothing is wrong.
    pub(crate) fn is_conflict(&self) -> bool {
        match self {
            Self::Call(error) => error.is_conflict(),
            Self::Gone(_) => true,
            Self::NotLeading(_) | Self::CutOff | Self::TemplateLost(_) => false,
        }
    }
}

/// Makes the writes of a plan.
#[derive(Clone)]
pub struct Writer {
    pub(super) cluster: Cluster,
    gate: Gate,
    pub(super) metrics: Metrics,
}

impl Writer {
    /// Writes through this cluster while the gate is open.
    #[must_use]
    pub const fn new(cluster: Cluster, gate: Gate, metrics: Metrics) -> Self {
        Self { cluster, gate, metrics }
    }

    /// The tenure that writes now; `None` where there is no election.
    pub(super) fn epoch(&self) -> Result<Option<String>, ApplyFailed> {
        let permit = self.gate.check()?;
        Ok(permit.is_elected().then(|| permit.epoch().to_string()))
    }

    /// Creates a frozen template.
    pub(super) async fn create_frozen(
        &self,
        namespace: &str,
        object: &ControllerRevision,
    ) -> Result<ControllerRevision, ApplyFailed> {
        let params = PostParams { field_manager: manager(), ..PostParams::default() };
        let answer = self.cluster.create_frozen(namespace, object, &params);
        self.write(Written::ControllerRevision, "create", &object.name_any(), answer).await
    }

    /// Creates an object.
    pub(super) async fn create<K>(
        &self,
        kind: Written,
        api: &Api<K>,
        name: &str,
        object: &K,
    ) -> Result<K, ApplyFailed>
    where
        K: Clone + Debug + DeserializeOwned + Serialize,
    {
        let params = PostParams { field_manager: manager(), ..PostParams::default() };
        self.write(kind, "create", name, api.create(&params, object)).await
    }

    /// Patches an object.
    pub(super) async fn patch<K>(
        &self,
        kind: Written,
        api: &Api<K>,
        name: &str,
        patch: JsonPatch,
    ) -> Result<K, ApplyFailed>
    where
        K: Clone + Debug + DeserializeOwned,
    {
        let params = PatchParams { field_manager: manager(), ..PatchParams::default() };
        let patch = patch.into_patch::<Value>();
        self.write(kind, "patch", name, api.patch(name, &params, &patch)).await
    }

    /// Patches the status of a rollout.
    pub(super) async fn patch_status(
        &self,
        api: &Api<CanaryRollout>,
        name: &str,
        patch: JsonPatch,
    ) -> Result<CanaryRollout, ApplyFailed> {
        let params = PatchParams { field_manager: manager(), ..PatchParams::default() };
        let patch = patch.into_patch::<Value>();
        let answer = api.patch_status(name, &params, &patch);
        self.write(Written::CanaryRolloutStatus, "patch", name, answer).await
    }

    /// Deletes an object. One that is not there is deleted.
    pub(super) async fn delete<K>(
        &self,
        kind: Written,
        api: &Api<K>,
        name: &str,
        params: &DeleteParams,
    ) -> Result<(), ApplyFailed>
    where
        K: Clone + Debug + DeserializeOwned,
    {
        match self.write(kind, "delete", name, api.delete(name, params)).await {
            Ok(_) => Ok(()),
            Err(ApplyFailed::Call(CallFailed {
                source: CallError::Api(kube::Error::Api(status)),
                ..
            })) if status.code == 404 => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// One write: only while leading, and given up before the lease ends.
    async fn write<T>(
        &self,
        kind: Written,
        verb: &'static str,
        name: &str,
        answer: impl Future<Output = kube::Result<T>>,
    ) -> Result<T, ApplyFailed> {
        let permit = self.gate.check()?;
        let what = || format!("{} {name}", <&str>::from(kind));
        let answer = admitted(verb, what, answer);
        let written = permit.bound(answer).await.map_err(|_| ApplyFailed::CutOff)?;
        self.metrics.api_write(kind);
        Ok(written?)
    }
}

#[expect(clippy::unnecessary_wraps, reason = "the type of the parameter")]
fn manager() -> Option<String> {
    Some(FIELD_MANAGER.to_owned())
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use http::{Request, Response};
    use kube::Client;
    use kube::client::Body;
    use tower_test::mock;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_server_that_never_answers_is_told_as_that_and_not_as_the_end_of_a_lease() {
        let (service, _server) = mock::pair::<Request<Body>, Response<Body>>();
        let cluster = Cluster::new(Client::new(service, "default"));
        let writer = Writer::new(cluster, Gate::open("me"), Metrics::new());
        let silent = pending::<kube::Result<()>>();
        let failed = writer.write(Written::Deployment, "patch", "orders-canary", silent).await;
        let told = failed.expect_err("there is no answer").told();
        assert_eq!(told, "could not patch Deployment orders-canary: no answer within 40s");
    }
}
