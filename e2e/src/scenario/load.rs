//! The load of a scenario: the sample producer as a process of its own, on a topic of its own.

use std::fs::File;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use tokio::process::{Child, Command};

use super::Fleet;

/// Partitions of a scenario's topic: two for each of three consumers.
pub const PARTITIONS: u32 = 6;

/// Records a second: enough in each partition for each window of the judge to say something.
pub const RATE: u32 = 60;

/// Share of poisonous records, which only a version that stalls on them minds.
const POISON_SHARE: &str = "0.02";

/// A broker that does not make a topic in this time is not well.
const TOPIC_WITHIN: Duration = Duration::from_secs(30);

/// A steady load; it ends when this is dropped.
#[derive(Debug)]
pub struct Load {
    _child: Child,
}

impl Load {
    /// Makes the topic and starts to produce.
    ///
    /// # Errors
    /// Kafka does not make the topic.
    pub async fn start(program: &Path, fleet: &Fleet, log: &Path) -> Result<Self> {
        let (bootstrap, topic) = (&fleet.bootstrap, &fleet.group);
        let log = File::create(log).with_context(|| format!("creating {}", log.display()))?;
        let command = || {
            let mut command = Command::new("setpriv");
            command.args(["--pdeathsig", "KILL", "--"]).arg(program);
            command.args(["--bootstrap", bootstrap, "--topic", topic]);
            command.args([
                "--partitions",
                &PARTITIONS.to_string(),
                "--rate",
                &fleet.rate.to_string(),
            ]);
            command.args(["--poison-share", POISON_SHARE]);
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
