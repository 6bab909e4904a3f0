//! What all courses of a namespace share: the cluster's types, a view of what is there, the processes of its consumers.
//! Knows no course.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use k8s_openapi::api::core::v1::ServiceAccount;
use kube::{Api, Client};
use tokio::task::JoinSet;

use super::mirror::Mirror;
use crate::manifests::{Field, Schemas};
use crate::scenario::run_members;
use crate::scenario::test_run::TestRun;

/// Fake nodes: pods are put on them directly, so their number bounds nothing.
pub(super) const NODES: u64 = 4;

/// For a controller of Kubernetes, on a busy machine.
const ACCOUNT_WITHIN: Duration = Duration::from_secs(60);
/// Pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// A namespace in which courses are played.
pub(super) struct Playground {
    pub(super) client: Client,
    pub(super) namespace: String,
    pub(super) bootstrap: String,
    pub(super) schemas: Schemas,
    pub(super) mirror: Mirror,
    pub(super) producer: PathBuf,
    pub(super) logs: PathBuf,
    /// The fields that are not left out: each generated Deployment has one of them for sure.
    pub(super) fields: Vec<Field>,
    /// The processes of fake pods that are consumers.
    _members: JoinSet<()>,
}

impl Playground {
    /// With nodes, and what follows the namespace.
    pub(super) async fn of(run: &TestRun, client: &Client, namespace: &str) -> Result<Self> {
        let nodes = run.bed.clone();
        let count = u32::try_from(NODES)?;
        tokio::task::spawn_blocking(move || nodes.fake_nodes(count)).await??;
        let schemas = Schemas::read(client).await?;
        has_account(client, namespace).await?;
        let mut members = JoinSet::new();
        members.spawn(run_members(client.clone(), namespace.to_owned(), run.program("worker")));
        Ok(Self {
            client: client.clone(),
            namespace: namespace.to_owned(),
            bootstrap: run.bed.kafka_bootstrap(),
            fields: schemas.fields().into_iter().collect(),
            schemas,
            mirror: Mirror::of(client, namespace),
            producer: run.program("producer"),
            logs: run.logs.clone(),
            _members: members,
        })
    }

    /// The consumer group of a course.
    pub(super) fn group(&self, name: &str) -> String {
        format!("{}-{name}", self.namespace)
    }
}

/// Waits for the account that pods of a new namespace run as: without it the API server refuses them all.
async fn has_account(client: &Client, namespace: &str) -> Result<()> {
    let accounts: Api<ServiceAccount> = Api::namespaced(client.clone(), namespace);
    let deadline = Instant::now() + ACCOUNT_WITHIN;
    while accounts.get_opt("default").await?.is_none() {
        ensure!(Instant::now() < deadline, "no service account in {namespace}");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}
