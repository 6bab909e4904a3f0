//! What a new leader takes until it has looked at everything: time, connections, memory, requests.
//! The operator is a process of this machine, with the rights and the log level of an installed one.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::figures::{Unit, figures};
use super::process::Process;
use super::say::say;
use super::seed::{Groups, Seeded, seed};
use crate::scenario::operator::{Operator, Program};
use crate::scenario::{Election, Scenario};
use crate::testbed::Profile;

/// A leader that has not looked at everything by then never will.
const PATIENCE: Duration = Duration::from_secs(300);
/// Without a write for so long, everything is as the operator wants it.
const QUIET: Duration = Duration::from_secs(15);
/// Pause between two looks at the process.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Seeds rollouts, and lets one leader after the other look at them.
pub(super) async fn measure(mut s: Scenario, seeded: Seeded, runs: u32) -> Result<Value> {
    s.given().a_load().await?;
    let (objects, namespace) = (s.objects.clone(), s.namespace.clone());
    let run = std::sync::Arc::clone(&s.run);
    run.allow_leases()?;
    let (bed, topic, _load) = s.without_watches();
    let bootstrap = bed.kafka_bootstrap();
    let groups = Groups { bootstrap: &bootstrap, topic: Some(&topic) };
    seed(&bed, &objects, &namespace, groups, seeded).await?;
    let on = bed.clone();
    let prepare = move || {
        on.put_operator_aside()?;
        on.built("siskin-operator", Profile::Release)
    };
    let binary = tokio::task::spawn_blocking(prepare).await??;
    let program = Program { binary: &binary, kubeconfig: &run.operator_config, log_level: "info" };
    let start = |number: u32| {
        let log = run.logs.join(format!("measured-operator-{number}.log"));
        Operator::start(program, &namespace, Election::Usual, log)
    };
    say("a first leader, until it has nothing to write");
    let mut first = start(0)?;
    settled(&mut first).await?;
    first.terminate().await?;
    let mut starts = Vec::new();
    for number in 1..=runs {
        let start = Start::of(start(number)?).await?;
        say(&format!("run {number} of {runs}: {start:?}"));
        starts.push(start);
    }
    let times: Vec<Duration> = starts.iter().map(|it| it.looked_at_all).collect();
    let most = |of: fn(&Start) -> f64| starts.iter().map(of).fold(0.0, f64::max);
    let mut told = figures(&times, Unit::Seconds);
    told["rollouts"] = json!(seeded.rollouts);
    told["pods_each"] = json!(seeded.pods);
    told["peak_connections"] = json!(most(|it| f64::from(it.connections)));
    told["peak_rss_mb"] = json!(most(|it| it.rss_mb));
    told["requests"] = json!(starts.last().map(|it| &it.requests));
    Ok(told)
}

/// What one start took.
#[derive(Debug)]
struct Start {
    /// From the lease until every rollout was looked at.
    looked_at_all: Duration,
    /// Most connections to the API server at the same time.
    connections: u32,
    rss_mb: f64,
    /// Requests by verb, from the start of the process until it had looked at everything.
    requests: BTreeMap<String, f64>,
}

impl Start {
    async fn of(mut operator: Operator) -> Result<Self> {
        let process = Process::of(operator.id().context("the operator runs")?);
        let deadline = Instant::now() + PATIENCE;
        let (mut connections, mut asked) = (0, Instant::now());
        let seconds = loop {
            connections = connections.max(process.connections_to(API_PORT)?);
            // Asking costs the process something, too.
            if Duration::from_millis(250) < asked.elapsed() {
                asked = Instant::now();
                // It may not listen yet.
                let seconds = operator.metric("siskin_takeover_seconds").await.unwrap_or(0.0);
                if 0.0 < seconds {
                    break seconds;
                }
            }
            ensure!(
                Instant::now() < deadline,
                "it has not looked at everything:\n{}",
                operator.log()
            );
            tokio::time::sleep(LOOK_AGAIN).await;
        };
        let requests = operator.labeled("siskin_api_requests_total", "verb").await?;
        let rss_mb = process.peak_rss_mb()?;
        operator.terminate().await?;
        let looked_at_all = Duration::from_secs_f64(seconds);
        Ok(Self { looked_at_all, connections, rss_mb, requests })
    }
}

/// Port of the API server.
const API_PORT: u16 = 6443;

/// Waits until the operator has looked at everything and writes no more.
async fn settled(operator: &mut Operator) -> Result<()> {
    let deadline = Instant::now() + PATIENCE;
    let (mut writes, mut since) = (-1.0, Instant::now());
    loop {
        let taken_over = operator.metric("siskin_takeover_seconds").await.unwrap_or(0.0);
        let all = operator.labeled("siskin_api_writes_total", "kind").await.unwrap_or_default();
        let now: f64 = all.iter().filter(|(kind, _)| **kind != "Lease").map(|it| it.1).sum();
        if taken_over == 0.0 || now.total_cmp(&writes).is_ne() {
            (writes, since) = (now, Instant::now());
        }
        if QUIET < since.elapsed() {
            return Ok(());
        }
        ensure!(Instant::now() < deadline, "it writes on and on:\n{}", operator.log());
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}
