//! What a leader does: one write per renewal, short failures survived, long ones not.
//! Every way to lose the lease is here; giving it up is in `ending`.

use serde_json::json;
use tokio::time::Instant;

use super::*;

#[tokio::test(start_paused = true)]
async fn a_renewal_is_one_write_and_no_read() {
    let server = Server::default();
    let process = Process::leading(&server, "a").await;
    process.line.take_sent();
    after(60.5).await;
    let sent = process.line.take_sent();
    let put = "PUT /apis/coordination.k8s.io/v1/namespaces/siskin-system/leases/siskin";
    assert_eq!(sent, vec![put; 30], "every 2 s");
    let metrics = process.metrics.encode().unwrap();
    assert!(metrics.contains("siskin_api_writes_total{kind=\"Lease\"} 31\n"), "{metrics}");
}

#[tokio::test(start_paused = true)]
async fn short_failures_are_survived() {
    for link in [Link::Cut, Link::Deaf, Link::Refused(409), Link::Refused(500)] {
        let server = Server::default();
        let process = Process::leading(&server, "a").await;
        for _ in 0..10 {
            process.line.set(link);
            after(5.0).await;
            process.line.set(Link::Up);
            after(10.0).await;
            assert!(process.leads(), "{link:?}");
        }
        assert_eq!(transitions(&server.lease()), Some(0), "{link:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn without_an_answer_it_stops_before_its_lease_ends() {
    for link in [Link::Cut, Link::Deaf, Link::Refused(409), Link::Refused(503)] {
        let server = Server::default();
        let mut process = Process::leading(&server, "a").await;
        after(60.5).await;
        // The last renewal was sent half a second ago.
        let renewed = Instant::now() - Duration::from_millis(500);
        process.line.set(link);
        let lost = process.ended().await.unwrap_err();
        assert!((10.0..10.01).contains(&since(renewed)), "{link:?}: {}", since(renewed));
        assert!(matches!(lost, LeaseLost::NotRenewed { .. }), "{link:?}: {lost}");
        assert!(!process.leads());
        assert!(process.metrics.encode().unwrap().contains("siskin_leader 0\n"));
    }
}

#[tokio::test(start_paused = true)]
async fn the_loss_says_what_went_wrong() {
    let server = Server::default();
    let mut process = Process::leading(&server, "a").await;
    process.line.set(Link::Cut);
    let lost = process.ended().await.unwrap_err().to_string();
    assert!(lost.starts_with("lost the lease: not renewed for 10 s; last: "), "{lost}");
    assert!(lost.contains("no answer in "), "{lost}");
}

#[tokio::test(start_paused = true)]
async fn cut_off_from_the_server_it_is_succeeded_only_after_it_stopped() {
    let server = Server::default();
    let mut first = Process::leading(&server, "a").await;
    let second = Process::start(&server, "b");
    after(60.0).await;
    first.line.set(Link::Cut);
    let cut = Instant::now();
    first.ended().await.unwrap_err();
    assert!(!second.leads());
    let stopped = since(cut);
    second.gate.leading().await.unwrap();
    assert!(stopped + 4.0 < since(cut), "stopped {stopped}, succeeded {}", since(cut));
    assert!(since(cut) < 18.5, "{}", since(cut));
    assert_eq!(transitions(&server.lease()), Some(1));
}

#[tokio::test(start_paused = true)]
async fn a_process_that_stood_still_past_its_lease_writes_nothing_and_ends() {
    let server = Server::default();
    let mut process = Process::leading(&server, "a").await;
    after(60.5).await;
    process.line.take_sent();
    tokio::time::advance(Duration::from_secs(20)).await;
    assert!(!process.leads(), "shut before its own task has run");
    assert!(matches!(process.ended().await, Err(LeaseLost::NotRenewed { .. })));
    assert!(process.line.take_sent().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_another_one_wrote_is_lost() {
    for by in ["b", ""] {
        let server = Server::default();
        let mut process = Process::leading(&server, "a").await;
        server.edit(|it| it["spec"]["holderIdentity"] = json!(by));
        assert_eq!(process.ended().await, Err(LeaseLost::Taken { by: by.into() }));
        assert!(!process.leads());
    }
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_was_deleted_is_lost() {
    let server = Server::default();
    let mut process = Process::leading(&server, "a").await;
    server.put(None);
    assert_eq!(process.ended().await, Err(LeaseLost::Deleted));
}

#[tokio::test(start_paused = true)]
async fn a_label_set_by_hand_loses_nothing_and_stays() {
    let server = Server::default();
    let process = Process::leading(&server, "a").await;
    server.edit(|it| it["metadata"]["labels"] = json!({"touched": "yes"}));
    after(30.0).await;
    assert!(process.leads());
    assert_eq!(server.lease().metadata.labels.unwrap()["touched"], "yes");
}
