//! What a broker has before it starts: its configuration, its storage, and coordinators that never leave the first one.
//! It starts no part; it ends brokers that somebody asked for, with whom they served.

use std::io::{Read as _, Write as _};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};

use super::bed::Testbed;
use super::part::Part;
use super::places::Places;
use super::templates::{Values, write_private};
use super::{daemon, extra, health, lock, shell};

const FORMAT: &str = include_str!("../../testbed/args/kafka-format");
const BROKER: &str = include_str!("../../testbed/config/broker.properties");

/// A topic of Kafka's own with fifty partitions is made in a second or two.
const COORDINATES_WITHIN: Duration = Duration::from_secs(60);

/// Prepares the start of a part that is a broker; of others there is nothing to prepare. `values` are those of the part.
pub(super) fn prepare(places: &Places, values: &Values, part: Part) -> Result<()> {
    match part {
        Part::Kafka => format(places, values, part),
        Part::SecondBroker | Part::ThirdBroker => {
            let file = places.config().join(format!("{}.properties", part.name()));
            write_private(&file, &values.render(BROKER)?)?;
            format(places, values, part)?;
            coordinated()
        }
        Part::Etcd
        | Part::ApiServer
        | Part::ControllerManager
        | Part::Scheduler
        | Part::Containerd
        | Part::Kubelet
        | Part::Prometheus => Ok(()),
    }
}

/// Formats the storage of a broker that never ran.
fn format(places: &Places, values: &Values, part: Part) -> Result<()> {
    if places.run.join(part.name()).join("meta.properties").exists() {
        return Ok(());
    }
    let mut format = Command::new("java");
    format.args(values.arguments(FORMAT)?);
    let formatted = shell::output(daemon::mark(places, &mut format)).map(drop);
    formatted.with_context(|| format!("formatting the storage of {}", part.name()))
}

/// Has the first broker make the topics of offsets and of transactions while it is the only one: it leads them from then
/// on, and a broker that a test kills leads what the test has placed there and nothing else.
fn coordinated() -> Result<()> {
    for kind in [GROUP, TRANSACTION] {
        let what = "Kafka coordinates";
        shell::wait_until(what, COORDINATES_WITHIN, || ask_for_coordinator(kind), || Ok(()))?;
    }
    Ok(())
}

/// The kind of key that `FindCoordinator` asks about: a consumer group.
const GROUP: u8 = 0;
/// The kind of key that `FindCoordinator` asks about: a transactional id.
const TRANSACTION: u8 = 1;

/// Asks the first broker who coordinates; it makes the topic for it if there is none, and says so by an error.
fn ask_for_coordinator(kind: u8) -> Result<()> {
    // Length 14; key 10, version 1, correlation id 7; no client id; the key "x".
    const REQUEST: [u8; 17] = [0, 0, 0, 14, 0, 10, 0, 1, 0, 0, 0, 7, 0xff, 0xff, 0, 1, b'x'];
    let mut stream = health::connected(9092)?;
    stream.write_all(&REQUEST)?;
    stream.write_all(&[kind])?;
    // Length, correlation id, throttle time, error.
    let mut answer = [0_u8; 14];
    stream.read_exact(&mut answer)?;
    match i16::from_be_bytes([answer[12], answer[13]]) {
        0 => Ok(()),
        code => bail!("Kafka answers FindCoordinator with error {code}"),
    }
}

impl Testbed {
    /// Ends the brokers beside the first one, whatever state they are in: new topics are the first one's again. What they
    /// have stored stays for their next start.
    pub fn end_brokers(&self) -> Result<()> {
        let _lock = lock::take(&self.places)?;
        for broker in Part::BROKERS {
            extra::end(&self.places, broker.name())?;
            self.unwant(broker)?;
        }
        Ok(())
    }
}
