//! The process of a Kafka client, as the operator starts it: it has its two pipes, and no rights at all.
//! What a client reads is tested with the clients.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use siskin_kafka::{ClusterConfig, Program, Samplers, Topics};

const OPERATOR: &str = env!("CARGO_BIN_EXE_siskin-operator");

#[test]
fn it_needs_no_environment_waits_for_orders_and_ends_with_them() {
    let mut process = Command::new(OPERATOR)
        .arg("sample")
        .env_clear()
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("a process");
    thread::sleep(Duration::from_millis(500));
    assert!(process.try_wait().expect("a status").is_none(), "it waits for orders");
    drop(process.stdin.take());
    assert!(process.wait().expect("a status").success());
}

#[tokio::test]
async fn it_says_what_it_meets() {
    let program = Program { path: OPERATOR.into(), arguments: vec!["sample".into()] };
    let samplers = Samplers::in_processes(program, Arc::new(|_| {}));
    let cluster = ClusterConfig::new(["127.0.0.1:1".to_owned()], None).expect("an address");
    let interval = Duration::from_secs(10);
    let mut subscription = samplers.subscribe(cluster, "orders", Topics::AllAssigned, interval);
    let outcome = subscription.changed().await.expect("an outcome");
    let error = outcome.as_ref().as_ref().expect_err("nobody listens there");
    assert_eq!(error.name(), "Unreachable", "{error}");
}
