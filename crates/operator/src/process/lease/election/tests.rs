//! The election against a server in memory, on paused time.
//! One file for each part of a tenure; what they share is here.

mod ending;
mod leading;
mod server;
mod simulation;
mod taking;

use std::time::Duration;

use k8s_openapi::api::coordination::v1 as k8s;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::Instant;

use crate::process::gate::Gate;
use crate::process::lease::candidate::LeaseLost;
use crate::process::lease::election::tests::server::{Line, Link, Server};
use crate::process::lease::election::{Ended, Lease};
use crate::process::lease::timings::Timings;
use crate::process::metrics::Metrics;

/// One running election, as a process has it.
struct Process {
    gate: Gate,
    line: Line,
    metrics: Metrics,
    stop: Option<oneshot::Sender<()>>,
    run: JoinHandle<Result<Ended, LeaseLost>>,
}

impl Process {
    fn start(server: &Server, identity: &str) -> Self {
        let (client, line) = server.client();
        let lease = Lease::new(client, "siskin-system", "siskin", identity, Timings::default());
        let (keeper, gate) = Gate::shut();
        let metrics = Metrics::new();
        let (stop, stopped) = oneshot::channel();
        let shutdown = async move {
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
        };
        let run = tokio::spawn(lease.run(keeper, metrics.clone(), shutdown));
        Self { gate, line, metrics, stop: Some(stop), run }
    }

    /// One that leads already.
    async fn leading(server: &Server, identity: &str) -> Self {
        let process = Self::start(server, identity);
        process.gate.leading().await.unwrap();
        process
    }

    fn leads(&self) -> bool {
        self.gate.check().is_ok()
    }

    fn stop(&mut self) {
        self.stop.take().expect("stopped once").send(()).expect("it runs");
    }

    async fn ended(&mut self) -> Result<Ended, LeaseLost> {
        (&mut self.run).await.unwrap()
    }
}

/// A process whose test is over would go on renewing through the next one.
impl Drop for Process {
    fn drop(&mut self) {
        self.run.abort();
    }
}

/// A Lease of a process that is gone. Its times are of another machine's clock, so any will do.
fn held_by_the_dead(renew_time: &str) -> Value {
    json!({
        "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
        "metadata": {"name": "siskin", "namespace": "siskin-system", "labels": {"kept": "yes"}},
        "spec": {
            "holderIdentity": "dead", "leaseDurationSeconds": 15, "leaseTransitions": 4,
            "acquireTime": renew_time, "renewTime": renew_time,
        },
    })
}

fn holder(lease: &k8s::Lease) -> Option<&str> {
    lease.spec.as_ref()?.holder_identity.as_deref()
}

fn transitions(lease: &k8s::Lease) -> Option<i32> {
    lease.spec.as_ref()?.lease_transitions
}

fn writes(sent: &[String]) -> usize {
    sent.iter().filter(|it| !it.starts_with("GET")).count()
}

async fn after(seconds: f64) {
    tokio::time::sleep(Duration::from_secs_f64(seconds)).await;
}

/// Seconds since then.
fn since(then: Instant) -> f64 {
    then.elapsed().as_secs_f64()
}
