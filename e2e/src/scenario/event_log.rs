//! Watches everything in the scenario's namespace, writes it into the history, and waits on it.
//! Waits for conditions with a deadline; it never sleeps in the hope that something has happened.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Result, anyhow};
use futures::StreamExt;
use kube::api::DynamicObject;
use kube::runtime::watcher::{self, watcher};
use kube::{Api, ResourceExt};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::history::{Change, Entry, State};
use super::objects::{ObjectKind, Objects};
use super::seen::{Deployment, Event, Frozen, Rollout, Seen, SeenPod};

/// The record of one scenario. Cheap to clone.
#[derive(Clone)]
pub struct EventLog {
    shared: Arc<Shared>,
}

struct Shared {
    begun: Instant,
    record: Mutex<LogState>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct LogState {
    history: Vec<Entry>,
    state: State,
    /// The newest revision that any watch has shown.
    revision: u64,
}

/// What a wait looks at: the present, and how it came to be.
pub struct View<'a> {
    /// Everything that is there now.
    pub state: &'a State,
    /// Everything that happened, in the order in which it was seen.
    pub history: &'a [Entry],
}

type Read = fn(&DynamicObject) -> Option<Seen>;

/// What is watched, and how it is read.
const KINDS: [(ObjectKind, Read); 5] = [
    (ObjectKind::Deployment, |it| Some(Seen::Deployment(Box::new(Deployment::of(it))))),
    (ObjectKind::Pod, |it| Some(Seen::Pod(SeenPod::of(it)))),
    (ObjectKind::ControllerRevision, |it| Some(Seen::Frozen(Frozen::of(it)))),
    (ObjectKind::CanaryRollout, |it| Rollout::of(it).map(|it| Seen::Rollout(Box::new(it)))),
    (ObjectKind::Event, |it| {
        (it.data["regarding"]["kind"] == "CanaryRollout").then(|| Seen::Event(Event::of(it)))
    }),
];

impl EventLog {
    /// Watches these objects from now on, until the tasks are dropped.
    #[must_use]
    pub fn of(objects: &Objects) -> (Self, JoinSet<()>) {
        let record = Mutex::new(LogState::default());
        let (changed, _) = watch::channel(());
        let shared = Arc::new(Shared { begun: Instant::now(), record, changed });
        let log = Self { shared };
        let mut tasks = JoinSet::new();
        for (kind, read) in KINDS {
            tasks.spawn(log.clone().follow(objects.api(kind), read));
        }
        (log, tasks)
    }

    /// Notes that the scenario does something now, before it does it.
    pub fn note(&self, action: impl Into<String>) {
        self.add(Change::Action { text: action.into(), deleted: None });
    }

    /// Notes that the scenario deletes an object by hand now.
    pub fn note_deletion(&self, name: &str) {
        let text = format!("delete {name} by hand");
        self.add(Change::Action { text, deleted: Some(name.to_owned()) });
    }

    /// Notes that a canary pod says to have stood still at this place for so long.
    pub(super) fn note_stall(&self, place: String, since: Duration) {
        let at = self.elapsed().saturating_sub(since);
        let revision = self.lock().revision;
        self.push(Entry { revision, at, listed: false, change: Change::Stalled(place) });
    }

    /// Time since the scenario began.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        self.shared.begun.elapsed()
    }

    /// Tells of each change from now on.
    #[must_use]
    pub fn changes(&self) -> watch::Receiver<()> {
        self.shared.changed.subscribe()
    }

    /// A copy of everything that happened so far.
    #[must_use]
    pub fn history(&self) -> Vec<Entry> {
        self.lock().history.clone()
    }

    /// How many entries there are: a place in the history to look on from.
    #[must_use]
    pub fn length(&self) -> usize {
        self.lock().history.len()
    }

    /// Looks once.
    pub fn look<T>(&self, look: impl FnOnce(View<'_>) -> T) -> T {
        let record = self.lock();
        look(View { state: &record.state, history: &record.history })
    }

    /// Waits until `look` sees what it looks for.
    pub async fn until<T>(
        &self,
        what: &str,
        within: Duration,
        mut look: impl FnMut(View<'_>) -> Option<T>,
    ) -> Result<T> {
        let mut changed = self.changes();
        let deadline = Instant::now() + within;
        loop {
            changed.borrow_and_update();
            if let Some(found) = self.look(&mut look) {
                return Ok(found);
            }
            let waited = tokio::time::timeout_at(deadline, changed.changed()).await;
            if !matches!(waited, Ok(Ok(()))) {
                return Err(anyhow!("not within {} s: {what}", within.as_secs()));
            }
        }
    }

    /// Records a change that no watch brought, at the newest revision that one of them has.
    fn add(&self, change: Change) {
        let revision = self.lock().revision;
        self.write(revision, false, change);
    }

    async fn follow(self, api: Api<DynamicObject>, read: Read) {
        let mut events = watcher(api, watcher::Config::default()).boxed();
        let mut known: BTreeMap<String, Seen> = BTreeMap::new();
        let mut listed: Vec<String> = Vec::new();
        while let Some(event) = events.next().await {
            match event {
                Ok(watcher::Event::Apply(it)) => self.put(&it, false, read(&it), &mut known),
                Ok(watcher::Event::InitApply(it)) => {
                    listed.push(it.name_any());
                    self.put(&it, true, read(&it), &mut known);
                }
                Ok(watcher::Event::Delete(it)) => {
                    if let Some(seen) = read(&it) {
                        known.remove(&it.name_any());
                        self.write(revision(&it), false, Change::Gone(it.name_any(), seen));
                    }
                }
                Ok(watcher::Event::Init) => listed.clear(),
                Ok(watcher::Event::InitDone) => self.missed(&listed, &mut known),
                // The watch begins anew by itself, with a listing.
                Err(error) => self.note(format!("a watch was broken: {error}")),
            }
        }
    }

    fn put(
        &self,
        object: &DynamicObject,
        listed: bool,
        seen: Option<Seen>,
        known: &mut BTreeMap<String, Seen>,
    ) {
        let Some(seen) = seen else { return };
        known.insert(object.name_any(), seen.clone());
        self.write(revision(object), listed, Change::Put(object.name_any(), seen));
    }

    /// Records as gone what a new listing lacks: it was deleted while nobody watched.
    fn missed(&self, listed: &[String], known: &mut BTreeMap<String, Seen>) {
        let now = self.lock().revision;
        known.retain(|name, seen| {
            let there = listed.contains(name);
            if !there {
                self.write(now, true, Change::Gone(name.clone(), seen.clone()));
            }
            there
        });
    }

    fn write(&self, revision: u64, listed: bool, change: Change) {
        self.push(Entry { revision, at: self.elapsed(), listed, change });
    }

    fn push(&self, entry: Entry) {
        let mut record = self.lock();
        record.revision = record.revision.max(entry.revision);
        record.state.apply(&entry);
        record.history.push(entry);
        drop(record);
        self.shared.changed.send_replace(());
    }

    fn lock(&self) -> MutexGuard<'_, LogState> {
        self.shared.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn revision(object: &DynamicObject) -> u64 {
    object.resource_version().and_then(|it| it.parse().ok()).unwrap_or(0)
}
