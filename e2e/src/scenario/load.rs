//! The load of a scenario: the sample producer as a process of its own, on a topic of its own, and what became of it.
//! It starts and counts; when, and what must come of it, is the scenario's business.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde::Deserialize;
use tokio::process::{Child, Command};

use super::fleet::Fleet;

/// A broker that does not make a topic in this time is not well.
const TOPIC_WITHIN: Duration = Duration::from_secs(60);

/// A steady load; it ends when this is dropped.
#[derive(Debug)]
pub struct Load {
    _child: Child,
}

impl Load {
    /// Makes the topic and starts to produce.
    pub async fn start(program: &Path, fleet: &Fleet, log: &Path) -> Result<Self> {
        let (bootstrap, topic, work) = (&fleet.bootstrap, &fleet.group, &fleet.workload);
        let log = File::create(log).with_context(|| format!("creating {}", log.display()))?;
        let command = || {
            let mut command = Command::new("setpriv");
            command.args(["--pdeathsig", "KILL", "--"]).arg(program);
            command.args(["--bootstrap", bootstrap, "--topic", topic]);
            command.args(["--partitions", &work.partitions.to_string()]);
            command.args(["--rate", &work.rate.to_string()]);
            command.args(["--poison-share", work.poison_share]);
            command.args(["--transaction", work.transaction]);
            command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log.try_clone()?);
            command.kill_on_drop(true);
            anyhow::Ok(command)
        };
        // The topic must be there before its consumers ask for it.
        let made = tokio::time::timeout(TOPIC_WITHIN, command()?.arg("--create-only").status());
        let status = made.await.context("making the topic")?.context("running the producer")?;
        if !status.success() {
            bail!("the producer could not make topic {topic}: {status}");
        }
        Ok(Self { _child: command()?.spawn().context("starting the producer")? })
    }
}

/// What `producer verify` counts.
#[derive(Clone, Debug, Deserialize)]
pub struct Account {
    /// Records in the topic.
    pub produced: u64,
    /// Records in the topic that some version has processed.
    pub processed_distinct: u64,
    /// Records in the topic that no version has processed.
    pub missing: u64,
    /// Acknowledgements beyond the first of each record.
    pub duplicates: u64,
}

impl Account {
    /// Compares the fleet's topic with what its consumers have acknowledged.
    pub(super) async fn of(producer: &Path, fleet: &Fleet) -> Result<Self> {
        let mut verify = Command::new(producer);
        verify.args(["verify", "--bootstrap", &fleet.bootstrap]);
        verify.args(["--topic", &fleet.group, "--output", &fleet.acknowledged()]);
        let run = verify.kill_on_drop(true).output().await.context("running producer verify")?;
        let printed = String::from_utf8_lossy(&run.stdout);
        // It fails, too, when records are missing, and says how many.
        let Some(line) = printed.lines().last() else {
            bail!("producer verify: {}", String::from_utf8_lossy(&run.stderr).trim());
        };
        serde_json::from_str(line).context("reading what producer verify says")
    }
}
