//! Templates by the hundred on the real API server, each from its adoption to its hand-back, with pods that exist in the
//! API only. Judged from outside, as a user would: what was adopted is what is found again.

mod course;
mod found;
mod manifest;
mod members;
mod mirror;
mod plan;
mod playground;
mod tally;
mod versions;

use std::time::Duration;

use anyhow::{Result, ensure};
use futures::StreamExt as _;
use futures::stream;
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::PostParams;
use serde_json::json;

use crate::scenario::installed::remove_namespace;
use crate::scenario::objects::LABEL;
use crate::scenario::operator::{Election, Operator, Program};
use crate::scenario::test_run::{Isolation, TestRun, release};
pub use plan::{Deployments, Plan};
use playground::Playground;
pub use tally::Tally;

/// Thousands of objects may be left in a namespace.
const GONE_WITHIN: Duration = Duration::from_secs(300);

/// Courses of Deployments written by hand that are under way at the same time.
const WRITTEN_AT_ONCE: usize = 8;

/// Plays courses in a namespace of this name with an operator of its own, as one of the scenarios of a test run.
///
/// # Errors
/// The test bed is not up, or the operator ended by itself. What became of the courses, the tally says.
pub fn suite(namespace: &str, deployments: Deployments) -> Result<Tally> {
    let run = TestRun::get()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let _turn = run.turn(Isolation::Shared).await?;
        let client = run.bed.client().await?;
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let labels = json!({"metadata": {"name": namespace, "labels": {LABEL: "true"}}});
        release(&client, namespace).await?;
        remove_namespace(&client, namespace, GONE_WITHIN).await?;
        namespaces.create(&PostParams::default(), &serde_json::from_value(labels)?).await?;
        let binary = run.program("siskin-operator");
        let log = run.logs.join(format!("{namespace}.log"));
        let kubeconfig = &run.operator_config;
        let program = Program { binary: &binary, kubeconfig, log_level: "info" };
        let mut operator = Operator::start(program, namespace, Election::None, log)?;
        let tally = match Playground::of(&run, &client, namespace).await {
            Ok(ground) => play(&ground, deployments).await,
            Err(error) => Err(error),
        };
        let died = operator.died()?;
        operator.kill().await?;
        release(&client, namespace).await?;
        ensure!(died.is_none(), "the operator ended by itself: {died:?}");
        tally
    })
}

async fn play(ground: &Playground, deployments: Deployments) -> Result<Tally> {
    match deployments {
        Deployments::Generated(plan) => Ok(generated(ground, plan).await),
        Deployments::Written => written(ground).await,
    }
}

async fn generated(ground: &Playground, plan: Plan) -> Tally {
    let courses = stream::iter(0..plan.courses)
        .map(|number| async move { (number, versions::generated(ground, plan, number).await) });
    let mut tally = Tally::new(ground.fields.iter().cloned().collect());
    let mut played = courses.buffer_unordered(plan.at_once);
    while let Some((number, outcome)) = played.next().await {
        tally.add(&format!("course {number} of seed {}", plan.seed), outcome);
    }
    tally
}

async fn written(ground: &Playground) -> Result<Tally> {
    let courses = stream::iter(manifest::written()?).map(|it| async move {
        (it.metadata.name.clone().unwrap_or_default(), versions::written(ground, it).await)
    });
    let mut tally = Tally::default();
    let mut played = courses.buffer_unordered(WRITTEN_AT_ONCE);
    while let Some((name, outcome)) = played.next().await {
        tally.add(&name, outcome);
    }
    Ok(tally)
}
