//! Who shares a sampler, how often it asks, and when it stops.
//! On a clock that only runs when everybody waits; the source is a script.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use siskin_analysis::observation::GroupState;
use tokio::time::{Instant, sleep};

use super::{GroupSource, Samplers, Subscription, pause};
use crate::config::ClusterConfig;
use crate::error::SampleError;
use crate::snapshot::{GroupSnapshot, Topics};

const TEN_SECONDS: Duration = Duration::from_secs(10);

/// Counts what happens to it.
#[derive(Default)]
struct Fake {
    asked: Mutex<Vec<(String, Duration)>>,
    at_once: AtomicUsize,
    overlapped: AtomicUsize,
    connections: AtomicUsize,
    takes: Duration,
    fails: Option<SampleError>,
}

struct Connection {
    fake: Arc<Fake>,
    since: Instant,
}

impl GroupSource for Connection {
    fn sample<'a>(
        &'a self,
        group: &'a str,
        _: &'a Topics,
    ) -> BoxFuture<'a, Result<GroupSnapshot, SampleError>> {
        async move {
            let fake = &self.fake;
            fake.overlapped.fetch_max(fake.at_once.fetch_add(1, SeqCst), SeqCst);
            let seen = (group.to_owned(), self.since.elapsed());
            fake.asked.lock().expect("not poisoned").push(seen);
            sleep(fake.takes).await;
            fake.at_once.fetch_sub(1, SeqCst);
            match &fake.fails {
                Some(error) => Err(error.clone()),
                None => Ok(GroupSnapshot {
                    at: 0,
                    state: GroupState::Empty,
                    assignor: String::new(),
                    epoch: 0,
                    members: vec![],
                    partitions: vec![],
                }),
            }
        }
        .boxed()
    }
}

impl Fake {
    fn samplers(self) -> (Samplers, Arc<Self>) {
        let fake = Arc::new(self);
        let since = Instant::now();
        let connect = {
            let fake = Arc::clone(&fake);
            move |_: &ClusterConfig| {
                fake.connections.fetch_add(1, SeqCst);
                let connection = Connection { fake: Arc::clone(&fake), since };
                Ok(Arc::new(connection) as Arc<dyn GroupSource>)
            }
        };
        (Samplers::with_connector(connect), fake)
    }

    /// Seconds at which the group was asked for.
    fn times(&self, group: &str) -> Vec<u64> {
        let asked = self.asked.lock().expect("not poisoned");
        asked.iter().filter(|(name, _)| name == group).map(|(_, at)| at.as_secs()).collect()
    }
}

fn cluster(server: &str) -> ClusterConfig {
    ClusterConfig::new([server.to_owned()], None).expect("a valid address")
}

fn subscribe(samplers: &Samplers, group: &str, interval: Duration) -> Subscription {
    samplers.subscribe(cluster("a:1"), group, Topics::AllAssigned, interval)
}

fn down() -> SampleError {
    SampleError::Unreachable { servers: "a:1".to_owned(), detail: "down".to_owned() }
}

#[tokio::test(start_paused = true)]
async fn two_subscriptions_share_one_sampler_at_the_shorter_interval() {
    let (samplers, fake) = Fake::default().samplers();
    let mut slow = subscribe(&samplers, "g", Duration::from_secs(20));
    assert!(slow.latest().is_none());
    slow.changed().await.expect("the first sample");
    let fast = subscribe(&samplers, "g", Duration::from_secs(5));
    sleep(Duration::from_secs(11)).await;
    assert_eq!(fake.times("g"), [0, 5, 10]);
    drop(fast);
    sleep(Duration::from_secs(40)).await;
    assert_eq!(fake.times("g"), [0, 5, 10, 30, 50]);
    assert_eq!(fake.connections.load(SeqCst), 1);
}

#[tokio::test(start_paused = true)]
async fn a_late_subscription_gets_the_newest_outcome_at_once() {
    let (samplers, _fake) = Fake::default().samplers();
    let mut first = subscribe(&samplers, "g", TEN_SECONDS);
    let sample = first.changed().await.expect("the first sample");
    let mut late = subscribe(&samplers, "g", TEN_SECONDS);
    assert!(late.latest().is_some_and(|latest| Arc::ptr_eq(&latest, &sample)));
    let got = late.changed().now_or_never().expect("no waiting").expect("a sample");
    assert!(Arc::ptr_eq(&got, &sample));
    assert!(late.changed().now_or_never().is_none(), "nothing new yet");
}

#[tokio::test(start_paused = true)]
async fn the_last_one_out_stops_the_sampler_and_the_connection() {
    let (samplers, fake) = Fake::default().samplers();
    let subscriptions =
        [subscribe(&samplers, "g", TEN_SECONDS), subscribe(&samplers, "h", TEN_SECONDS)];
    sleep(Duration::from_secs(1)).await;
    assert_eq!(Arc::strong_count(&fake), 3, "this test, the connector, one connection");
    drop(subscriptions);
    sleep(Duration::from_secs(60)).await;
    assert_eq!((fake.times("g"), fake.times("h")), (vec![0], vec![0]));
    assert_eq!(Arc::strong_count(&fake), 2, "the connection is gone");

    let _again = subscribe(&samplers, "g", TEN_SECONDS);
    sleep(Duration::from_secs(1)).await;
    assert_eq!(fake.connections.load(SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn other_clusters_groups_and_topics_have_their_own_sampler() {
    let (samplers, fake) = Fake::default().samplers();
    let listed = Topics::List(["t".to_owned()].into());
    let _all = [
        samplers.subscribe(cluster("a:1"), "g", Topics::AllAssigned, TEN_SECONDS),
        samplers.subscribe(cluster("a:1"), "g", listed, TEN_SECONDS),
        samplers.subscribe(cluster("b:1"), "g", Topics::AllAssigned, TEN_SECONDS),
    ];
    sleep(Duration::from_secs(1)).await;
    assert_eq!(fake.times("g"), [0, 0, 0]);
    assert_eq!(fake.connections.load(SeqCst), 2, "one for each cluster");
}

#[tokio::test(start_paused = true)]
async fn slow_answers_never_overlap() {
    let slow = Fake { takes: Duration::from_secs(25), ..Fake::default() };
    let (samplers, fake) = slow.samplers();
    let _subscription = subscribe(&samplers, "g", TEN_SECONDS);
    sleep(Duration::from_secs(60)).await;
    assert_eq!(fake.times("g"), [0, 26, 52]);
    assert_eq!(fake.overlapped.load(SeqCst), 0);
}

#[tokio::test(start_paused = true)]
async fn failures_slow_down_up_to_a_bound() {
    let (samplers, fake) = Fake { fails: Some(down()), ..Fake::default() }.samplers();
    let mut subscription = subscribe(&samplers, "g", TEN_SECONDS);
    let sample = subscription.changed().await.expect("an outcome");
    assert_eq!(*sample, Err(down()));
    sleep(Duration::from_secs(120)).await;
    assert_eq!(fake.times("g"), [0, 20, 50, 80, 110]);
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_no_snapshot_does_not_slow_down() {
    let unknown = SampleError::UnknownGroup { group: "g".to_owned() };
    let (samplers, fake) = Fake { fails: Some(unknown), ..Fake::default() }.samplers();
    let _subscription = subscribe(&samplers, "g", TEN_SECONDS);
    sleep(Duration::from_secs(35)).await;
    assert_eq!(fake.times("g"), [0, 10, 20, 30]);
}

#[tokio::test(start_paused = true)]
async fn a_connection_that_cannot_be_made_is_an_outcome_and_is_tried_again() {
    let attempts = Arc::new(AtomicUsize::new(0));
    let samplers = {
        let attempts = Arc::clone(&attempts);
        Samplers::with_connector(move |_| {
            attempts.fetch_add(1, SeqCst);
            Err(down())
        })
    };
    let mut subscription = subscribe(&samplers, "g", TEN_SECONDS);
    for _ in 0..2 {
        assert_eq!(*subscription.changed().await.expect("an outcome"), Err(down()));
    }
    assert_eq!(attempts.load(SeqCst), 2);
}

#[tokio::test(start_paused = true)]
async fn a_sampler_that_died_says_so_and_is_replaced() {
    let connected = Arc::new(AtomicUsize::new(0));
    let samplers = {
        let connected = Arc::clone(&connected);
        Samplers::with_connector(move |_| {
            assert!(connected.fetch_add(1, SeqCst) > 0, "the first connection dies");
            Err(down())
        })
    };
    let mut subscription = subscribe(&samplers, "g", TEN_SECONDS);
    assert!(subscription.changed().await.is_err());
    let mut again = subscribe(&samplers, "g", TEN_SECONDS);
    assert_eq!(*again.changed().await.expect("an outcome"), Err(down()));
}

#[test]
fn the_pause_is_bounded_for_any_number_of_failures() {
    for failures in [3, 31, 32, 1_000, u32::MAX] {
        assert_eq!(pause(TEN_SECONDS, failures), Duration::from_secs(30), "{failures}");
    }
    let minute = Duration::from_secs(60);
    assert_eq!(pause(minute, 5), minute, "never shorter than the interval");
    assert_eq!(pause(TEN_SECONDS, 0), TEN_SECONDS);
}

#[tokio::test(start_paused = true)]
async fn a_thousand_groups_that_begin_together_are_polled_over_ten_seconds_fifty_at_a_time() {
    let (samplers, fake) = Fake::default().samplers();
    let begin = |it: usize| subscribe(&samplers, &format!("g{it}"), TEN_SECONDS);
    let all: Vec<Subscription> = (0..1_000).map(begin).collect();
    sleep(Duration::from_secs(60)).await;
    let mut together = BTreeMap::<u128, usize>::new();
    for (_, at) in fake.asked.lock().expect("not poisoned").iter() {
        *together.entry(at.as_millis()).or_default() += 1;
    }
    // The first is asked for at once, and is one more than fifty from then on.
    assert!(together.keys().all(|at| at % 500 == 0), "{together:?}");
    assert!(together.values().all(|groups| *groups <= 51), "{together:?}");
    let later: usize = together.range(20_000..30_000).map(|(_, groups)| groups).sum();
    assert_eq!(later, 1_000, "each once in ten seconds");
    drop(all);
}

#[tokio::test(start_paused = true)]
async fn a_short_interval_is_kept_to_the_millisecond() {
    let (samplers, fake) = Fake::default().samplers();
    sleep(Duration::from_millis(123)).await;
    let some = subscribe(&samplers, "g", Duration::from_millis(1_200));
    sleep(Duration::from_secs(3)).await;
    let asked: Vec<_> = {
        let asked = fake.asked.lock().expect("not poisoned");
        asked.iter().map(|(_, at)| at.as_millis()).collect()
    };
    assert_eq!(asked, [123, 1_323, 2_523]);
    drop(some);
}
