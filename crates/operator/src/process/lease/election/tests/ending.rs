//! The end of a process on request: it vacates the lease, after its last write and in bounded time.
//! Ends that were not asked for are in `leading`.

use tokio::time::{Instant, timeout};

use super::*;

#[tokio::test(start_paused = true)]
async fn a_leader_vacates_so_that_a_successor_need_not_wait() {
    let server = Server::default();
    let mut first = Process::leading(&server, "a").await;
    let second = Process::start(&server, "b");
    after(60.0).await;
    first.stop();
    assert_eq!(first.ended().await, Ok(Ended::Vacated));
    assert_eq!(holder(&server.lease()), None);
    assert!(!first.leads());
    // One and a half retry periods are the longest pause of a follower.
    timeout(Duration::from_secs(3), second.gate.leading()).await.unwrap().unwrap();
    assert_eq!(transitions(&server.lease()), Some(1));
}

#[tokio::test(start_paused = true)]
async fn it_vacates_after_its_last_write() {
    let server = Server::default();
    let mut process = Process::leading(&server, "a").await;
    after(10.0).await;
    let write = process.gate.check().unwrap();
    process.stop();
    after(3.0).await;
    assert!(!process.leads(), "no new write");
    assert_eq!(holder(&server.lease()), Some("a"), "the write is under way");
    drop(write);
    assert_eq!(process.ended().await, Ok(Ended::Vacated));
}

#[tokio::test(start_paused = true)]
async fn a_write_that_never_ends_leaves_the_lease_to_run_out() {
    let server = Server::default();
    let mut process = Process::leading(&server, "a").await;
    let _write = process.gate.check().unwrap();
    let stopping = Instant::now();
    process.stop();
    assert_eq!(process.ended().await, Ok(Ended::Left));
    assert!(since(stopping) <= 10.01, "{}", since(stopping));
    assert_eq!(holder(&server.lease()), Some("a"));
}

#[tokio::test(start_paused = true)]
async fn an_api_server_that_is_away_does_not_delay_the_end() {
    for link in [Link::Cut, Link::Refused(500)] {
        let server = Server::default();
        let mut process = Process::leading(&server, "a").await;
        process.line.set(link);
        let stopping = Instant::now();
        process.stop();
        assert_eq!(process.ended().await, Ok(Ended::Left));
        assert!(since(stopping) < 4.0, "{link:?}: {}", since(stopping));
    }
}

#[tokio::test(start_paused = true)]
async fn it_vacates_also_after_a_renewal_whose_answer_was_lost() {
    let server = Server::default();
    let mut process = Process::leading(&server, "a").await;
    after(3.0).await;
    process.line.set(Link::Deaf);
    // Sent at 4 s, given up a quarter of the deadline later.
    after(3.6).await;
    process.line.set(Link::Up);
    process.stop();
    assert_eq!(process.ended().await, Ok(Ended::Vacated));
    assert_eq!(holder(&server.lease()), None);
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_another_one_took_is_not_vacated() {
    let server = Server::default();
    let mut process = Process::leading(&server, "a").await;
    server.edit(|it| it["spec"]["holderIdentity"] = serde_json::json!("b"));
    process.stop();
    assert_eq!(process.ended().await, Ok(Ended::Left));
    assert_eq!(holder(&server.lease()), Some("b"));
}

#[tokio::test(start_paused = true)]
async fn a_follower_ends_at_once_and_writes_nothing() {
    let server = Server::default();
    let leader = Process::leading(&server, "a").await;
    let mut follower = Process::start(&server, "b");
    after(10.0).await;
    let stopping = Instant::now();
    follower.stop();
    assert_eq!(follower.ended().await, Ok(Ended::Followed));
    assert!(since(stopping) < 0.01);
    assert_eq!(writes(&follower.line.take_sent()), 0);
    assert!(leader.leads());
}
