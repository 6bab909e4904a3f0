//! What a person or a shell wants to know of a bed.
//! It only looks.

use std::fmt::{self, Display, Write as _};
use std::path::PathBuf;

use anyhow::Result;

use super::artifact::Artifact;
use super::bed::Testbed;
use super::daemon::Identity;
use super::part::Part;
use super::places::Places;
use super::{faulted, health};

/// One part, as it is now.
#[derive(Debug, Clone)]
pub struct PartStatus {
    /// The part.
    pub part: Part,
    /// Process of the part, if it runs.
    pub pid: Option<i32>,
    /// Whether the part works, and if not why.
    pub health: Health,
    /// Resident memory, in KiB.
    pub memory_kib: Option<u64>,
    /// Log of the part.
    pub log: PathBuf,
}

/// Whether a part works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Health {
    /// The part answers.
    Healthy,
    /// The part was never started, or ended.
    Absent,
    /// The bed was started without it.
    Unneeded,
    /// A test that still runs has put the part out of order.
    Faulted,
    /// The part runs, and does not do its work.
    Broken(String),
}

impl Display for Health {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Healthy => f.pad("healthy"),
            Self::Absent => f.pad("absent"),
            Self::Unneeded => f.pad("not needed"),
            Self::Faulted => f.pad("faulted by a test"),
            Self::Broken(cause) => f.pad(&format!("broken: {cause}")),
        }
    }
}

impl Testbed {
    /// What each part is doing, whether or not the test bed is up.
    pub fn status() -> Result<Vec<PartStatus>> {
        let places = Places::of_this_user()?;
        Ok(Part::ALL.into_iter().map(|part| look(&places, part)).collect())
    }

    /// The `export` lines that a shell needs to work with this test bed; every value is quoted for a POSIX shell.
    pub fn environment(&self) -> Result<String> {
        let secured = self.secured_kafka()?;
        let path = |path: PathBuf| path.display().to_string();
        let variables = [
            ("KUBECONFIG", path(self.kubeconfig())),
            ("KAFKA_BOOTSTRAP", self.kafka_bootstrap()),
            ("KAFKA_SASL_SSL_BOOTSTRAP", secured.sasl_bootstrap),
            ("KAFKA_SSL_BOOTSTRAP", secured.ssl_bootstrap),
            ("KAFKA_USER", secured.user),
            ("KAFKA_PASSWORD", secured.password),
            ("KAFKA_CA", path(secured.ca)),
            ("KAFKA_CLIENT_CERT", path(secured.client_certificate)),
            ("KAFKA_CLIENT_KEY", path(secured.client_key)),
            ("KAFKA_CLASSPATH", format!("{}/*", self.places.of(Artifact::Kafka).display())),
            ("PROMETHEUS_URL", self.prometheus_url()),
            ("TESTBED_RUN", path(self.run_dir().to_owned())),
        ];
        let mut lines = String::new();
        for (name, value) in variables {
            writeln!(lines, "export {name}={}", quoted(&value))?;
        }
        let programs = path(self.places.of(Artifact::Kubernetes));
        writeln!(lines, "export PATH={}:\"$PATH\"", quoted(&programs))?;
        Ok(lines)
    }
}

fn look(places: &Places, part: Part) -> PartStatus {
    let identity = Identity::recorded(&places.record(part.name())).filter(|who| who.alive());
    let health = match identity {
        _ if faulted::wanted(places, part) => Health::Faulted,
        None if places.ready_mark().exists() && !health::started(places, part) => Health::Unneeded,
        None => Health::Absent,
        Some(who) if who.paused() => Health::Broken("stopped by a signal".to_owned()),
        Some(_) => match works(places, part) {
            Ok(()) => Health::Healthy,
            Err(error) => Health::Broken(error.root_cause().to_string()),
        },
    };
    PartStatus {
        part,
        pid: identity.map(|it| it.pid),
        health,
        memory_kib: identity.and_then(Identity::memory_kib),
        log: places.log(part.name()),
    }
}

fn works(places: &Places, part: Part) -> Result<()> {
    health::probe(places, part)?;
    if part == Part::Kubelet { health::node_ready(places) } else { Ok(()) }
}

fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quotes_survive_a_shell() {
        assert_eq!(quoted("a b"), "'a b'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
    }
}
