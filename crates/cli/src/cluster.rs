//! The cluster as kubectl would reach it: kubeconfig, context, namespace, impersonation, and what is asked there.
//! Reads and writes what it is told to; decides and prints nothing.

pub(crate) mod ask_error;
mod configuration;
pub(crate) mod installation;
pub(crate) mod look;
pub(crate) mod proxy;

use std::time::Duration;

use k8s_openapi::api::apps::v1::{ControllerRevision, Deployment};
use k8s_openapi::api::core::v1::{ConfigMap, Event};
use kube::api::{ListParams, Patch, PatchParams};
use kube::{Api, Client, Config, ResourceExt as _};
use serde_json::Value;
use siskin_api::CanaryRollout;
use siskin_api::annotations::TARGET;

use crate::cluster::ask_error::AskError;
use crate::options::cluster::{ClusterArgs, Subject};

/// Longest wait for a connection: a person sits before it.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// Longest silence of an answer under way.
const READ_TIMEOUT: Duration = Duration::from_secs(30);

/// Field manager of every write.
const FIELD_MANAGER: &str = "kubectl-siskin";

/// A cluster, and the namespace that is meant there.
pub(crate) struct Cluster {
    client: Client,
    pub(crate) namespace: String,
    /// Address of the API server, for messages.
    host: String,
}

impl Cluster {
    /// Reads the kubeconfig; makes no connection yet.
    pub(crate) async fn of(args: &ClusterArgs) -> Result<Self, AskError> {
        Self::with(configuration::of(args).await?)
    }

    /// Reads the kubeconfig for requests that are made once: what a pod answers with 503 is its answer, and no
    /// word of the API server that it is busy, for which others wait some minutes.
    pub(crate) async fn asked_once(args: &ClusterArgs) -> Result<Self, AskError> {
        let mut config = configuration::of(args).await?;
        config.default_retry = false;
        Self::with(config)
    }

    fn with(mut config: Config) -> Result<Self, AskError> {
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        config.read_timeout = Some(READ_TIMEOUT);
        let (namespace, host) = (config.default_namespace.clone(), config.cluster_url.to_string());
        let client = Client::try_from(config).map_err(|it| AskError::unusable(&it))?;
        Ok(Self { client, namespace, host })
    }

    /// The `CanaryRollouts` of the namespace, or of all.
    pub(crate) async fn rollouts(&self, everywhere: bool) -> Result<Vec<CanaryRollout>, AskError> {
        let api: Api<CanaryRollout> = if everywhere {
            Api::all(self.client.clone())
        } else {
            Api::namespaced(self.client.clone(), &self.namespace)
        };
        let list = api.list(&ListParams::default()).await;
        let mut found = list.map_err(|it| AskError::of_list(&it, &self.host))?.items;
        found.sort_by_key(|it| (it.namespace(), it.name_any()));
        Ok(found)
    }

    /// The one that is meant.
    pub(crate) async fn rollout(&self, subject: &Subject) -> Result<CanaryRollout, AskError> {
        match subject {
            Subject::Rollout(name) => self.named(name).await,
            Subject::Deployment(name) => {
                let found = self.rollouts(false).await?;
                let of_it = found.into_iter().find(|it| it.spec.target_ref.name == *name);
                of_it.ok_or_else(|| AskError::NoneOfDeployment {
                    name: name.clone(),
                    namespace: self.namespace.clone(),
                })
            }
        }
    }

    /// The one of this name.
    pub(crate) async fn named(&self, name: &str) -> Result<CanaryRollout, AskError> {
        let api: Api<CanaryRollout> = Api::namespaced(self.client.clone(), &self.namespace);
        api.get(name).await.map_err(|it| self.failed(&it, "CanaryRollout", name))
    }

    /// A `ConfigMap`, if it exists.
    pub(crate) async fn config_map(&self, name: &str) -> Result<Option<ConfigMap>, AskError> {
        let api: Api<ConfigMap> = Api::namespaced(self.client.clone(), &self.namespace);
        api.get_opt(name).await.map_err(|it| self.failed(&it, "ConfigMap", name))
    }

    /// A Deployment, if it exists.
    pub(crate) async fn deployment(&self, name: &str) -> Result<Option<Deployment>, AskError> {
        let api: Api<Deployment> = Api::namespaced(self.client.clone(), &self.namespace);
        api.get_opt(name).await.map_err(|it| self.failed(&it, "Deployment", name))
    }

    /// Events about a `CanaryRollout`, in no order.
    pub(crate) async fn events(&self, rollout: &str) -> Result<Vec<Event>, AskError> {
        let api: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        let about = format!("involvedObject.kind=CanaryRollout,involvedObject.name={rollout}");
        let list = api.list(&ListParams::default().fields(&about)).await;
        Ok(list.map_err(|it| self.failed(&it, "Events of", rollout))?.items)
    }

    /// Merges a change into a `CanaryRollout`; the object as it is then.
    pub(crate) async fn patch(
        &self,
        name: &str,
        change: &Value,
    ) -> Result<CanaryRollout, AskError> {
        let api: Api<CanaryRollout> = Api::namespaced(self.client.clone(), &self.namespace);
        let written = api.patch(name, &as_this_program(), &Patch::Merge(change)).await;
        written.map_err(|it| self.failed(&it, "CanaryRollout", name))
    }

    /// Merges a change into a Deployment.
    pub(crate) async fn patch_deployment(
        &self,
        name: &str,
        change: &Value,
    ) -> Result<(), AskError> {
        let api: Api<Deployment> = Api::namespaced(self.client.clone(), &self.namespace);
        let written = api.patch(name, &as_this_program(), &Patch::Merge(change)).await;
        written.map(drop).map_err(|it| self.failed(&it, "Deployment", name))
    }

    /// Changes a Deployment by a JSON patch, whole or not at all.
    pub(crate) async fn change_deployment(
        &self,
        name: &str,
        change: Vec<Value>,
    ) -> Result<(), AskError> {
        let api: Api<Deployment> = Api::namespaced(self.client.clone(), &self.namespace);
        let change: json_patch::Patch = serde_json::from_value(Value::Array(change))
            .map_err(|it| AskError::Unreadable { what: name.to_owned(), cause: it.to_string() })?;
        let written = api.patch(name, &as_this_program(), &Patch::<()>::Json(change)).await;
        written.map(drop).map_err(|it| self.failed(&it, "Deployment", name))
    }

    /// The frozen templates of a Deployment.
    pub(crate) async fn frozen(&self, target: &str) -> Result<Vec<ControllerRevision>, AskError> {
        let api: Api<ControllerRevision> = Api::namespaced(self.client.clone(), &self.namespace);
        let list = api.list(&ListParams::default().labels(&format!("{TARGET}={target}"))).await;
        Ok(list.map_err(|it| self.failed(&it, "ControllerRevisions of", target))?.items)
    }

    /// Its client, for those who add requests of their own.
    fn client(&self) -> Client {
        self.client.clone()
    }

    /// Error of a request for something that no namespace of this cluster's is part of.
    fn error(&self, error: &kube::Error, what: &str) -> AskError {
        AskError::of(error, &self.host, what)
    }

    fn failed(&self, error: &kube::Error, kind: &'static str, name: &str) -> AskError {
        AskError::of(error, &self.host, &format!("{kind} {}/{name}", self.namespace))
    }
}

fn as_this_program() -> PatchParams {
    PatchParams { field_manager: Some(FIELD_MANAGER.to_owned()), ..PatchParams::default() }
}
