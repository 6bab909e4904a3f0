//! The alerts of `config/monitoring` in the bed's Prometheus, on what the scenario's operator counts.
//! Reads the rules as users apply them, and changes nothing in them but how long something has to last.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::given::{Given, PATIENCE};
use super::proxy::Proxy;
use super::run::Scenario;
use super::then::Then;
use crate::testbed::{Alert, Testbed};

/// The rules, as users apply them.
const RULES: &str = "config/monitoring/rules.yaml";

/// The dashboard, as users import it.
const DASHBOARD: &str = "config/monitoring/dashboard.json";

/// What Grafana fills in: longer than four scrapes.
const RATE_INTERVAL: (&str, &str) = ("$__rate_interval", "1m");

/// Pause between two questions.
const LOOKS_EVERY: Duration = Duration::from_millis(500);

/// An operator that the bed's Prometheus scrapes, until this is ended.
#[derive(Debug)]
pub struct Watched {
    bed: Testbed,
    name: String,
    proxy: Proxy,
}

impl Watched {
    /// Prometheus forgets the operator and its rules.
    pub async fn end(self) -> Result<()> {
        let Self { bed, name, proxy } = self;
        proxy.close().await;
        tokio::task::spawn_blocking(move || bed.unwatch(&name)).await?
    }
}

/// The content of a rule file: what a `PrometheusRule` has in its spec.
pub fn rules(bed: &Testbed) -> Result<Value> {
    let path = bed.repository().join(RULES);
    let text = std::fs::read_to_string(&path).with_context(|| path.display().to_string())?;
    let rule: Value = serde_yaml_ng::from_str(&text)?;
    Ok(rule["spec"].clone())
}

/// The folder with the rules' own tests, for promtool.
#[must_use]
pub fn tests_of_rules(bed: &Testbed) -> std::path::PathBuf {
    bed.repository().join(Path::new(RULES).with_file_name("tests"))
}

impl Given<'_> {
    /// The bed's Prometheus scrapes the scenario's operator and watches the rules. What has to last for minutes has to last
    /// for this many seconds.
    pub async fn a_watched_operator(&mut self, seconds: u32) -> Result<Watched> {
        let bed = self.0.run.bed.clone();
        let name = self.0.namespace.clone();
        let operator = self.0.operator()?.admin_address();
        let (at, _) = bed.prometheus_proxy();
        let proxy = Proxy::open(&at, operator.to_string())?;
        let sooner = |text: &str| {
            [" > 300", " > 60"].iter().fold(text.to_owned(), |text, long| {
                text.strip_suffix(long).map_or(text.clone(), |it| format!("{it} > {seconds}"))
            })
        };
        let mut rules = rules(&bed)?;
        for group in rules["groups"].as_array_mut().into_iter().flatten() {
            for rule in group["rules"].as_array_mut().into_iter().flatten() {
                let expression =
                    rule["expr"].as_str().map(sooner).context("a rule without expr")?;
                rule["expr"] = expression.into();
            }
        }
        let watched = Watched { bed, name, proxy };
        let (bed, name) = (watched.bed.clone(), watched.name.clone());
        let (address, rules) = (watched.proxy.address(), rules.to_string());
        let watch = move || watch(&bed, &name, address, &rules);
        tokio::task::spawn_blocking(watch).await??;
        Ok(watched)
    }
}

fn watch(bed: &Testbed, name: &str, address: SocketAddr, rules: &str) -> Result<()> {
    bed.watch(name, &address.to_string(), rules)
}

impl Then<'_> {
    /// Every query of the dashboard has an answer.
    pub async fn every_panel_has_data(&mut self) -> Result<()> {
        let bed = self.0.run.bed.clone();
        tokio::task::spawn_blocking(move || {
            let text = std::fs::read_to_string(bed.repository().join(DASHBOARD))?;
            let dashboard: Value = serde_json::from_str(&text)?;
            let panels = dashboard["panels"].as_array().context("a dashboard without panels")?;
            for panel in panels {
                let targets = panel["targets"].as_array().context("a panel without queries")?;
                for query in targets.iter().filter_map(|it| it["expr"].as_str()) {
                    let (variable, interval) = RATE_INTERVAL;
                    let values = bed.queried(&query.replace(variable, interval))?;
                    ensure!(!values.is_empty(), "{}: no answer to {query}", panel["title"]);
                }
            }
            Ok(())
        })
        .await?
    }

    /// An alert of this name fires for the scenario's rollout.
    pub async fn calls_somebody(&mut self, alert: &str) -> Result<()> {
        self.comes_to(alert, |it| it.is_some_and(|it| it.state == "firing")).await
    }

    /// No alert of this name is about to fire for the scenario's rollout any more.
    pub async fn calls_nobody(&mut self, alert: &str) -> Result<()> {
        self.comes_to(alert, |it| it.is_none()).await
    }

    async fn comes_to(&mut self, alert: &str, is: fn(Option<&Alert>) -> bool) -> Result<()> {
        let namespace = self.0.namespace.clone();
        let ours = |it: &&Alert| {
            it.labels["alertname"] == alert && it.labels["namespace"] == namespace.as_str()
        };
        let deadline = Instant::now() + PATIENCE;
        loop {
            let all = self.0.alerts().await?;
            if is(all.iter().find(ours)) {
                return Ok(());
            }
            if deadline < Instant::now() {
                bail!("{alert} is not as it should be; all alerts: {all:#?}");
            }
            sleep(LOOKS_EVERY).await;
        }
    }
}

impl Scenario {
    /// Every alert in the bed's Prometheus whose expression holds.
    async fn alerts(&self) -> Result<Vec<Alert>> {
        let bed = self.run.bed.clone();
        tokio::task::spawn_blocking(move || bed.alerts()).await?
    }
}
