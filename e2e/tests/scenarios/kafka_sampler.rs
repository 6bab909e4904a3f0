//! What `siskin-kafka` sees of a real Kafka: Apache's own consumers under both protocols, Apache's own
//! tool as the oracle, and listeners that ask who we are. No Kubernetes object, no operator.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail, ensure};
use siskin_analysis::observation::{GroupState, Owner, Role};
use siskin_e2e::scenario::test_run::{Isolation, TestRun};
use siskin_e2e::testbed::Testbed;
use siskin_kafka::{
    ClusterConfig, GroupSnapshot, Partition, PodIdentity, Sample, SampleError, Samplers, Security,
    Subscription, Topics, attribute,
};
use tokio::sync::OwnedSemaphorePermit;

/// A Java consumer starts in 5 s on an idle machine, the new protocol needs some heartbeats of 5 s to
/// settle, and other tests may keep the machine busy.
const PATIENCE: Duration = Duration::from_secs(180);
const PARTITIONS: usize = 4;
const RECORDS: i64 = 400;

const PRIMARY: &str = "orders-primary-7d9f-abcde";
const CANARY: &str = "orders-canary-5c4b-xyzwk";

#[tokio::test(flavor = "multi_thread")]
async fn a_classic_group_is_seen_as_kafkas_own_tool_sees_it() -> Result<()> {
    a_group_through_its_life("classic").await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_kip_848_group_is_seen_as_kafkas_own_tool_sees_it() -> Result<()> {
    a_group_through_its_life("consumer").await
}

async fn a_group_through_its_life(protocol: &str) -> Result<()> {
    let world = World::new(&format!("sampler-{protocol}")).await?;
    let mut watching = world.watch(world.open()?);
    let outcome = first(&mut watching, is_answer).await?;
    assert_eq!(name(&outcome), "UnknownGroup", "nobody joined yet");

    let primary = world.consumer(PRIMARY, protocol)?;
    let canary = world.consumer(CANARY, protocol)?;
    world.produce()?;
    let settled = until(&mut watching, "both have half and read all", |seen| {
        seen.state == GroupState::Stable && share_of_each(seen) == [2, 2] && is_read(seen)
    })
    .await?;
    assert_eq!(committed(&settled), world.committed_by_oracle()?);

    let observed = attribute(&settled, &[pod(PRIMARY, Role::Primary), pod(CANARY, Role::Canary)]);
    assert_eq!((observed.members.primary, observed.members.canary), (1, 1));
    let owned =
        |role| move |owner: &Owner| matches!(owner, Owner::Pod { role: of, .. } if *of == role);
    for role in [Role::Primary, Role::Canary] {
        let count = observed.partitions.iter().map(|p| &p.owner).filter(|o| owned(role)(o)).count();
        assert_eq!(count, PARTITIONS / 2, "{role:?}: {:?}", observed.partitions);
    }

    drop(canary);
    let alone = until(&mut watching, "the primary has all", |seen| {
        seen.state == GroupState::Stable && share_of_each(seen) == [4]
    })
    .await?;
    assert_ne!(alone.epoch, settled.epoch);
    drop(primary);
    let empty =
        until(&mut watching, "nobody is left", |seen| seen.state == GroupState::Empty).await?;
    assert_eq!(committed(&empty), committed(&settled), "listed topics keep their commits");
    assert!(empty.partitions.iter().all(|partition| partition.owner.is_none()));
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_reads_uncommitted_records_is_not_beyond_the_end() -> Result<()> {
    let world = World::new("sampler-transaction").await?;
    let mut watching = world.watch(world.open()?);
    let _consumer = world.consumer(PRIMARY, "classic")?;
    let _producer = world.open_transaction()?;
    let seen = until(&mut watching, "a commit within the open transaction", |seen| {
        seen.partitions.iter().any(|partition| partition.high_watermark.is_some())
    })
    .await?;
    for partition in &seen.partitions {
        ensure!(
            partition.log_end == Some(0),
            "nothing is stable before the transaction ends: {partition:?}"
        );
        ensure!(partition.readable_end() >= partition.committed, "{partition:?}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_topic_that_does_not_exist_is_named_and_not_created() -> Result<()> {
    let world = World::new("sampler-missing").await?;
    let _consumer = world.consumer(PRIMARY, "classic")?;
    let absent = format!("{}-absent", world.name);
    let topics = Topics::List(BTreeSet::from([absent.clone()]));
    let mut watching = world.samplers.subscribe(world.open()?, &world.name, topics, SECOND);
    // The consumer joins while we watch.
    let outcome = first(&mut watching, |it| is_answer(it) && name(it) != "UnknownGroup").await?;
    assert_eq!(*outcome, Err(SampleError::MissingTopic { topic: absent.clone() }));
    let topics = world.tool("TopicCommand", &["--list"])?;
    ensure!(topics.contains(&world.name) && !topics.contains(&absent), "{topics}");
    Ok(())
}

#[tokio::test(flavor = "multi_thread")]
async fn each_way_to_be_refused_has_its_own_name() -> Result<()> {
    let world = World::new("sampler-credentials").await?;
    let kafka = world.bed.secured_kafka()?;
    let ca = fs::read(&kafka.ca)?;
    let certificate = fs::read(&kafka.client_certificate)?;
    let key = fs::read(&kafka.client_key)?;
    // A certificate of the same CA, but not a CA: nothing verifies against it.
    let other_ca = certificate.clone();
    let sasl = |mechanism: &str, password: &str| {
        let texts =
            [("sasl.mechanism", mechanism), ("username", &kafka.user), ("password", password)];
        texts.map(|(key, value)| (key, value.as_bytes().to_vec())).to_vec()
    };
    let tls = |ca: &[u8]| vec![("ca.crt", ca.to_vec())];
    let client = vec![("tls.crt", certificate), ("tls.key", key)];
    let (right, wrong) = (kafka.password.as_str(), "not the password");
    // The group does not exist: that answer shows that we were let in.
    let cases = [
        ("UnknownGroup", &kafka.sasl_bootstrap, [tls(&ca), sasl("SCRAM-SHA-512", right)].concat()),
        ("UnknownGroup", &kafka.sasl_bootstrap, [tls(&ca), sasl("PLAIN", right)].concat()),
        ("UnknownGroup", &kafka.ssl_bootstrap, [tls(&ca), client].concat()),
        (
            "AuthenticationFailed",
            &kafka.sasl_bootstrap,
            [tls(&ca), sasl("SCRAM-SHA-512", wrong)].concat(),
        ),
        ("AuthenticationFailed", &kafka.sasl_bootstrap, [tls(&ca), sasl("PLAIN", wrong)].concat()),
        ("TlsFailed", &kafka.sasl_bootstrap, [tls(&other_ca), sasl("PLAIN", right)].concat()),
        ("TlsFailed", &kafka.ssl_bootstrap, tls(&ca)),
        ("Unreachable", &kafka.sasl_bootstrap, Vec::new()),
    ];
    for (expected, server, secret) in cases {
        let keys: Vec<&str> = secret.iter().map(|(key, _)| *key).collect();
        let data: BTreeMap<_, _> =
            secret.iter().map(|(key, value)| ((*key).to_owned(), value.clone())).collect();
        let security = if data.is_empty() { None } else { Some(Security::from_secret(&data)?) };
        let mut watching = world.watch(ClusterConfig::new([server.clone()], security)?);
        let outcome = match expected {
            "Unreachable" => watching.changed().await?,
            _ => first(&mut watching, is_answer).await?,
        };
        assert_eq!(name(&outcome), expected, "{server} with {keys:?}: {outcome:?}");
        let shown = format!("{outcome:?}");
        assert!(!shown.contains(right) && !shown.contains(wrong), "{shown}");
    }
    Ok(())
}

const SECOND: Duration = Duration::from_secs(1);

/// One test's topic and group, both of the same name.
struct World {
    bed: Testbed,
    /// While it is held, no scenario stops Kafka.
    _turn: OwnedSemaphorePermit,
    samplers: Samplers,
    name: String,
}

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // SIGTERM: a consumer that is killed stays a member until its session ends.
        let _ = Command::new("kill").arg(self.0.id().to_string()).status();
        let _ = self.0.wait();
    }
}

impl World {
    async fn new(name: &str) -> Result<Self> {
        // It blocks until the first one has set it up.
        let run = tokio::task::spawn_blocking(TestRun::get).await??;
        let turn = run.turn(Isolation::Shared).await?;
        let bed = run.bed.clone();
        let name = format!("{name}-{}", now());
        let world = Self { bed, _turn: turn, samplers: Samplers::new(now), name };
        let partitions = PARTITIONS.to_string();
        world.tool(
            "TopicCommand",
            &["--create", "--topic", &world.name, "--partitions", &partitions],
        )?;
        Ok(world)
    }

    fn open(&self) -> Result<ClusterConfig> {
        Ok(ClusterConfig::new([self.bed.kafka_bootstrap()], None)?)
    }

    fn watch(&self, cluster: ClusterConfig) -> Subscription {
        let topics = Topics::List(BTreeSet::from([self.name.clone()]));
        self.samplers.subscribe(cluster, &self.name, topics, SECOND)
    }

    fn consumer(&self, client_id: &str, protocol: &str) -> Result<Running> {
        let settings = self.file(client_id, &format!("client.id={client_id}\n"))?;
        let settings = path_of(&settings)?;
        let group = ["--topic", &self.name, "--group-id", &self.name, "--group-protocol", protocol];
        let command = self.command(
            "VerifiableConsumer",
            &[&group[..], &["--consumer.config", settings]].concat(),
        );
        start(command)
    }

    fn produce(&self) -> Result<()> {
        let records = RECORDS.to_string();
        self.tool("VerifiableProducer", &["--topic", &self.name, "--max-messages", &records])?;
        Ok(())
    }

    /// A producer that writes 50 records a second within one transaction that outlasts the test.
    fn open_transaction(&self) -> Result<Running> {
        let mut command = self.bed.kafka_tool("org.apache.kafka.tools.ProducerPerformance");
        let server = format!("bootstrap.servers={}", self.bed.kafka_bootstrap());
        command.args(["--topic", &self.name, "--transactional-id", &self.name]);
        command.args(["--transaction-duration-ms", "900000", "--num-records", "45000"]);
        command.args(["--throughput", "50", "--record-size", "100", "--producer-props", &server]);
        command.arg("transaction.timeout.ms=900000");
        start(command)
    }

    /// Committed offset of each partition, by Kafka's own `kafka-consumer-groups.sh`.
    fn committed_by_oracle(&self) -> Result<BTreeMap<i32, Option<i64>>> {
        let table = self
            .tool("consumer.group.ConsumerGroupCommand", &["--describe", "--group", &self.name])?;
        let rows = table.lines().map(|line| line.split_whitespace().collect::<Vec<_>>());
        // GROUP TOPIC PARTITION CURRENT-OFFSET LOG-END-OFFSET LAG ...
        rows.filter(|row| row.get(1) == Some(&self.name.as_str()))
            .map(|row| Ok((row[2].parse()?, row[3].parse().ok())))
            .collect()
    }

    fn command(&self, class: &str, arguments: &[&str]) -> Command {
        let mut command = self.bed.kafka_tool(&format!("org.apache.kafka.tools.{class}"));
        command.args(["--bootstrap-server", &self.bed.kafka_bootstrap()]).args(arguments);
        command
    }

    fn tool(&self, class: &str, arguments: &[&str]) -> Result<String> {
        let output = self.command(class, arguments).output()?;
        let told = String::from_utf8_lossy(&output.stdout).into_owned();
        ensure!(output.status.success(), "{class} {arguments:?}: {told}");
        Ok(told)
    }

    fn file(&self, name: &str, text: &str) -> Result<PathBuf> {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{}-{name}", self.name));
        fs::write(&path, text)?;
        Ok(path)
    }
}

/// Whether it says something of the group or of us. A busy machine's first handshake may take longer
/// than a call waits, and a broker that has just started is not ready.
fn is_answer(outcome: &Sample) -> bool {
    !["Unreachable", "Timeout", "Protocol"].contains(&name(outcome))
}

/// The first outcome that `wanted` accepts.
async fn first(watching: &mut Subscription, wanted: impl Fn(&Sample) -> bool) -> Result<Sample> {
    let mut last = None;
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            let outcome = watching.changed().await?;
            if wanted(&outcome) {
                return anyhow::Ok(outcome);
            }
            last = Some(outcome);
        }
    });
    match found.await {
        Ok(found) => found,
        Err(_) => bail!("no such answer within {PATIENCE:?}; last seen: {last:?}"),
    }
}

/// The name of the error, if it is one.
fn name(outcome: &Sample) -> &'static str {
    outcome.as_ref().as_ref().map_or_else(SampleError::name, |_| "a snapshot")
}

/// The first snapshot that `wanted` accepts.
async fn until(
    watching: &mut Subscription,
    what: &str,
    wanted: impl Fn(&GroupSnapshot) -> bool,
) -> Result<GroupSnapshot> {
    let mut last = None;
    let found = tokio::time::timeout(PATIENCE, async {
        loop {
            let sample = watching.changed().await?;
            if let Ok(snapshot) = sample.as_ref()
                && wanted(snapshot)
            {
                return anyhow::Ok(snapshot.clone());
            }
            last = Some(sample);
        }
    });
    match found.await {
        Ok(found) => found,
        Err(_) => bail!("{what}: not within {PATIENCE:?}; last seen: {last:?}"),
    }
}

/// How many partitions each member has, the least first.
fn share_of_each(snapshot: &GroupSnapshot) -> Vec<usize> {
    let mut shares: Vec<usize> =
        snapshot.members.iter().map(|member| member.assignment.len()).collect();
    shares.sort_unstable();
    shares
}

/// Whether all records are written and committed.
fn is_read(snapshot: &GroupSnapshot) -> bool {
    let written: i64 = snapshot.partitions.iter().filter_map(|partition| partition.log_end).sum();
    let open =
        |partition: &Partition| partition.committed.unwrap_or(0) != partition.log_end.unwrap_or(0);
    written == RECORDS && !snapshot.partitions.iter().any(open)
}

fn committed(snapshot: &GroupSnapshot) -> BTreeMap<i32, Option<i64>> {
    snapshot.partitions.iter().map(|p| (p.id.partition, p.committed)).collect()
}

fn pod(name: &str, role: Role) -> PodIdentity {
    PodIdentity {
        name: Arc::from(name),
        ips: vec![],
        host_network: false,
        node_ips: vec![],
        terminating: false,
        gone: false,
        ready: true,
        role: Some(role),
    }
}

fn start(mut command: Command) -> Result<Running> {
    let silent = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Ok(Running(silent.spawn()?))
}

fn path_of(path: &Path) -> Result<&str> {
    path.to_str().context("a path that is text")
}

#[expect(
    clippy::disallowed_methods,
    reason = "a test on a real Kafka dates its snapshots by the real clock"
)]
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
