//! Keeps the `CanaryGuard` of each namespace as the watch of rollouts says, for the admission guard.
//! Knows no pass: what is adopted it takes from the watch, and no decision waits for it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use futures::future::BoxFuture;
use futures::stream::FuturesUnordered;
use kube::ResourceExt;
use kube::core::ObjectMeta;
use kube::runtime::{WatchStreamExt, watcher};
use siskin_api::CanaryGuard;
use siskin_api::guard::GUARD;
use tokio::time::Instant;

use crate::apply::guard::says;
use crate::apply::writer::{ApplyFailed, Writer};
use crate::cluster::calls::Cluster;
use crate::observe::guarded::{Guarded, GuardedTargets};
use crate::process::gate::Gate;

/// What changes together is written together: the rollouts of a manifest are adopted one by one.
const GATHER: Duration = Duration::from_millis(200);

/// The shortest time between two writes of one object: with a thousand adoptions under way each
/// write is some 300 KB, and etcd keeps every version for a while.
const WRITE_AGAIN: Duration = Duration::from_secs(2);

/// The longest time between two tries of a write that is refused.
const LONGEST_RETRY: Duration = Duration::from_secs(60);

/// Namespaces written at the same time.
const AT_ONCE: usize = 4;

/// Keeps the `CanaryGuard`s.
pub struct GuardKeeper {
    /// Gives the watch its API.
    pub cluster: Cluster,
    /// The one namespace that is watched; `None`: all.
    pub namespace: Option<String>,
    /// What the watch of rollouts says.
    pub guarded: Guarded,
    /// Makes the writes.
    pub writer: Writer,
    /// Says when this process leads.
    pub gate: Gate,
}

/// The `CanaryGuard` of a namespace, as it is and as it is dealt with.
#[derive(Default)]
struct Kept {
    /// As watched or written last: metadata for preconditions, and what it says.
    seen: Option<Seen>,
    /// When it is compared with what it should say; `None`: nothing has changed.
    due: Option<Instant>,
    /// Before this time it is not written again.
    not_before: Option<Instant>,
    /// Writes refused in a row.
    refusals: u32,
    under_way: UnderWay,
}

/// Whether a `CanaryGuard` is being written.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum UnderWay {
    #[default]
    Nothing,
    Write,
    /// The watch has told of the object since that write began: it has the last word.
    OvertakenWrite,
}

/// A write that has ended.
struct EndedWrite {
    namespace: Arc<str>,
    /// What the object was to say.
    targets: GuardedTargets,
    outcome: Result<Option<CanaryGuard>, ApplyFailed>,
}

/// Writes under way, at most one a namespace: one that hangs in a webhook holds no other up.
type Writes<'a> = FuturesUnordered<BoxFuture<'a, EndedWrite>>;

struct Seen {
    metadata: ObjectMeta,
    /// What it was found to say, if that is what it should have said then.
    says: Option<GuardedTargets>,
}

/// The objects, and whether all are known.
#[derive(Default)]
struct Kepts {
    all: HashMap<Arc<str>, Kept>,
    listed: bool,
}

impl GuardKeeper {
    /// Keeps them until the process ends. Where the kind is not installed, nothing is written.
    pub async fn run(self) {
        if self.gate.leading().await.is_err() {
            // It never will, and ends by itself.
            std::future::pending::<()>().await;
        }
        let api = self.cluster.all::<CanaryGuard>(self.namespace.as_deref());
        let selection = watcher::Config::default().fields(&format!("metadata.name={GUARD}"));
        let mut events = watcher(api, selection).default_backoff().boxed();
        let mut kepts = Kepts::default();
        let mut writes = Writes::new();
        let mut told = false;
        loop {
            let due = kepts.next_due().filter(|_| writes.len() < AT_ONCE);
            tokio::select! {
                Some(event) = events.next() => match event {
                    Ok(event) => {
                        told = false;
                        self.note(&mut kepts, event);
                    }
                    Err(error) if !told => {
                        told = true;
                        tracing::warn!(%error, "CanaryGuards can't be watched, so the admission guard does nothing; the CRD canaryguards.siskin.dev may be missing");
                    }
                    Err(error) => tracing::debug!(%error, "the watch of CanaryGuards failed again"),
                },
                Some(written) = writes.next() => kepts.written(written),
                () = self.guarded.changed() => {}
                () = until(due) => {}
            }
            kepts.look_at(self.guarded.take_changed(), Instant::now());
            self.write_due(&mut kepts, &mut writes);
        }
    }

    /// Takes in what the watch shows: an object that was edited or deleted is looked at again.
    fn note(&self, kepts: &mut Kepts, event: watcher::Event<CanaryGuard>) {
        match event {
            watcher::Event::Init => {
                // Nothing is written until it is known again what is there.
                kepts.listed = false;
                for kept in kepts.all.values_mut() {
                    kept.shown(None);
                }
            }
            watcher::Event::InitApply(guard) | watcher::Event::Apply(guard) => {
                let namespace: Arc<str> = guard.namespace().unwrap_or_default().into();
                let targets = self.guarded.targets(&namespace);
                kepts.all.entry(namespace).or_default().see(guard, &targets);
            }
            watcher::Event::Delete(guard) => {
                let namespace: Arc<str> = guard.namespace().unwrap_or_default().into();
                let kept = kepts.all.entry(namespace).or_default();
                kept.shown(None);
                kept.look(Instant::now());
            }
            watcher::Event::InitDone => {
                kepts.listed = true;
                let now = Instant::now();
                kepts.look_at(self.guarded.namespaces(), now);
                for kept in kepts.all.values_mut() {
                    kept.look(now);
                }
            }
        }
    }

    /// Begins the writes that are due, as many as may be under way.
    fn write_due<'a>(&'a self, kepts: &mut Kepts, writes: &mut Writes<'a>) {
        let now = Instant::now();
        while writes.len() < AT_ONCE
            && let Some((namespace, kept)) = kepts.first_due(now)
        {
            writes.extend(self.write(namespace, kept));
        }
        kepts.all.retain(|_, it| it.is_of_use());
    }

    /// Compares one object with what it should say; its write, if they differ.
    fn write<'a>(
        &'a self,
        namespace: Arc<str>,
        kept: &mut Kept,
    ) -> Option<BoxFuture<'a, EndedWrite>> {
        kept.due = None;
        let targets = self.guarded.targets(&namespace);
        let same = match &kept.seen {
            Some(seen) => seen.says.as_ref() == Some(&targets),
            None => targets.is_empty(),
        };
        if same {
            return None;
        }
        kept.under_way = UnderWay::Write;
        let seen = kept.seen.as_ref().map(|it| it.metadata.clone());
        Some(Box::pin(async move {
            let write = self.writer.write_guard(&namespace, seen.as_ref(), &targets);
            let outcome = Box::pin(write).await;
            EndedWrite { namespace, targets, outcome }
        }))
    }
}

impl Kepts {
    fn look_at(&mut self, namespaces: impl IntoIterator<Item = Arc<str>>, now: Instant) {
        for namespace in namespaces {
            self.all.entry(namespace).or_default().look(now);
        }
    }

    fn next_due(&self) -> Option<Instant> {
        self.all.values().filter_map(Kept::may_be_due).min().filter(|_| self.listed)
    }

    /// The one that has been due for longest.
    fn first_due(&mut self, now: Instant) -> Option<(Arc<str>, &mut Kept)> {
        let all = self.all.iter_mut().filter(|_| self.listed);
        let due = all.filter(|(_, it)| it.may_be_due().is_some_and(|at| at <= now));
        let first = due.min_by_key(|(_, it)| it.due)?;
        Some((first.0.clone(), first.1))
    }

    /// Takes in what became of a write.
    fn written(&mut self, written: EndedWrite) {
        let EndedWrite { namespace, targets, outcome } = written;
        // One that is written is kept.
        if let Some(kept) = self.all.get_mut(&namespace) {
            kept.written(&namespace, &targets, outcome);
        }
    }
}

impl Kept {
    /// When it is compared, unless it is being written.
    fn may_be_due(&self) -> Option<Instant> {
        self.due.filter(|_| self.under_way == UnderWay::Nothing)
    }

    /// Whether there is anything to remember of it.
    fn is_of_use(&self) -> bool {
        self.seen.is_some() || self.due.is_some() || self.under_way != UnderWay::Nothing
    }

    /// The watch has shown it, or that it is gone.
    fn shown(&mut self, seen: Option<Seen>) {
        self.seen = seen;
        self.under_way = match self.under_way {
            UnderWay::Nothing => UnderWay::Nothing,
            UnderWay::Write | UnderWay::OvertakenWrite => UnderWay::OvertakenWrite,
        };
    }

    fn written(
        &mut self,
        namespace: &str,
        targets: &GuardedTargets,
        outcome: Result<Option<CanaryGuard>, ApplyFailed>,
    ) {
        let overtaken = self.under_way == UnderWay::OvertakenWrite;
        self.under_way = UnderWay::Nothing;
        self.not_before = Some(Instant::now() + WRITE_AGAIN);
        match outcome {
            Ok(guard) => {
                self.refusals = 0;
                if !overtaken {
                    self.seen = guard.map(|it| Seen::of(it, targets));
                }
            }
            Err(error) => self.refused(namespace, &error),
        }
        // A change during the write did not know of it.
        self.due = self.due.max(self.due.and(self.not_before));
    }

    /// It is compared soon: with what else has changed by then, and not too soon after a write.
    fn look(&mut self, now: Instant) {
        let at = (now + GATHER).max(self.not_before.unwrap_or(now));
        self.due = Some(self.due.map_or(at, |it| it.min(at)));
    }

    /// Takes over what the watch shows, unless it shows what is known already.
    fn see(&mut self, guard: CanaryGuard, targets: &GuardedTargets) {
        let version = |it: &Seen| it.metadata.resource_version.clone();
        if self.seen.as_ref().and_then(version) == guard.metadata.resource_version {
            return;
        }
        self.shown(Some(Seen::of(guard, targets)));
        self.look(Instant::now());
    }

    /// Tries again later, each time after a longer time; a conflict means that the watch is behind.
    fn refused(&mut self, namespace: &str, error: &ApplyFailed) {
        let now = Instant::now();
        let wait = WRITE_AGAIN.saturating_mul(1 << self.refusals.min(5)).min(LONGEST_RETRY);
        self.refusals = if error.is_conflict() { 0 } else { self.refusals.saturating_add(1) };
        self.not_before = Some(now + wait);
        self.look(now);
        if !error.is_conflict() {
            tracing::warn!(namespace, %error, "could not write the CanaryGuard; the admission guard is behind there");
        }
    }
}

impl Seen {
    fn of(guard: CanaryGuard, targets: &GuardedTargets) -> Self {
        let says = says(&guard, targets).then(|| targets.clone());
        let mut metadata = guard.metadata;
        // Hundreds of kilobytes, of which nothing is needed.
        (metadata.owner_references, metadata.managed_fields) = (None, None);
        Self { metadata, says }
    }
}

async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
mod tests;
