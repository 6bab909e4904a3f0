//! How a process comes to lead: a new Lease, a dead holder's, and a contested one.
//! What it does once it leads is in `leading`.

use serde_json::json;
use tokio::time::{Instant, timeout};

use super::*;

#[tokio::test(start_paused = true)]
async fn makes_the_lease_if_there_is_none() {
    let server = Server::default();
    let process = Process::leading(&server, "a").await;
    let path = "/apis/coordination.k8s.io/v1/namespaces/siskin-system/leases";
    assert_eq!(process.line.take_sent(), [format!("GET {path}/siskin"), format!("POST {path}")]);
    let lease = server.lease();
    assert_eq!((holder(&lease), transitions(&lease)), (Some("a"), Some(0)));
    let spec = lease.spec.unwrap();
    assert_eq!(spec.lease_duration_seconds, Some(15));
    assert!(spec.acquire_time.is_some() && spec.renew_time.is_some());
    assert_eq!(process.gate.leading().await.unwrap().to_string(), "0.a");
    assert!(process.metrics.encode().unwrap().contains("siskin_leader 1\n"));
}

#[tokio::test(start_paused = true)]
async fn takes_a_vacated_lease_at_once() {
    let server = Server::default();
    server.put(Some(held_by_the_dead("2026-01-01T00:00:00.000000Z")));
    server.edit(|it| it["spec"]["holderIdentity"] = json!(""));
    let began = Instant::now();
    let process = Process::leading(&server, "a").await;
    assert!(since(began) < 0.1);
    assert_eq!(transitions(&server.lease()), Some(5));
    assert!(process.gate.leading().await.unwrap().to_string().starts_with("5."));
}

/// Whatever the dead holder's clock said, its lease is waited out by our own.
async fn waits_out_a_holder_that_wrote(renew_time: &str) {
    let server = Server::default();
    server.put(Some(held_by_the_dead(renew_time)));
    let began = Instant::now();
    let process = Process::start(&server, "a");
    after(14.9).await;
    assert!(!process.leads());
    process.gate.leading().await.unwrap();
    assert!((15.0..15.1).contains(&since(began)), "{}", since(began));
    let lease = server.lease();
    assert_eq!((holder(&lease), transitions(&lease)), (Some("a"), Some(5)));
    assert_eq!(lease.metadata.labels.unwrap()["kept"], "yes");
}

#[tokio::test(start_paused = true)]
async fn a_holder_whose_clock_is_behind_is_not_robbed() {
    waits_out_a_holder_that_wrote("2001-01-01T00:00:00.000000Z").await;
}

#[tokio::test(start_paused = true)]
async fn a_holder_whose_clock_is_ahead_does_not_lead_for_ever() {
    waits_out_a_holder_that_wrote("2101-01-01T00:00:00.000000Z").await;
}

#[tokio::test(start_paused = true)]
async fn waits_as_long_as_the_holder_asks_for() {
    let server = Server::default();
    server.put(Some(held_by_the_dead("2026-01-01T00:00:00.000000Z")));
    server.edit(|it| it["spec"]["leaseDurationSeconds"] = json!(40));
    let began = Instant::now();
    Process::leading(&server, "a").await;
    assert!((40.0..40.1).contains(&since(began)), "{}", since(began));
}

#[tokio::test(start_paused = true)]
async fn a_label_set_by_hand_prolongs_nothing() {
    let server = Server::default();
    server.put(Some(held_by_the_dead("2026-01-01T00:00:00.000000Z")));
    let began = Instant::now();
    let process = Process::start(&server, "a");
    after(14.0).await;
    server.edit(|it| it["metadata"]["labels"]["touched"] = json!("yes"));
    process.gate.leading().await.unwrap();
    assert!((15.0..19.0).contains(&since(began)), "{}", since(began));
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_renewed_is_never_taken() {
    let server = Server::default();
    let first = Process::leading(&server, "a").await;
    let second = Process::start(&server, "b");
    after(600.0).await;
    assert!(first.leads() && !second.leads());
    assert_eq!(writes(&second.line.take_sent()), 0, "a follower only reads");
    assert_eq!(transitions(&server.lease()), Some(0));
}

#[tokio::test(start_paused = true)]
async fn of_several_who_want_a_dead_holders_lease_one_gets_it() {
    let server = Server::default();
    server.put(Some(held_by_the_dead("2026-01-01T00:00:00.000000Z")));
    let processes: Vec<_> =
        ["a", "b", "c", "d"].iter().map(|it| Process::start(&server, it)).collect();
    after(30.0).await;
    assert_eq!(processes.iter().filter(|it| it.leads()).count(), 1);
    let attempts: usize =
        processes.iter().filter(|it| !it.leads()).map(|it| writes(&it.line.take_sent())).sum();
    assert!(attempts >= 1, "some met a conflict: {attempts}");
    assert_eq!(transitions(&server.lease()), Some(5));
    assert!(processes.iter().all(|it| !it.run.is_finished()), "a conflict ends no follower");
}

#[tokio::test(start_paused = true)]
async fn a_takeover_whose_answer_was_lost_counts_once() {
    let server = Server::default();
    server.put(Some(held_by_the_dead("2026-01-01T00:00:00.000000Z")));
    let process = Process::start(&server, "a");
    after(14.9).await;
    process.line.set(Link::Deaf);
    after(1.0).await;
    assert_eq!(holder(&server.lease()), Some("a"), "carried out");
    assert!(!process.leads(), "but not known to be");
    process.line.set(Link::Up);
    timeout(Duration::from_secs(8), process.gate.leading()).await.unwrap().unwrap();
    assert_eq!(transitions(&server.lease()), Some(5));
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_is_asked_calmly() {
    // 404 also for the creation: the namespace does not exist.
    for code in [403, 404, 409, 429, 500, 503] {
        let server = Server::default();
        let process = Process::start(&server, "a");
        process.line.set(Link::Refused(code));
        after(60.0).await;
        let sent = process.line.take_sent().len();
        assert!((15..=60).contains(&sent), "{sent} requests in 60 s at {code}");
        process.line.set(Link::Up);
        timeout(Duration::from_secs(4), process.gate.leading()).await.unwrap().unwrap();
    }
}
