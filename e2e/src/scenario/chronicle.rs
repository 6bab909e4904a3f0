//! Watches everything in the scenario's namespace, writes it into the history, and waits on it.
//! Waits for conditions with a deadline; it never sleeps in the hope that something has happened.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use anyhow::{Result, anyhow};
use futures::StreamExt;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind};
use kube::runtime::watcher::{self, watcher};
use kube::{Api, Client, ResourceExt};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::history::{Change, Entry, State};
use super::seen::{Deployment, Frozen, Pod, Rollout, Seen, Told};

/// The record of one scenario. Cheap to clone; the watches end with the last task set.
#[derive(Clone)]
pub struct Chronicle {
    shared: Arc<Shared>,
}

/// The watches; they end when this is dropped.
pub struct Watches {
    _tasks: JoinSet<()>,
}

struct Shared {
    begun: Instant,
    record: Mutex<Record>,
    changed: watch::Sender<()>,
}

#[derive(Default)]
struct Record {
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

/// What is watched: group, version, kind, and how it is read.
const KINDS: [(&str, &str, &str, Read); 5] = [
    ("apps", "v1", "Deployment", |it| Some(Seen::Deployment(Box::new(Deployment::of(it))))),
    ("", "v1", "Pod", |it| Some(Seen::Pod(Pod::of(it)))),
    ("apps", "v1", "ControllerRevision", |it| Some(Seen::Frozen(Frozen::of(it)))),
    ("siskin.dev", "v1alpha1", "CanaryRollout", |it| {
        Rollout::of(it).map(|it| Seen::Rollout(Box::new(it)))
    }),
    ("events.k8s.io", "v1", "Event", |it| {
        (it.data["regarding"]["kind"] == "CanaryRollout").then(|| Seen::Told(Told::of(it)))
    }),
];

impl Chronicle {
    /// Watches this namespace from now on.
    #[must_use]
    pub fn of(client: &Client, namespace: &str) -> (Self, Watches) {
        let record = Mutex::new(Record::default());
        let (changed, _) = watch::channel(());
        let shared = Arc::new(Shared { begun: Instant::now(), record, changed });
        let chronicle = Self { shared };
        let mut tasks = JoinSet::new();
        for (group, version, kind, read) in KINDS {
            let resource = ApiResource::from_gvk(&GroupVersionKind::gvk(group, version, kind));
            let api = Api::namespaced_with(client.clone(), namespace, &resource);
            tasks.spawn(chronicle.clone().follow(api, read));
        }
        (chronicle, Watches { _tasks: tasks })
    }

    /// Notes that the scenario does something now, before it does it.
    pub fn note(&self, deed: impl Into<String>) {
        self.deed(deed.into(), None);
    }

    /// Notes that the scenario deletes an object by hand now.
    pub fn note_deletion(&self, name: &str) {
        self.deed(format!("delete {name} by hand"), Some(name.to_owned()));
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
    ///
    /// # Errors
    /// It was not there `within` this time.
    pub async fn until<T>(
        &self,
        what: &str,
        within: Duration,
        mut look: impl FnMut(View<'_>) -> Option<T>,
    ) -> Result<T> {
        let mut changed = self.shared.changed.subscribe();
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

    fn deed(&self, text: String, deleted: Option<String>) {
        let revision = self.lock().revision;
        self.write((revision, false), Change::Deed(text, deleted));
    }

    async fn follow(self, api: Api<DynamicObject>, read: Read) {
        let mut events = watcher(api, watcher::Config::default()).boxed();
        let mut known: BTreeMap<String, Seen> = BTreeMap::new();
        let mut listed: Vec<String> = Vec::new();
        while let Some(event) = events.next().await {
            match event {
                Ok(watcher::Event::Apply(it)) => self.put((&it, false), read, &mut known),
                Ok(watcher::Event::InitApply(it)) => {
                    listed.push(it.name_any());
                    self.put((&it, true), read, &mut known);
                }
                Ok(watcher::Event::Delete(it)) => {
                    if let Some(seen) = read(&it) {
                        known.remove(&it.name_any());
                        self.write((revision(&it), false), Change::Gone(it.name_any(), seen));
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
        (object, listed): (&DynamicObject, bool),
        read: Read,
        known: &mut BTreeMap<String, Seen>,
    ) {
        let Some(seen) = read(object) else { return };
        known.insert(object.name_any(), seen.clone());
        self.write((revision(object), listed), Change::Put(object.name_any(), seen));
    }

    /// After a new listing: what is not in it was deleted while nobody watched.
    fn missed(&self, listed: &[String], known: &mut BTreeMap<String, Seen>) {
        let gone: Vec<_> = known.keys().filter(|it| !listed.contains(it)).cloned().collect();
        let now = self.lock().revision;
        for name in gone {
            if let Some(seen) = known.remove(&name) {
                self.write((now, true), Change::Gone(name, seen));
            }
        }
    }

    fn write(&self, (revision, listed): (u64, bool), change: Change) {
        let entry = Entry { revision, at: self.shared.begun.elapsed(), listed, change };
        let mut record = self.lock();
        record.revision = record.revision.max(revision);
        record.state.take(&entry);
        record.history.push(entry);
        drop(record);
        self.shared.changed.send_replace(());
    }

    fn lock(&self) -> MutexGuard<'_, Record> {
        self.shared.record.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn revision(object: &DynamicObject) -> u64 {
    object.resource_version().and_then(|it| it.parse().ok()).unwrap_or(0)
}
