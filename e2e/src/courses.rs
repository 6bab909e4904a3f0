//! Templates by the hundred on the real API server, each from its adoption to its hand-back, with pods that exist in the
//! API only. Judged from outside, as a user would: what was adopted is what is found again.

mod course;
mod mirror;
mod tally;

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use futures::StreamExt as _;
use futures::stream;
use k8s_openapi::api::core::v1::Namespace;
use kube::api::PostParams;
use kube::{Api, Client};
use serde_json::json;

use crate::manifests::Schemas;
use crate::scenario::installed::remove_namespace;
use crate::scenario::objects::LABEL;
use crate::scenario::operator::{Election, Operator, Program};
use crate::scenario::test_run::{TestRun, release};
use crate::testbed::Testbed;
use course::Course;
use mirror::Mirror;
pub use tally::Tally;

/// Fake nodes: pods are put on them directly, so their number bounds nothing.
const NODES: u32 = 4;

/// Namespace of the courses that are played alone.
const NAMESPACE: &str = "siskin-templates";
/// Thousands of objects may be left in it.
const GONE_WITHIN: Duration = Duration::from_secs(300);

/// Which templates, and how.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Courses; each has two templates.
    pub courses: u64,
    /// The templates of a course follow from this and its number.
    pub seed: u64,
    /// Courses under way at the same time.
    pub at_once: usize,
}

/// Plays the courses in a namespace whose operator runs, and says what became of them.
pub async fn play(bed: &Testbed, client: &Client, namespace: &str, plan: Plan) -> Result<Tally> {
    let nodes = bed.clone();
    tokio::task::spawn_blocking(move || nodes.fake_nodes(NODES)).await??;
    let schemas = Arc::new(Schemas::read(client).await?);
    let mirror = Mirror::of(client, namespace);
    let course = |number: u64| Course {
        client: client.clone(),
        namespace: namespace.to_owned(),
        bootstrap: bed.kafka_bootstrap(),
        schemas: Arc::clone(&schemas),
        mirror: mirror.clone(),
        name: format!("t{number}"),
        seed: plan.seed.wrapping_mul(1_000_003).wrapping_add(number),
        node: format!("fake-{}", 1 + number % u64::from(NODES)),
    };
    let played = stream::iter(0..plan.courses).map(|number| {
        let course = course(number);
        async move { (number, course.play().await) }
    });
    let mut tally = Tally::new(schemas.fields_below("PodTemplateSpec"));
    let mut played = played.buffer_unordered(plan.at_once);
    while let Some((number, outcome)) = played.next().await {
        tally.add(number, outcome);
    }
    Ok(tally)
}

/// Plays the courses alone on the test bed, with an operator of their own.
pub fn suite(plan: Plan) -> Result<Tally> {
    let run = TestRun::get()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = run.bed.client().await?;
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let labels = json!({"metadata": {"name": NAMESPACE, "labels": {LABEL: "true"}}});
        release(&client, NAMESPACE).await?;
        remove_namespace(&client, NAMESPACE, GONE_WITHIN).await?;
        namespaces.create(&PostParams::default(), &serde_json::from_value(labels)?).await?;
        let binary = run.program("siskin-operator");
        let log = run.logs.join(format!("{NAMESPACE}.log"));
        let kubeconfig = &run.operator_config;
        let program = Program { binary: &binary, kubeconfig, log_level: "info" };
        let mut operator = Operator::start(program, NAMESPACE, Election::None, log)?;
        let tally = play(&run.bed, &client, NAMESPACE, plan).await;
        let died = operator.died()?;
        operator.kill().await?;
        release(&client, NAMESPACE).await?;
        ensure!(died.is_none(), "the operator ended by itself: {died:?}");
        tally
    })
}
