//! Whether the bed works: a question to each part, and one verdict on all of them.
//! It changes nothing; what to do about a broken bed is its caller's.

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Error, Result, bail};

use super::artifact::Artifact;
use super::daemon::{self, Identity};
use super::part::{Part, SECOND_BROKER, THIRD_BROKER};
use super::places::{self, Places};
use super::{faulted, shell};

/// A part on this machine answers in milliseconds; seconds mean that the machine is busy.
const ANSWER: Duration = Duration::from_secs(2);

/// What `up` has to do.
pub(super) enum Verdict {
    /// Nothing was started.
    Absent,
    /// Every part works.
    Healthy,
    /// Something is dead, stuck, or was never finished.
    Broken(Error),
}

/// Looks at every part of the bed.
pub(super) fn verdict(places: &Places) -> Verdict {
    if !places.run.exists() {
        return Verdict::Absent;
    }
    match whole(places) {
        Ok(()) => Verdict::Healthy,
        Err(cause) => Verdict::Broken(cause),
    }
}

fn whole(places: &Places) -> Result<()> {
    if !places.ready_mark().exists() {
        bail!("its start was never finished");
    }
    let expected = |part: &Part| started(places, *part) && !faulted::wanted(places, *part);
    let expected: Vec<Part> = Part::ALL.into_iter().filter(expected).collect();
    let all_run = || expected.iter().try_for_each(|part| runs(places, *part));
    all_run()?;
    // The bed is shared: on a busy machine a slow answer must not cost everyone theirs.
    let patience = Duration::from_secs(30);
    for part in &expected {
        let what = format!("{} answers", part.name());
        shell::wait_until(&what, patience, || probe(places, *part), all_run)?;
    }
    let node_matters = [Part::Kubelet, Part::ApiServer, Part::Containerd];
    if node_matters.iter().all(|part| expected.contains(part)) {
        shell::wait_until("the node is ready", patience, || node_ready(places), all_run)?;
    }
    Ok(())
}

/// Whether the bed was started with this part.
pub(super) fn started(places: &Places, part: Part) -> bool {
    places.record(part.name()).exists()
}

/// Asks a part for an answer that only a working one gives.
pub(super) fn probe(places: &Places, part: Part) -> Result<()> {
    match part {
        Part::Etcd => http_ok(2381, "/health"),
        Part::ApiServer => api_server_ready(places),
        Part::Containerd => containerd_answers(places),
        Part::Kubelet => http_ok(10248, "/healthz"),
        Part::Kafka => kafka_answers(9092),
        Part::SecondBroker => kafka_answers(SECOND_BROKER),
        Part::ThirdBroker => kafka_answers(THIRD_BROKER),
        Part::Prometheus => http_ok(9090, "/-/ready"),
        // They listen nowhere: that they run is all there is to ask; what they do shows in the node.
        Part::ControllerManager | Part::Scheduler => Ok(()),
    }
}

/// Its process is there and not stopped.
pub(super) fn runs(places: &Places, part: Part) -> Result<()> {
    let name = part.name();
    match Identity::recorded(&places.record(name)) {
        Some(identity) if identity.paused() => bail!("{name} is stopped by a signal"),
        Some(identity) if identity.alive() => Ok(()),
        _ => bail!("{name} is not running; the end of {}", daemon::end_of_log(places, name)),
    }
}

/// Waits until a part that was just started works; fails at once if it ends.
pub(super) fn wait_for(places: &Places, part: Part) -> Result<()> {
    // Half a second on a quiet machine, but for Kafka and the API server; the rest is for busy ones.
    let deadline = Duration::from_secs(120);
    let what = format!("{} answers", part.name());
    shell::wait_until(&what, deadline, || probe(places, part), || runs(places, part))
}

/// kubectl as the administrator, with nothing of the caller's own configuration.
pub(super) fn kubectl(places: &Places) -> Command {
    let mut command = Command::new(places.of(Artifact::Kubernetes).join("kubectl"));
    command.env("KUBECONFIG", places.kubeconfig()).env_remove("KUBERNETES_MASTER");
    command
}

fn api_server_ready(places: &Places) -> Result<()> {
    shell::output(kubectl(places).args(["get", "--raw=/readyz", "--request-timeout=5s"])).map(drop)
}

/// Ready, and with no taint left that would keep pods away.
pub(super) fn node_ready(places: &Places) -> Result<()> {
    let path = "jsonpath={.status.conditions[?(@.type==\"Ready\")].status} {.spec.taints[*].key}";
    let mut command = kubectl(places);
    command.args(["get", "node", places::NODE, "-o", path, "--request-timeout=5s"]);
    let answer = shell::output(&mut command)?;
    if answer.trim() != "True" {
        bail!("node {}: Ready and taints are {answer:?}", places::NODE);
    }
    Ok(())
}

fn containerd_answers(places: &Places) -> Result<()> {
    shell::output(super::containers::ctr(places).args(["--timeout", "5s", "version"])).map(drop)
}

pub(super) fn http_ok(port: u16, path: &str) -> Result<()> {
    let mut stream = connected(port)?;
    write!(stream, "GET {path} HTTP/1.0\r\nHost: {}\r\n\r\n", places::HOST)?;
    let mut answer = String::new();
    // Enough for the status line of any of them; the body may be anything.
    stream.take(4096).read_to_string(&mut answer)?;
    let status = answer.lines().next().unwrap_or_default();
    if !status.contains(" 200 ") {
        bail!("{path} on port {port}: {status:?}");
    }
    Ok(())
}

/// Asks for the API versions, as every client does first: a paused broker still takes connections.
pub(super) fn kafka_answers(port: u16) -> Result<()> {
    // Length 10; key 18, version 0, correlation id 7; no client id.
    const REQUEST: [u8; 14] = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 7, 0xff, 0xff];
    let mut stream = connected(port)?;
    stream.write_all(&REQUEST)?;
    let mut answer = [0_u8; 10];
    stream.read_exact(&mut answer)?;
    // Length; the correlation id; no error.
    if answer[4..] != [0, 0, 0, 7, 0, 0] {
        bail!("Kafka answers {answer:?}");
    }
    Ok(())
}

/// A connection to a part that listens for pods, too.
pub(super) fn connected(port: u16) -> Result<TcpStream> {
    let address: SocketAddr = format!("{}:{port}", places::HOST).parse()?;
    let stream = TcpStream::connect_timeout(&address, ANSWER)
        .with_context(|| format!("connecting to {address}"))?;
    stream.set_read_timeout(Some(ANSWER))?;
    Ok(stream)
}
