//! Kafka's own Java consumer as a container: a client that nobody of this project wrote. Borrows the
//! machine's Java and the test bed's Kafka by mounts; the image has neither.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

/// Any image of the test bed: the program comes by mount.
const IMAGE: &str = "localhost/busybox:1";

/// Folders in which Debian keeps what Java is linked to.
const LIBRARIES: [&str; 4] = ["/lib", "/lib64", "/usr/lib", "/usr/share"];

/// What a machine has for running Kafka's own tools.
#[derive(Clone, Debug)]
pub struct Java {
    program: PathBuf,
    kafka: PathBuf,
    mounts: Vec<PathBuf>,
}

impl Java {
    /// The Java of this machine, for the jars in this folder.
    pub fn of_machine(kafka: &Path) -> Result<Self> {
        let path = env::var_os("PATH").unwrap_or_default();
        let program = env::split_paths(&path).map(|it| it.join("java")).find(|it| it.is_file());
        let program = program.context("no java in PATH")?.canonicalize()?;
        // <home>/bin/java; its settings are links into /etc on Debian.
        let home = program.ancestors().nth(2).context("java lies in <home>/bin")?;
        let settings = home.join("conf/security/java.security").canonicalize()?;
        let settings = settings.ancestors().nth(2).context("settings lie in a folder")?;
        let mut mounts: Vec<_> = LIBRARIES.map(PathBuf::from).to_vec();
        for folder in [home, settings, kafka] {
            if !mounts.iter().any(|it| folder.starts_with(it)) {
                mounts.push(folder.to_owned());
            }
        }
        mounts.retain(|it| fs::exists(it).unwrap_or(false));
        Ok(Self { program, kafka: kafka.to_owned(), mounts })
    }

    /// `VerifiableConsumer` in this group: it commits after every poll. Container and volumes.
    #[must_use]
    pub fn consumer(&self, bootstrap: &str, group: &str, protocol: Protocol) -> (Value, Value) {
        let program = self.program.display().to_string();
        // None of them holds a blank: the test bed has no folder with one.
        let arguments = format!(
            "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC -XX:-UsePerfData -Xmx64m -cp {}/* \
             org.apache.kafka.tools.VerifiableConsumer --bootstrap-server {bootstrap} --topic {group} \
             --group-id {group} --group-protocol {} --reset-policy earliest",
            self.kafka.display(),
            protocol.name(),
        );
        let command: Vec<&str> = [&*program].into_iter().chain(arguments.split(' ')).collect();
        let name = |place: usize| format!("borrowed-{place}");
        let each = || self.mounts.iter().enumerate();
        let mounts = each().map(
            |(place, folder)| json!({"name": name(place), "mountPath": folder, "readOnly": true}),
        );
        let volumes = each()
            .map(|(place, folder)| json!({"name": name(place), "hostPath": {"path": folder}}));
        let container = json!({
            "name": "worker",
            "image": IMAGE,
            "imagePullPolicy": "Never",
            "command": command,
            "volumeMounts": mounts.collect::<Vec<_>>(),
        });
        (container, volumes.collect())
    }
}

/// Kafka's two group protocols.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// Members assign the partitions among themselves.
    Classic,
    /// KIP-848: the broker assigns them.
    Consumer,
}

impl Protocol {
    fn name(self) -> &'static str {
        match self {
            Self::Classic => "classic",
            Self::Consumer => "consumer",
        }
    }
}
