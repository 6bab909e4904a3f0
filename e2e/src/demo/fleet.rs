//! The audience's own workload: an orders Deployment, its load, its CanaryRollout, its namespace.
//! Knows nothing of how Siskin works, only how it is used.

use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use serde::Deserialize;

use crate::testbed::{Profile, Testbed};

const WORKER: &str = include_str!("../../worker/manifests/orders.yaml");
const ROLLOUT: &str = include_str!("rollout.yaml");

pub(super) struct Fleet {
    pub(super) namespace: String,
    bed: Testbed,
    topic: String,
    producer: std::path::PathBuf,
    load: Option<Child>,
    changes: std::cell::Cell<u32>,
}

/// What `producer verify` counts.
#[derive(Debug, Deserialize)]
pub(super) struct Account {
    pub(super) produced: u64,
    pub(super) processed_distinct: u64,
    pub(super) missing: u64,
    pub(super) duplicates: u64,
}

impl Fleet {
    /// Topic, steady load, six consumers.
    pub(super) fn start(bed: &Testbed) -> Result<Self> {
        let id = std::process::id();
        let (namespace, topic) = (format!("demo-{id}"), format!("orders-{id}"));
        let producer = bed.built("siskin-worker", "producer", Profile::Debug)?;
        let mut fleet = Self {
            namespace,
            bed: bed.clone(),
            topic,
            producer,
            load: None,
            changes: std::cell::Cell::new(0),
        };
        super::say("300 orders a second on 12 partitions, one in a hundred of them odd");
        fleet.load = Some(fleet.start_load()?);
        super::say("an orders worker of 6 pods, as anybody would write it");
        bed.kubectl(&["create", "namespace", &fleet.namespace])?;
        bed.apply(&fleet.placed(WORKER))?;
        fleet.kubectl(&[
            "set",
            "env",
            "deploy/orders",
            &format!("TOPICS={}", fleet.topic),
            &format!("GROUP={}", fleet.topic),
            &format!("OUTPUT_TOPIC={}-done", fleet.topic),
        ])?;
        fleet.kubectl(&["rollout", "status", "deploy/orders", "--timeout=120s"])?;
        Ok(fleet)
    }

    /// The one thing that a user of Siskin adds.
    pub(super) fn adopt(&self) -> Result<()> {
        self.bed.apply(&self.placed(ROLLOUT)).map(drop)
    }

    /// A new version, named for whoever waits for it; both in one write, as a pipeline does it.
    pub(super) fn ship(&self, environment: &[&str]) -> Result<String> {
        self.changes.set(self.changes.get() + 1);
        let change = format!("change-{}", self.changes.get());
        let edited =
            [&["set", "env", "deploy/orders", "--dry-run=client", "-o", "json"], environment]
                .concat();
        let printed = self.kubectl(&edited)?;
        let mut deployment: serde_json::Value = serde_json::from_str(&printed)?;
        let template = deployment["spec"]["template"].take();
        let patch = serde_json::json!({
            "metadata": {"annotations": {"siskin.dev/change-id": change}},
            "spec": {"template": template},
        });
        self.kubectl(&["patch", "deploy/orders", "--type=merge", "-p", &patch.to_string()])?;
        Ok(change)
    }

    /// Ends the load, lets the consumers finish, and compares.
    pub(super) fn account(&mut self, patience: Duration) -> Result<Account> {
        self.stop_load()?;
        let deadline = Instant::now() + patience;
        loop {
            let account = self.verify()?;
            if account.missing == 0 || deadline < Instant::now() {
                return Ok(account);
            }
            super::say(&format!("{} records are not processed yet", account.missing));
            std::thread::sleep(Duration::from_secs(2));
        }
    }

    pub(super) fn remove(&mut self) -> Result<()> {
        self.stop_load()?;
        self.bed.kubectl(&["delete", "namespace", &self.namespace, "--timeout=120s"]).map(drop)
    }

    fn kubectl(&self, args: &[&str]) -> Result<String> {
        let all = [&["-n", self.namespace.as_str()], args].concat();
        self.bed.kubectl(&all)
    }

    fn placed(&self, manifest: &str) -> String {
        manifest
            .replace(
                "\n  name: orders\n",
                &format!("\n  name: orders\n  namespace: {}\n", self.namespace),
            )
            .replace("{{group}}", &self.topic)
            .replace("{{bootstrap}}", &self.bed.kafka_bootstrap())
    }

    fn start_load(&self) -> Result<Child> {
        let mut load = Command::new(&self.producer);
        load.args(["--bootstrap", &self.bed.kafka_bootstrap(), "--topic", &self.topic]);
        load.args(["--partitions", "12", "--rate", "300", "--poison-share", "0.01"]);
        load.stdout(Stdio::null()).stderr(Stdio::null()).stdin(Stdio::null());
        load.spawn().context("starting the load")
    }

    fn stop_load(&mut self) -> Result<()> {
        let Some(mut load) = self.load.take() else { return Ok(()) };
        // SIGTERM: it flushes what it has sent.
        let pid = rustix::process::Pid::from_child(&load);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM)
            .context("stopping the load")?;
        load.wait().context("waiting for the load to end").map(drop)
    }

    fn verify(&self) -> Result<Account> {
        let output = format!("{}-done", self.topic);
        let mut verify = Command::new(&self.producer);
        verify.args(["verify", "--bootstrap", &self.bed.kafka_bootstrap()]);
        verify.args(["--topic", &self.topic, "--output", &output]);
        let run = verify.output().context("running producer verify")?;
        let printed = String::from_utf8_lossy(&run.stdout);
        match printed.lines().last() {
            Some(line) => serde_json::from_str(line).context("reading what producer verify says"),
            None => bail!("producer verify: {}", String::from_utf8_lossy(&run.stderr)),
        }
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        // Also on an error: a load without an audience must not go on.
        self.stop_load().ok();
    }
}
