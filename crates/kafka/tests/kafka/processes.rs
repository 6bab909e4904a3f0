//! A client in a process of its own: what it gives, what it can reach, and how it ends.
//! The broker plays a script; hostile ones are elsewhere.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use siskin_kafka::{ClusterConfig, Program, Sample, Samplers, Security, Subscription, Topics};

use crate::broker;
use crate::child::{NOW, program, program_after};
use crate::snapshots::{LOG, script, two_members};

const INTERVAL: Duration = Duration::from_secs(1);
/// Longer than any machine takes for what takes milliseconds.
const LONG: Duration = Duration::from_secs(20);

fn in_processes(program: Program) -> Samplers {
    Samplers::in_processes(program, Arc::new(|_| {}))
}

/// Subscribes to the group of a healthy broker.
async fn healthy(samplers: &Samplers) -> Subscription {
    let server = broker::start(script(Some(two_members()), &[LOG; 3])).await;
    let cluster = ClusterConfig::new([server], None).expect("a valid address");
    samplers.subscribe(cluster, "g", Topics::AllAssigned, INTERVAL)
}

async fn next(subscription: &mut Subscription) -> Sample {
    subscription.changed().await.expect("an outcome")
}

/// A file that a process writes to, and its text.
fn note(name: &str) -> PathBuf {
    let name = format!("{name}-{}", std::process::id());
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    fs::remove_file(&path).ok();
    path
}

/// Waits until it is so.
fn wait_until(what: &str, is_so: impl Fn() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < LONG, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[tokio::test]
async fn a_process_gives_the_snapshot_that_a_client_gives() {
    let (own, other) = (Samplers::new(|| NOW), in_processes(program()));
    let here = next(&mut healthy(&own).await).await;
    let there = next(&mut healthy(&other).await).await;
    assert!(here.is_ok(), "{here:?}");
    assert_eq!(here, there);
}

#[tokio::test]
async fn a_process_gets_nothing_of_the_environment_and_is_limited() {
    let (environment, limits) = (note("environment"), note("limits"));
    let first = format!("env > {};", environment.display());
    let mut subscription = healthy(&in_processes(program_after(&first))).await;
    assert!(next(&mut subscription).await.is_ok());
    let environment = fs::read_to_string(environment).expect("written by the process");
    assert!(environment.contains("MALLOC_ARENA_MAX=1"), "{environment}");
    assert!(!environment.contains("CARGO") && !environment.contains("HOME"), "{environment}");

    let first = format!("echo $$ > {};", limits.display());
    let mut subscription = healthy(&in_processes(program_after(&first))).await;
    assert!(next(&mut subscription).await.is_ok());
    let process = fs::read_to_string(limits).expect("written by the process");
    let limits = fs::read_to_string(format!("/proc/{}/limits", process.trim())).expect("it runs");
    let soft = |name: &str| {
        let row = limits.lines().find_map(|it| it.strip_prefix(name)).expect("a limit");
        row.split_whitespace().next().map(str::to_owned)
    };
    assert_eq!(soft("Max data size").as_deref(), Some("100663296"));
    assert_eq!(soft("Max stack size").as_deref(), Some("262144"));
    assert_eq!(soft("Max open files").as_deref(), Some("512"));
    assert_eq!(soft("Max core file size").as_deref(), Some("0"));
}

#[tokio::test]
async fn a_process_ends_with_its_last_subscription() {
    let pid = note("pid");
    let samplers = in_processes(program_after(&format!("echo $$ > {};", pid.display())));
    let mut subscription = healthy(&samplers).await;
    assert!(next(&mut subscription).await.is_ok());
    let process = fs::read_to_string(pid).expect("written by the process");
    let process = PathBuf::from(format!("/proc/{}", process.trim()));
    assert!(process.exists());
    drop(subscription);
    tokio::task::spawn_blocking(move || wait_until("it runs on", || !process.exists()))
        .await
        .expect("it ends");
}

/// The pipe to a process closes, however its operator ended.
#[test]
fn a_process_ends_with_its_input() {
    let Program { path, arguments } = program();
    let mut process = Command::new(path)
        .args(arguments)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    std::thread::sleep(Duration::from_millis(500));
    assert!(process.try_wait().expect("a status").is_none(), "it waits for orders");
    drop(process.stdin.take());
    assert!(process.wait().expect("a status").success());
    let mut said = String::new();
    process.stdout.take().expect("a pipe").read_to_string(&mut said).expect("text");
    assert_eq!(said, "");
}

#[tokio::test]
async fn a_process_that_was_killed_is_started_again_and_one_that_was_killed_twice_is_not() {
    let pid = note("killed");
    let samplers = in_processes(program_after(&format!("echo $$ > {};", pid.display())));
    let mut subscription = healthy(&samplers).await;
    let kill = || {
        let process = fs::read_to_string(&pid).expect("written by the process");
        let killed = Command::new("kill").args(["-9", process.trim()]).status();
        assert!(killed.expect("a status").success());
    };
    let mut ended = Vec::new();
    for _ in 0..2 {
        while next(&mut subscription).await.is_err() {}
        kill();
        let outcome = loop {
            match next(&mut subscription).await.as_ref() {
                Ok(_) => {}
                Err(error) => break error.clone(),
            }
        };
        assert_eq!(outcome.name(), "KafkaClientCrashed", "{outcome}");
        ended.push(outcome.to_string());
    }
    assert!(ended[0].contains("signal: 9") && ended[0].contains("in 5 s"), "{}", ended[0]);
    assert!(ended[1].contains("once an hour"), "{}", ended[1]);
    tokio::time::sleep(Duration::from_secs(7)).await;
    let latest = subscription.latest().expect("an outcome");
    assert!(latest.as_ref().as_ref().is_err_and(|it| it.to_string() == ended[1]), "{latest:?}");
}

#[tokio::test]
async fn a_certificate_that_can_not_be_read_is_tried_once() {
    let starts = note("starts");
    let samplers = in_processes(program_after(&format!("echo one >> {};", starts.display())));
    let pem = "-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----\n";
    let data = BTreeMap::from([("ca.crt".to_owned(), pem.as_bytes().to_vec())]);
    for _ in 0..3 {
        let security = Security::from_secret(&data).expect("the right shape");
        let cluster = ClusterConfig::new(["127.0.0.1:1".to_owned()], Some(security));
        let cluster = cluster.expect("a valid address");
        let mut both: Vec<_> = ["g", "h"]
            .map(|it| samplers.subscribe(cluster.clone(), it, Topics::AllAssigned, INTERVAL))
            .into();
        for subscription in &mut both {
            let outcome = next(subscription).await;
            let error = outcome.as_ref().as_ref().expect_err("no client");
            assert_eq!(error.name(), "Setup", "{error}");
            assert!(error.to_string().contains("ca.crt"), "{error}");
        }
    }
    let starts = fs::read_to_string(starts).expect("written by the process");
    assert_eq!(starts.lines().count(), 1);
}

/// The most that a sample may hold, in one topic: it fits into the limits, the frame and the time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_largest_group_fits_the_limits_of_a_process() {
    const LARGEST: i32 = 50_000;
    let pid = note("largest");
    let mut group = two_members();
    group.members[0].partitions = (0..LARGEST).collect();
    let script = broker::Script {
        classic: Some(group),
        partitions: (0..LARGEST).map(|it| (it, LOG)).collect(),
        ..broker::Script::default()
    };
    let server = broker::start(script).await;
    let cluster = ClusterConfig::new([server], None).expect("a valid address");
    let samplers = in_processes(program_after(&format!("echo $$ > {};", pid.display())));
    let mut subscription = samplers.subscribe(cluster, "g", Topics::AllAssigned, INTERVAL);
    for _ in 0..3 {
        let begun = Instant::now();
        let outcome = next(&mut subscription).await;
        let snapshot = outcome.as_ref().as_ref().expect("a snapshot");
        assert_eq!(snapshot.partitions.len(), 50_000);
        assert!(snapshot.partitions.iter().all(|it| it.log_end.is_some()));
        println!("a sample after {:?}", begun.elapsed());
    }
    let process = fs::read_to_string(pid).expect("written by the process");
    let status = fs::read_to_string(format!("/proc/{}/status", process.trim())).expect("it runs");
    for row in status.lines().filter(|it| it.starts_with("Vm") || it.starts_with("Threads")) {
        println!("{row}");
    }
}
