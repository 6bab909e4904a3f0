//! What sampling consumer groups takes: one sample of ten thousand partitions beside the tool that a person would run, and
//! many groups under one operator. Topics and groups are made for it; nothing is produced.

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use serde_json::{Map, Value, json};
use tokio::process::Command;
use tokio::task::JoinSet;

use super::figures::{Unit, figures, tenths};
use super::process::Process;
use super::requests::{Counted, name};
use super::say::say;
use super::seed::{Groups, Seeded, groups, seed};
use crate::scenario::Scenario;
use crate::testbed::{Profile, Testbed};

/// The group of ten thousand partitions, and the beginning of its topics' names. It has no member: one that fetches from so
/// many partitions is what broker and machine would be busy with.
const LARGE: &str = "sampled";
/// Topics of the large group.
const TOPICS: u32 = 10;
/// Partitions of each of them: a controller makes no ten thousand at once.
const PARTITIONS: u32 = 1_000;
/// Partitions of each of the many groups.
const OF_EACH: u32 = 20;
/// Runs of Kafka's own tool.
const PEER_RUNS: usize = 5;
/// A broker keeps the files of a deleted topic for a minute.
const DELETED_WITHIN: Duration = Duration::from_secs(75);
/// Time at rest before it counts: what was adopted is looked at for the last time.
const SETTLE: Duration = Duration::from_secs(60);
/// Time that counts: six polls of each group.
const SPAN: Duration = Duration::from_secs(60);
/// Kafka's own `kafka-consumer-groups.sh`.
const PEER: &str = "consumer.group.ConsumerGroupCommand";

/// How much is sampled.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sampling {
    /// Samples of the large group.
    pub(super) samples: u32,
    /// Groups under the operator; at 0 they are left out.
    pub(super) groups: u32,
}

/// Measures both, one after the other.
pub(super) async fn measure(s: Scenario, sampling: Sampling) -> Result<Value> {
    let (objects, namespace, run) = (s.objects.clone(), s.namespace.clone(), s.run.clone());
    let (bed, _, _) = s.without_watches();
    let producer = run.program("producer");
    let large = large_group(&bed, &producer, sampling.samples).await?;
    say(&format!("the large group: {large}"));
    if sampling.groups == 0 {
        return Ok(json!({"large_group": large}));
    }
    say("the topics of the large group go first: a broker may open so many files, and no more");
    bed.ask_kafka("TopicCommand", &["--delete", "--topic", &format!("{LARGE}-.*")]).await?;
    tokio::time::sleep(DELETED_WITHIN).await;
    let count = sampling.groups;
    say(&format!("{count} groups that have committed, with {OF_EACH} partitions each"));
    make(&producer, &bed, &groups(count).collect::<Vec<_>>(), 1, OF_EACH).await?;
    let (at, to) = bed.kafka_proxies().pop().context("a proxy to Kafka")?;
    let mut tasks = JoinSet::new();
    let counted = Counted::listen(&at, to, &mut tasks).await?;
    let seeded = Seeded { rollouts: count, pods: 1, autoscaled: false };
    let own = Groups { bootstrap: &at, topic: None };
    seed(&bed, &objects, &namespace, own, seeded).await?;
    let many = many_groups(&bed, &counted, count).await?;
    Ok(json!({"large_group": large, "many_groups": many}))
}

/// One sample of ten thousand partitions through the operator's own process, and Kafka's own tool for comparison.
async fn large_group(bed: &Testbed, producer: &Path, samples: u32) -> Result<Value> {
    let partitions = TOPICS * PARTITIONS;
    say(&format!("a group of {partitions} partitions without a member"));
    make(producer, bed, &[LARGE.to_owned()], TOPICS, PARTITIONS).await?;
    let on = bed.clone();
    let built = move || {
        let operator = on.built("siskin-operator", Profile::Release)?;
        anyhow::Ok((operator, on.built("sample-times", Profile::Release)?))
    };
    let (operator, times) = tokio::task::spawn_blocking(built).await??;
    say(&format!("{samples} samples, one a second"));
    let mut command = Command::new(times);
    command.arg(operator).args([&bed.kafka_bootstrap(), LARGE, &samples.to_string()]);
    command.args((0..TOPICS).map(|it| format!("{LARGE}-{it}"))).kill_on_drop(true);
    let printed = output(command).await?;
    let told: Value = serde_json::from_str(printed.trim()).context("reading sample-times")?;
    ensure!(told["known"] == partitions, "offsets of {} partitions are known", told["known"]);
    let millis = told["millis"].as_array().into_iter().flatten().filter_map(Value::as_f64);
    let ours: Vec<_> = millis.map(|it| Duration::from_secs_f64(it / 1e3)).collect();
    let peer = peer(bed, partitions).await?;
    let (ours, theirs) = (figures(&ours, Unit::Millis), figures(&peer, Unit::Millis));
    let times = theirs["p50_ms"].as_f64().zip(ours["p50_ms"].as_f64()).map(|(a, b)| tenths(a / b));
    Ok(json!({"partitions": partitions, "sample": ours, "peer": theirs, "times_faster": times}))
}

/// Times of the tool that a person would run, its start included.
async fn peer(bed: &Testbed, partitions: u32) -> Result<Vec<Duration>> {
    let mut times = Vec::new();
    for run in 1..=PEER_RUNS {
        let begun = Instant::now();
        let described = ["--describe", "--group", LARGE, "--timeout", "120000"];
        let table = bed.ask_kafka(PEER, &described).await?;
        times.push(begun.elapsed());
        let rows = table.lines().filter(|it| it.starts_with(LARGE)).count();
        ensure!(u32::try_from(rows) == Ok(partitions), "the tool tells of {rows} partitions");
        say(&format!(
            "Kafka's own tool, run {run} of {PEER_RUNS}: {:.1} s",
            begun.elapsed().as_secs_f64()
        ));
    }
    Ok(times)
}

/// What the operator takes for so many groups, in all its processes.
async fn many_groups(bed: &Testbed, counted: &Counted, groups: u32) -> Result<Value> {
    say(&format!("{} s at rest before it counts", SETTLE.as_secs()));
    tokio::time::sleep(SETTLE).await;
    let processes = Process::all_of_operator(bed)?;
    let cpu = || processes.iter().map(Process::cpu_seconds).collect::<Result<Vec<_>>>();
    let (asked, used) = (counted.so_far(), cpu()?);
    say(&format!("{} s that count", SPAN.as_secs()));
    tokio::time::sleep(SPAN).await;
    let (requests, cpu) = (counted.so_far(), cpu()?);
    let per_second = |count: u64| -> Result<f64> {
        Ok(tenths(f64::from(u32::try_from(count)?) / SPAN.as_secs_f64()))
    };
    let since = |kind: &i16, count: u64| count - asked.get(kind).copied().unwrap_or(0);
    let mut by_kind = Map::new();
    for (kind, count) in &requests {
        by_kind.insert(name(*kind), json!(per_second(since(kind, *count))?));
    }
    let all = requests.iter().map(|(kind, count)| since(kind, *count)).sum();
    let percent =
        |(after, before): (&f64, &f64)| tenths(100.0 * (after - before) / SPAN.as_secs_f64());
    let percents: Vec<f64> = cpu.iter().zip(&used).map(percent).collect();
    let rss = processes.iter().map(Process::rss_mb).collect::<Result<Vec<_>>>()?;
    let shared = processes.iter().map(Process::shared_rss_mb).collect::<Result<Vec<_>>>()?;
    Ok(json!({
        "groups": groups,
        "partitions_each": OF_EACH,
        "requests_per_s": per_second(all)?,
        "requests_per_s_by_kind": by_kind,
        "cpu_percent": tenths(percents.iter().sum()),
        "cpu_percent_by_process": percents,
        "rss_mb": tenths(rss.iter().sum()),
        "rss_mb_by_process": rss,
        "shared_rss_mb": tenths(shared.iter().sum()),
    }))
}

/// Has the sample producer make groups and topics.
async fn make(
    producer: &Path,
    bed: &Testbed,
    names: &[String],
    topics: u32,
    partitions: u32,
) -> Result<()> {
    let mut command = Command::new(producer);
    command.args(["groups", "--bootstrap", &bed.kafka_bootstrap()]);
    command.args(["--topics", &topics.to_string(), "--partitions", &partitions.to_string()]);
    command.args(names).kill_on_drop(true);
    output(command).await.map(drop)
}

/// What a program of ours printed.
async fn output(mut command: Command) -> Result<String> {
    let run = command.output().await.with_context(|| format!("running {command:?}"))?;
    let complaint = String::from_utf8_lossy(&run.stderr);
    ensure!(run.status.success(), "{command:?}: {}", complaint.trim());
    Ok(String::from_utf8_lossy(&run.stdout).into_owned())
}
