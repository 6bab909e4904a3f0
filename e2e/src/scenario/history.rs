//! What happened in a scenario, in order: every change of an object that the watches brought, and
//! every action of the scenario itself. Pure: holds and shows it, judges nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use siskin_api::Phase;

use super::seen::{Deployment, Event, Frozen, Part, Rollout, Seen, SeenPod};

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Entry {
    /// The cluster's revision after it. The test bed has one etcd, which counts every write of any
    /// object: sorted by it, the entries are in the order in which things happened, whatever order
    /// the watches brought them in.
    pub revision: u64,
    /// When it was seen, since the scenario began.
    pub at: Duration,
    /// Shown by a listing, so that what came just before it may have been missed.
    pub listed: bool,
    /// What it was.
    pub change: Change,
}

/// A change of an object, or a action.
#[derive(Clone, Debug)]
pub enum Change {
    /// An object was created, or changed.
    Put(String, Seen),
    /// An object was deleted; this is how it looked last.
    Gone(String, Seen),
    /// The scenario did something.
    Action {
        /// The action in words.
        text: String,
        /// The name of an object that it deleted.
        deleted: Option<String>,
    },
    /// A canary pod has stood still since then at this topic/partition/offset, by its own log.
    Stalled(String),
}

/// Everything that is there at one moment.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// The target and its children.
    pub parts: BTreeMap<Part, Deployment>,
    /// Pods by name.
    pub pods: BTreeMap<String, SeenPod>,
    /// Frozen templates by name.
    pub frozen: BTreeMap<String, Frozen>,
    /// Rollouts by name.
    pub rollouts: BTreeMap<String, Rollout>,
}

impl State {
    /// Applies one more entry.
    pub fn apply(&mut self, entry: &Entry) {
        match &entry.change {
            Change::Put(name, seen) => self.set(name, seen.clone(), true),
            Change::Gone(name, seen) => self.set(name, seen.clone(), false),
            Change::Action { .. } | Change::Stalled(_) => {}
        }
    }

    /// N: as the primary notes it, or the count of the target before there is a primary.
    #[must_use]
    pub fn total(&self) -> Option<u32> {
        let noted = self.parts.get(&Part::Primary).and_then(Deployment::total);
        noted.or_else(|| self.parts.get(&Part::Target).map(|it| it.replicas))
    }

    /// Whether the adoption is over: the target is drained for good.
    #[must_use]
    pub fn adopted(&self) -> bool {
        self.parts.get(&Part::Primary).is_some_and(Deployment::adopted)
    }

    /// `spec.replicas` of a part; 0 if it is not there.
    #[must_use]
    pub fn count(&self, part: Part) -> u32 {
        self.parts.get(&part).map_or(0, |it| it.replicas)
    }

    /// Pods of a part that are not on their way out.
    pub fn pods_of(&self, part: Part) -> impl Iterator<Item = (&String, &SeenPod)> {
        self.pods.iter().filter(move |(_, it)| it.part == Some(part) && !it.terminating)
    }

    /// The rollout that owns the primary; before there is a primary, any.
    #[must_use]
    pub fn rollout(&self) -> Option<&Rollout> {
        let primary = self.parts.get(&Part::Primary);
        let owner =
            primary.and_then(|it| it.annotations.get(siskin_api::annotations::primary::OWNER_UID));
        let owns = |it: &&Rollout| owner.is_none_or(|uid| *uid == it.uid);
        self.rollouts.values().find(owns).or_else(|| self.rollouts.values().next())
    }

    fn set(&mut self, name: &str, seen: Seen, there: bool) {
        let name = name.to_owned();
        match seen {
            Seen::Deployment(it) => {
                if let Some(part) = Part::of(&name) {
                    set(&mut self.parts, part, *it, there);
                }
            }
            Seen::Pod(it) => set(&mut self.pods, name, it, there),
            Seen::Frozen(it) => set(&mut self.frozen, name, it, there),
            Seen::Rollout(it) => set(&mut self.rollouts, name, *it, there),
            Seen::Event(_) => {}
        }
    }
}

fn set<K: Ord, V>(all: &mut BTreeMap<K, V>, key: K, value: V, there: bool) {
    if there {
        all.insert(key, value);
    } else {
        all.remove(&key);
    }
}

/// The least or the most of something at any moment since then, in the order in which things happened. What a new listing
/// shows once more did not happen again.
pub fn extremes(
    history: &[Entry],
    since: Duration,
    count: impl Fn(&State) -> usize,
) -> (usize, usize) {
    let mut sorted: Vec<_> = history.iter().collect();
    sorted.sort_by_key(|it| it.revision);
    let (mut state, mut least, mut most) = (State::default(), usize::MAX, 0);
    let mut put = BTreeSet::new();
    for entry in sorted {
        let is_new = match entry.change {
            Change::Put(_, _) => put.insert(entry.revision),
            Change::Gone(_, _) | Change::Action { .. } | Change::Stalled(_) => true,
        };
        if entry.listed && !is_new {
            continue;
        }
        state.apply(entry);
        if since <= entry.at {
            let now = count(&state);
            (least, most) = (least.min(now), most.max(now));
        }
    }
    (least, most)
}

/// The entries that a person wants to read, one a line: what merely repeats the line before it for
/// the same object is left out.
#[must_use]
pub fn timeline(history: &[Entry]) -> String {
    let mut last: BTreeMap<String, String> = BTreeMap::new();
    let mut text = String::new();
    for entry in history {
        let line = entry.change.to_string();
        let subject = entry.change.subject().to_owned();
        if last.insert(subject, line.clone()) != Some(line) {
            text.push_str(&entry.to_string());
            text.push('\n');
        }
    }
    text
}

/// When the first change of this kind was seen.
#[must_use]
pub fn first(history: &[Entry], is_it: impl Fn(&Change) -> bool) -> Option<Duration> {
    history.iter().find(|it| is_it(&it.change)).map(|it| it.at)
}

impl Change {
    /// Whether the change shows the rollout in this phase.
    #[must_use]
    pub fn enters(&self, phase: Phase) -> bool {
        matches!(self, Self::Put(_, Seen::Rollout(it)) if it.status.phase == Some(phase))
    }

    /// Whether the change is an Event that is right.
    pub fn tells(&self, right: impl Fn(&Event) -> bool) -> bool {
        matches!(self, Self::Put(_, Seen::Event(it)) if right(it))
    }

    /// Whether the change shows the Deployment of this part with so many pods wanted.
    #[must_use]
    pub fn counts(&self, part: Part, pods: u32) -> bool {
        matches!(self, Self::Put(name, Seen::Deployment(it)) if Part::of(name) == Some(part) && it.replicas == pods)
    }

    /// `spec.replicas` of the canary, if the change is one of its Deployment.
    #[must_use]
    pub fn canary_pods(&self) -> Option<u32> {
        match self {
            Self::Put(name, Seen::Deployment(it)) => {
                (Part::of(name) == Some(Part::Canary)).then_some(it.replicas)
            }
            Self::Put(..) | Self::Gone(..) | Self::Action { .. } | Self::Stalled(_) => None,
        }
    }

    /// How often the container of a canary pod has ended, if the change is one of such a pod. A pod that was told to end has not crashed.
    #[must_use]
    pub fn canary_crashes(&self) -> i64 {
        match self {
            Self::Put(_, Seen::Pod(it)) if it.part == Some(Part::Canary) && !it.terminating => {
                it.crashes
            }
            Self::Put(..) | Self::Gone(..) | Self::Action { .. } | Self::Stalled(_) => 0,
        }
    }

    fn subject(&self) -> &str {
        match self {
            Self::Put(name, _) | Self::Gone(name, _) => name,
            Self::Action { .. } | Self::Stalled(_) => "",
        }
    }
}

impl Display for Entry {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:8.2} s  {:>8}  {}", self.at.as_secs_f64(), self.revision, self.change)
    }
}

impl Display for Change {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Put(name, seen) => write!(f, "{name}: {seen}"),
            Self::Gone(name, _) => write!(f, "{name}: gone"),
            Self::Action { text, .. } => write!(f, "=> {text}"),
            Self::Stalled(place) => write!(f, "the canary's log: stalled at {place}"),
        }
    }
}

impl Display for Seen {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Deployment(it) => {
                let (version, by) = (it.version.as_deref().unwrap_or("-"), it.counted_by.join("+"));
                write!(f, "Deployment of {} at {version} by {by:?}", it.replicas)?;
                if let Some(total) = it.total() {
                    let adopted = if it.adopted() { "adopted" } else { "not adopted" };
                    write!(f, ", N {total}, {adopted}")?;
                }
                Ok(())
            }
            Self::Pod(it) => {
                let version = it.version.as_deref().unwrap_or("-");
                let state = match (it.terminating, it.ready) {
                    (true, _) => "terminating",
                    (false, true) => "ready",
                    (false, false) => "not ready",
                };
                let part = it.part.map_or("another".to_owned(), |it| format!("{it:?}"));
                write!(f, "pod of {part} at {version}, {state}")
            }
            Self::Frozen(it) => {
                let version = it.version.as_deref().unwrap_or("-");
                let rejected = it.rejected.as_deref().unwrap_or("not rejected");
                write!(f, "frozen {version}, {rejected}")
            }
            Self::Rollout(it) => {
                let status = &it.status;
                let phase = status.phase.map_or("no phase".to_owned(), |it| format!("{it:?}"));
                let verdict = status.analysis.as_ref().and_then(|it| it.verdict);
                let canary = status.progress.as_ref().and_then(|it| it.canary);
                write!(f, "{phase}")?;
                if let Some(canary) = canary {
                    write!(f, ", canary {canary}")?;
                }
                if let Some(verdict) = verdict {
                    write!(f, ", {verdict:?}")?;
                }
                write!(f, ": {}", status.message.as_deref().unwrap_or(""))
            }
            Self::Event(it) => write!(f, "Event {} x{}: {}", it.reason, it.count, it.note),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extremes_are_those_of_the_order_in_which_things_happened() {
        let pod = |revision, second, name: &str, ready| {
            let seen = SeenPod {
                part: Some(Part::Primary),
                version: None,
                ready,
                terminating: false,
                crashes: 0,
                running: true,
            };
            let change = Change::Put(name.to_owned(), Seen::Pod(seen));
            Entry { revision, at: Duration::from_secs(second), listed: false, change }
        };
        // The watch brought the successor after its predecessor was seen to go.
        let history = [
            pod(1, 1, "a", true),
            pod(2, 2, "b", true),
            pod(4, 3, "a", false),
            pod(3, 4, "c", true),
        ];
        let ready = |state: &State| state.pods.values().filter(|it| it.ready).count();
        assert_eq!(extremes(&history, Duration::ZERO, ready), (1, 3));
        assert_eq!(extremes(&history, Duration::from_secs(2), ready), (2, 3));
        // A watch that broke lists again what was there all the time.
        let again = Entry { listed: true, ..pod(1, 9, "a", true) };
        let history = [history.as_slice(), &[again]].concat();
        assert_eq!(extremes(&history, Duration::from_secs(5), ready), (usize::MAX, 0));
    }
}
