//! The queue of passes: each name once, one pass per name at a time, failed ones later.
//! Knows names; what a pass does is its own business.

use std::collections::{HashMap, HashSet};
use std::pin::pin;
use std::time::Duration;

use futures::future::BoxFuture;
use futures::{FutureExt, Stream, StreamExt};
use tokio::task::{JoinError, JoinSet};
use tokio::time::Instant;

use crate::name::Name;
use crate::observe::index::Index;
use crate::observe::news::{Seen, ShownAs};
use crate::pass::next_look::{Cause, NextLook};
use crate::pass::{PassFailed, Passes};
use crate::per_rollout::PerRollout;
use crate::queue::schedule::Schedule;
use crate::queue::watches::{Asked, PodsSeen, Scope, Triggers, watch_names};

/// The first retry of a failed pass, doubled up to [`MAX_BACKOFF`].
const FIRST_BACKOFF: Duration = Duration::from_millis(500);
/// The longest time between two tries.
const MAX_BACKOFF: Duration = Duration::from_secs(300);
/// A pass that met the gate while the lease was about to end is tried again after this: by then it
/// has been renewed, or lost for good.
const AFTER_GATE: Duration = Duration::from_secs(1);
/// Names taken in before the next pass is begun: a burst of events becomes one pass.
const AT_ONCE: usize = 1_000;

/// What the queue runs: [`Passes`], or what a test has in their place.
trait Looks: Clone + Send + 'static {
    /// One pass over a rollout.
    fn look(&self, name: Name, cause: Cause) -> BoxFuture<'static, Result<NextLook, PassFailed>>;

    /// Is told that all of these are to be looked at.
    fn expect(&self, names: &[Name]);

    /// Forgets a rollout that is gone.
    fn forget(&self, name: &Name);

    /// Whether an object, shown like this, tells anything that the last look has not taken in.
    fn is_news(&self, name: &Name, seen: &Seen, shown: ShownAs) -> bool;

    /// Counts a pass that failed.
    fn failed(&self, error: &PassFailed);

    /// Tells how long a new leader took to look at everything.
    fn taken_over(&self, took: Duration);
}

/// The queue under way, and how often each rollout's pass has failed in a row.
struct Runner<L> {
    passes: L,
    index: Index,
    failures: PerRollout<u32>,
    schedule: Schedule,
    /// What was shown of a rollout during its pass, which may read it still.
    meanwhile: HashMap<Name, Vec<(Seen, ShownAs)>>,
    running: JoinSet<(Name, Result<NextLook, PassFailed>)>,
    /// Whether every rollout is known: before, none is told from an orphan's owner.
    listed: bool,
    /// Whether pods were listed, or can't be: who looks before looks twice.
    pods_known: bool,
    /// Since when this process leads, until it has begun to look at everything.
    leads_since: Option<Instant>,
    takeover: Option<Takeover>,
}

/// The looks that a new leader owes.
struct Takeover {
    since: Instant,
    left: HashSet<Name>,
}

/// Runs passes until the process ends.
///
/// # Panics
/// If a pass does: the task ends, and with it the process.
pub async fn run<P: Stream<Item = PodsSeen> + Send + 'static>(
    scope: Scope,
    passes: Passes,
    index: Index,
    triggers: Triggers<P>,
) {
    let names = watch_names(&scope, &index, passes.observer.shown(), triggers);
    let gate = passes.gate.clone();
    let leading = async move {
        if gate.leading().await.is_err() {
            // It never will.
            std::future::pending::<()>().await;
        }
    };
    Runner::new(passes, index).run(names, leading).await;
}

impl<L: Looks> Runner<L> {
    fn new(passes: L, index: Index) -> Self {
        Self {
            passes,
            index,
            failures: PerRollout::default(),
            schedule: Schedule::default(),
            meanwhile: HashMap::new(),
            running: JoinSet::new(),
            listed: false,
            pods_known: false,
            leads_since: None,
            takeover: None,
        }
    }

    async fn run(mut self, names: impl Stream<Item = Asked>, leading: impl Future<Output = ()>) {
        let (mut names, mut leading) = (pin!(names), pin!(leading.fuse()));
        loop {
            let due = self.schedule.next_due(Instant::now()).filter(|_| self.may_look());
            let wait = async {
                match due {
                    Some(at) => tokio::time::sleep_until(at).await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                asked = names.next() => match asked {
                    Some(asked) => self.asked(asked),
                    None => return,
                },
                Some(ended) = self.running.join_next() => self.ended(ended),
                () = &mut leading => self.leads_since = Some(Instant::now()),
                () = wait => {}
            }
            for _ in 0..AT_ONCE {
                match names.next().now_or_never() {
                    Some(Some(asked)) => self.asked(asked),
                    Some(None) => return,
                    None => break,
                }
            }
            self.start();
        }
    }

    fn asked(&mut self, asked: Asked) {
        match asked {
            Asked::Look(names, cause) => {
                let now = Instant::now();
                for name in names {
                    self.schedule.ask(name, now, cause);
                }
            }
            Asked::Saw(names, seen, shown) => {
                for name in names {
                    self.saw(name, seen.clone(), shown);
                }
            }
            Asked::Listed(gone) => {
                self.listed = true;
                for name in &gone {
                    self.gone(name);
                }
            }
            Asked::PodsKnown(names) => {
                self.pods_known = true;
                self.asked(Asked::Look(names, Cause::Routine));
            }
            Asked::Gone(name) => self.gone(&name),
            Asked::Nothing => {}
        }
    }

    fn saw(&mut self, name: Name, seen: Seen, shown: ShownAs) {
        if self.schedule.is_running(&name) {
            let all = self.meanwhile.entry(name).or_default();
            // One that changes twice is judged by its last version. What only lists it takes no change away.
            all.retain(|(it, before)| *before != shown || !it.is_of(&seen));
            all.push((seen, shown));
        } else if self.passes.is_news(&name, &seen, shown) {
            self.schedule.ask(name, Instant::now(), cause(shown));
        }
    }

    fn gone(&mut self, name: &Name) {
        self.meanwhile.remove(name);
        if self.schedule.gone(name) {
            self.forget(name);
        }
        self.looked_at(name);
    }

    fn forget(&self, name: &Name) {
        self.failures.forget(name);
        self.passes.forget(name);
    }

    const fn may_look(&self) -> bool {
        self.listed && self.pods_known
    }

    /// Names that came while following were passed over: a new leader looks at everything.
    fn take_over(&mut self, since: Instant) {
        let (now, all) = (Instant::now(), self.index.all());
        for name in &all {
            self.schedule.ask(name.clone(), now, Cause::Routine);
        }
        self.passes.expect(&all);
        self.takeover = Some(Takeover { since, left: all.into_iter().collect() });
        self.taken_over();
    }

    fn start(&mut self) {
        if !self.may_look() {
            return;
        }
        if let Some(since) = self.leads_since.take() {
            self.take_over(since);
        }
        let now = Instant::now();
        while let Some((name, cause)) = self.schedule.next(now) {
            let look = self.passes.look(name.clone(), cause);
            self.running.spawn(async move { (name, look.await) });
        }
    }

    fn ended(&mut self, ended: Result<(Name, Result<NextLook, PassFailed>), JoinError>) {
        let (name, outcome) = match ended {
            Ok(ended) => ended,
            Err(error) => match error.try_into_panic() {
                Ok(panic) => std::panic::resume_unwind(panic),
                // Nobody cancels a pass but the end of the process.
                Err(_) => return,
            },
        };
        let is_gone = self.schedule.ended(&name);
        if is_gone {
            self.forget(&name);
        }
        let now = Instant::now();
        // One that was made again has been shown since.
        for (seen, shown) in self.meanwhile.remove(&name).unwrap_or_default() {
            if self.passes.is_news(&name, &seen, shown) {
                self.schedule.ask(name.clone(), now, cause(shown));
            }
        }
        if is_gone {
            return;
        }
        match outcome {
            Ok(next) => {
                self.failures.forget(&name);
                match next {
                    NextLook::At { after, cause } => {
                        self.schedule.ask(name.clone(), now + after, cause);
                    }
                    NextLook::AfterGate => {
                        self.schedule.ask(name.clone(), now + AFTER_GATE, Cause::Change);
                    }
                    NextLook::WhenAsked => {}
                }
            }
            Err(error) => {
                let wait = self.failed(&name, &error);
                self.schedule.ask(name.clone(), now + wait, Cause::Change);
            }
        }
        self.looked_at(&name);
    }

    fn looked_at(&mut self, name: &Name) {
        if let Some(takeover) = &mut self.takeover {
            takeover.left.remove(name);
            self.taken_over();
        }
    }

    /// Tells how long the first look at everything took, once it is over.
    fn taken_over(&mut self) {
        if let Some(done) = self.takeover.take_if(|it| it.left.is_empty()) {
            let took = done.since.elapsed();
            self.passes.taken_over(took);
        }
    }

    /// How long to wait before the next try.
    fn failed(&self, name: &Name, error: &PassFailed) -> Duration {
        self.passes.failed(error);
        let source = std::error::Error::source(error).and_then(std::error::Error::source);
        tracing::warn!(rollout = %name, %error, source = ?source.map(ToString::to_string), "a pass failed and is retried");
        self.failures.with(name, |failures| {
            *failures = failures.saturating_add(1);
            FIRST_BACKOFF.saturating_mul(1 << (*failures - 1).min(10)).min(MAX_BACKOFF)
        })
    }
}

const fn cause(shown: ShownAs) -> Cause {
    match shown {
        ShownAs::Changed => Cause::Change,
        ShownAs::Listed => Cause::Routine,
    }
}

impl Looks for Passes {
    fn look(&self, name: Name, cause: Cause) -> BoxFuture<'static, Result<NextLook, PassFailed>> {
        let passes = self.clone();
        Box::pin(async move { passes.pass(&name, cause).await })
    }

    fn expect(&self, names: &[Name]) {
        self.observer.expect(names);
    }

    fn forget(&self, name: &Name) {
        Self::forget(self, name);
    }

    fn is_news(&self, name: &Name, seen: &Seen, shown: ShownAs) -> bool {
        self.observer.news().is_news(name, seen, shown)
    }

    fn failed(&self, error: &PassFailed) {
        self.metrics.pass_failed(error);
    }

    fn taken_over(&self, took: Duration) {
        self.metrics.taken_over(took);
        tracing::info!(seconds = took.as_secs_f64(), "every rollout was looked at");
    }
}

#[cfg(test)]
mod tests;
