//! The queue with passes that only note that they were made. The clock stands still while anything can run.

use std::collections::HashMap;
use std::sync::Arc;

use futures::channel::mpsc::{UnboundedSender, unbounded};
use futures::future;
use parking_lot::Mutex;
use tokio::sync::Semaphore;

use super::*;
use crate::apply::writer::ApplyFailed;
use crate::observe::news::{News, Seen as ShownObject, WatchedKind};

/// Passes that end when they may, as they are told to.
#[derive(Clone)]
struct Noted {
    seen: Arc<Mutex<Seen>>,
    /// What each pass waits for.
    go: Arc<Semaphore>,
    /// What passes have read.
    news: News,
}

#[derive(Default)]
struct Seen {
    looks: HashMap<Name, Vec<(Cause, Duration)>>,
    begun: Option<Instant>,
    running: usize,
    most: usize,
    forgotten: Vec<Name>,
    expected: usize,
    taken_over: Option<Duration>,
    /// Answer of the next passes, by name; else a look when asked.
    answers: HashMap<Name, Vec<Result<NextLook, PassFailed>>>,
}

impl Noted {
    fn new(permits: usize) -> Self {
        let seen = Seen { begun: Some(Instant::now()), ..Seen::default() };
        let (seen, go) = (Arc::new(Mutex::new(seen)), Arc::new(Semaphore::new(permits)));
        Self { seen, go, news: News::default() }
    }

    fn answers(&self, name: &Name, answers: Vec<Result<NextLook, PassFailed>>) {
        self.seen.lock().answers.insert(name.clone(), answers);
    }

    fn looks(&self, name: &Name) -> Vec<(Cause, Duration)> {
        self.seen.lock().looks.get(name).cloned().unwrap_or_default()
    }
}

impl Looks for Noted {
    fn look(&self, name: Name, cause: Cause) -> BoxFuture<'static, Result<NextLook, PassFailed>> {
        let this = self.clone();
        Box::pin(async move {
            {
                let mut seen = this.seen.lock();
                let at = seen.begun.map(|it| it.elapsed()).unwrap_or_default();
                seen.looks.entry(name.clone()).or_default().push((cause, at));
                seen.running += 1;
                seen.most = seen.most.max(seen.running);
            }
            let permit = this.go.acquire().await.expect("it stays open");
            permit.forget();
            let mut seen = this.seen.lock();
            seen.running -= 1;
            let next = seen.answers.get_mut(&name).and_then(Vec::pop);
            next.unwrap_or(Ok(NextLook::WhenAsked))
        })
    }

    fn expect(&self, names: &[Name]) {
        self.seen.lock().expected = names.len();
    }

    fn forget(&self, name: &Name) {
        self.seen.lock().forgotten.push(name.clone());
    }

    fn is_news(&self, name: &Name, seen: &ShownObject, shown: ShownAs) -> bool {
        self.news.is_news(name, seen, shown)
    }

    fn failed(&self, _: &PassFailed) {}

    fn taken_over(&self, took: Duration) {
        self.seen.lock().taken_over = Some(took);
    }
}

fn name(number: usize) -> Name {
    Name::new("shop", format!("orders-{number}"))
}

/// A queue of these passes over `rollouts`, and what the watches ask of it.
fn queue(
    passes: &Noted,
    rollouts: usize,
    leading: impl Future<Output = ()> + Send + 'static,
) -> UnboundedSender<Asked> {
    let (asks, asked) = unbounded();
    let index = Index::default();
    (0..rollouts).for_each(|it| index.note_for_tests(&name(it)));
    let runner = Runner::new(passes.clone(), index);
    tokio::spawn(runner.run(asked, leading));
    ask(&asks, Asked::PodsKnown(vec![]));
    asks
}

fn ask(to: &UnboundedSender<Asked>, asked: Asked) {
    to.unbounded_send(asked).expect("the queue runs");
}

/// Everything that can run has run.
async fn idle(millis: u64) {
    tokio::time::sleep(Duration::from_millis(millis)).await;
}

const ENOUGH: usize = 1_000_000;

#[tokio::test(start_paused = true)]
async fn a_new_leader_waits_for_the_pods_and_then_looks_at_each_rollout_once() {
    let passes = Noted::new(ENOUGH);
    let (asks, asked) = unbounded();
    let index = Index::default();
    (0..3).for_each(|it| index.note_for_tests(&name(it)));
    tokio::spawn(Runner::new(passes.clone(), index).run(asked, future::ready(())));
    ask(&asks, Asked::Look(vec![name(0), name(1), name(2)], Cause::Routine));
    ask(&asks, Asked::Listed(vec![]));
    idle(1_000).await;
    assert_eq!(passes.looks(&name(0)), [], "nothing is known of its pods");
    ask(&asks, Asked::PodsKnown(vec![name(0), name(1)]));
    idle(10).await;
    assert!((0..3).all(|it| passes.looks(&name(it)).len() == 1));
    let seen = passes.seen.lock();
    assert_eq!(seen.expected, 3);
    assert!(seen.taken_over >= Some(Duration::from_secs(1)), "counted from the lease");
}

#[tokio::test(start_paused = true)]
async fn nothing_is_looked_at_before_every_rollout_is_known() {
    let passes = Noted::new(ENOUGH);
    let asks = queue(&passes, 1, future::pending());
    ask(&asks, Asked::Look(vec![name(0)], Cause::Change));
    idle(1_000).await;
    assert_eq!(passes.looks(&name(0)), []);
    ask(&asks, Asked::Listed(vec![]));
    idle(10).await;
    assert_eq!(passes.looks(&name(0)).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_new_leader_looks_at_each_once_and_never_at_more_than_the_bound() {
    let passes = Noted::new(0);
    let asks = queue(&passes, 1_000, future::ready(()));
    ask(&asks, Asked::Listed(vec![]));
    idle(10).await;
    assert_eq!(passes.seen.lock().taken_over, None);
    passes.go.add_permits(ENOUGH);
    idle(10).await;
    let seen = passes.seen.lock();
    assert!(seen.taken_over.is_some());
    assert_eq!(seen.looks.len(), 1_000);
    assert!(seen.looks.values().all(|it| it.len() == 1 && it[0].0 == Cause::Routine));
    assert!(seen.most <= 32, "{} at once", seen.most);
}

#[tokio::test(start_paused = true)]
async fn a_pass_that_met_a_gate_about_to_shut_is_made_again() {
    let passes = Noted::new(ENOUGH);
    passes.answers(&name(0), vec![Ok(NextLook::AfterGate)]);
    let asks = queue(&passes, 1, future::pending());
    ask(&asks, Asked::Listed(vec![]));
    ask(&asks, Asked::Look(vec![name(0)], Cause::Change));
    idle(500).await;
    assert_eq!(passes.looks(&name(0)).len(), 1);
    idle(1_000).await;
    assert_eq!(passes.looks(&name(0)).len(), 2, "nobody else asks again");
}

#[tokio::test(start_paused = true)]
async fn a_failed_pass_is_tried_again_after_twice_the_time() {
    let passes = Noted::new(ENOUGH);
    let failed = || Err(PassFailed::Apply(ApplyFailed::CutOff));
    passes.answers(&name(0), vec![failed(), failed(), failed()]);
    let asks = queue(&passes, 1, future::pending());
    ask(&asks, Asked::Listed(vec![]));
    ask(&asks, Asked::Look(vec![name(0)], Cause::Routine));
    idle(60_000).await;
    let times: Vec<Duration> = passes.looks(&name(0)).into_iter().map(|it| it.1).collect();
    let waits: Vec<u128> =
        times.windows(2).map(|it| it[1].saturating_sub(it[0]).as_millis() / 100).collect();
    assert_eq!(waits, [5, 10, 20]);
}

#[tokio::test(start_paused = true)]
async fn what_is_remembered_of_a_rollout_goes_with_it_in_the_middle_of_its_pass_too() {
    let passes = Noted::new(0);
    let asks = queue(&passes, 2, future::pending());
    ask(&asks, Asked::Listed(vec![]));
    ask(&asks, Asked::Look(vec![name(0)], Cause::Change));
    idle(10).await;
    ask(&asks, Asked::Gone(name(0)));
    ask(&asks, Asked::Listed(vec![name(1)]));
    idle(10).await;
    assert_eq!(passes.seen.lock().forgotten, [name(1)], "the pass of the other is under way");
    passes.go.add_permits(1);
    idle(10).await;
    assert_eq!(passes.seen.lock().forgotten, [name(1), name(0)]);
    idle(10_000_000).await;
    assert_eq!(passes.looks(&name(0)).len(), 1);
}

/// The first rollout, or its target, as a watch shows it in this version.
fn shown(kind: WatchedKind, version: &str, shown: ShownAs) -> Asked {
    Asked::Saw(vec![name(0)], ShownObject::new(kind, "orders-0", Some(version)), shown)
}

fn target(version: &str) -> Asked {
    shown(WatchedKind::Deployment, version, ShownAs::Changed)
}

fn read(passes: &Noted, version: &str) {
    let target = ShownObject::new(WatchedKind::Deployment, "orders-0", Some(version));
    passes.news.read(&name(0), vec![target]);
}

#[tokio::test(start_paused = true)]
async fn what_a_pass_has_read_since_it_was_shown_asks_for_no_other_look() {
    let passes = Noted::new(0);
    let asks = queue(&passes, 1, future::pending());
    ask(&asks, Asked::Listed(vec![]));
    ask(&asks, target("7"));
    idle(10).await;
    ask(&asks, target("8"));
    ask(&asks, target("9"));
    idle(10).await;
    read(&passes, "9");
    passes.go.add_permits(ENOUGH);
    idle(1_000).await;
    assert_eq!(passes.looks(&name(0)).len(), 1, "it has read the last of them");
    ask(&asks, target("8"));
    idle(1_000).await;
    assert_eq!(passes.looks(&name(0)).len(), 1);
    ask(&asks, target("10"));
    idle(1_000).await;
    assert_eq!(passes.looks(&name(0)).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn what_a_pass_was_too_early_to_read_is_looked_at_after_it_as_the_change_that_it_is() {
    let passes = Noted::new(0);
    let asks = queue(&passes, 1, future::pending());
    ask(&asks, Asked::Listed(vec![]));
    ask(&asks, target("7"));
    idle(10).await;
    read(&passes, "8");
    ask(&asks, target("9"));
    ask(&asks, shown(WatchedKind::Deployment, "9", ShownAs::Listed));
    passes.go.add_permits(ENOUGH);
    idle(1_000).await;
    let causes: Vec<_> = passes.looks(&name(0)).into_iter().map(|(cause, _)| cause).collect();
    assert_eq!(causes, [Cause::Change; 2], "a listing takes no change away");
}

#[tokio::test(start_paused = true)]
async fn a_rollout_that_is_made_again_during_its_pass_is_looked_at() {
    let passes = Noted::new(0);
    let asks = queue(&passes, 1, future::pending());
    let rollout = |version| shown(WatchedKind::CanaryRollout, version, ShownAs::Changed);
    ask(&asks, Asked::Listed(vec![]));
    ask(&asks, rollout("7"));
    idle(10).await;
    ask(&asks, Asked::Gone(name(0)));
    ask(&asks, rollout("9"));
    idle(10).await;
    passes.go.add_permits(ENOUGH);
    idle(1_000).await;
    assert_eq!(passes.looks(&name(0)).len(), 2);
    assert_eq!(passes.seen.lock().forgotten, [name(0)], "before the second one");
}
