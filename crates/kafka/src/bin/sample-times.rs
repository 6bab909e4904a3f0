//! Times samples of one group as the operator takes them: through a process of the program that it is given.
//! Parses its arguments and prints one line of JSON; `cargo testbed measure kafka` reads that.

use std::collections::BTreeSet;
use std::env;
use std::sync::Arc;
use std::time::Duration;

use serde_json::json;
use siskin_kafka::{ClusterConfig, Program, Samplers, Topics};

const USAGE: &str = "usage: sample-times PROGRAM BOOTSTRAP GROUP SAMPLES TOPIC...";

/// Samples before those that count: connections are made, and leaders are learned.
const FIRST: usize = 5;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), String> {
    let arguments: Vec<String> = env::args().skip(1).collect();
    let [program, bootstrap, group, samples, topics @ ..] = arguments.as_slice() else {
        return Err(USAGE.to_owned());
    };
    let samples: usize = samples.parse().map_err(|_| USAGE.to_owned())?;
    let program = Program { path: program.into(), arguments: vec!["sample".into()] };
    let cluster = ClusterConfig::new([bootstrap.clone()], None).map_err(|it| it.to_string())?;
    let topics = Topics::List(topics.iter().cloned().collect::<BTreeSet<_>>());
    let processes = Samplers::in_processes(program, Arc::new(|_| {}));
    // As often as a sampler may.
    let mut watching = processes.subscribe(cluster, group, topics, Duration::from_secs(1));
    let (mut millis, mut known) = (Vec::new(), 0);
    for number in 0..FIRST + samples {
        let sample = watching.changed().await.map_err(|it| it.to_string())?;
        let took = watching.begun_ago().unwrap_or_default();
        if number < FIRST {
            continue;
        }
        let snapshot = sample.as_ref().as_ref().map_err(ToString::to_string)?;
        known =
            snapshot.partitions.iter().filter(|it| it.committed.and(it.log_end).is_some()).count();
        millis.push(took.as_secs_f64() * 1_000.0);
    }
    println!("{}", json!({"millis": millis, "known": known}));
    Ok(())
}
