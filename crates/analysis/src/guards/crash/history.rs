//! When which container crashed, as far as looks and the times in a status tell.
//! Remembers; what is too much, the guard says.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use crate::guards::crash::containers::{Container, containers};
use crate::numbers::Millis;
use crate::observation::{PodObservation, Role, staying};

/// Crashes count for this long. A crash loop starts its container every five minutes at least, so
/// that one is never out of sight.
pub(super) const WINDOW: Millis = 600_000;
/// The start of a pod: whoever waits for a proxy, a database or an agent crashes within it.
const START: Millis = 600_000;
/// Crashes that a primary pod may have had at its start where only their number is known, over its
/// whole life. A crash loop passes them within two minutes and a half.
const MOST_AT_A_START: u32 = 3;
/// Crashes of one container that are remembered: backoff leaves room for seven in a window.
const MOST_REMEMBERED: usize = 16;

/// Watches the containers of all pods that are there.
#[derive(Clone, Debug, Default)]
pub(crate) struct CrashGuard {
    containers: BTreeMap<Arc<str>, BTreeMap<Arc<str>, Remembered>>,
    latest: Option<Millis>,
    /// Crashes up to then are nobody's fault: the primary was unhealthy.
    pub(crate) forgiven: Option<Millis>,
}

/// One container.
#[derive(Clone, Debug)]
struct Remembered {
    role: Role,
    created: Millis,
    /// Crashes so far.
    count: u32,
    /// Crashes that were certainly at the start of the pod.
    early: u32,
    /// The latest crashes, oldest first.
    times: VecDeque<Millis>,
}

/// Crashes of one container.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Crashes {
    /// Within the window, those of a canary that were forgiven left out.
    pub(super) all: u32,
    /// Within the window and the start of the pod, for a primary pod over its life.
    pub(super) early: u32,
    /// Crashes that may have been at its start.
    pub(super) maybe_early: u32,
    /// Age of the pod at the latest of the early ones that count.
    pub(super) latest_age: Millis,
}

impl CrashGuard {
    /// A guard that goes on from crashes that were forgiven up to then.
    pub(crate) fn going_on(forgiven: Option<Millis>) -> Self {
        Self { forgiven, ..Self::default() }
    }

    /// The primary was unhealthy at the latest look: no crash so far is held against anybody.
    pub(crate) fn forgive(&mut self) {
        self.forgiven = self.forgiven.max(self.latest);
    }

    /// Takes the pods of one moment; of those that are gone nothing is kept.
    pub(crate) fn observe(&mut self, at: Millis, pods: &[PodObservation]) {
        let mut before = std::mem::take(&mut self.containers);
        for pod in pods.iter().filter(|pod| !pod.terminating) {
            let earlier = before.remove(&pod.name);
            let was_seen = earlier.is_some();
            let mut known = earlier.unwrap_or_default();
            for container in containers(pod) {
                if let Some(remembered) = known.get_mut(container.name) {
                    remembered.go_on(at, self.latest, &container);
                    continue;
                }
                let mut first = Remembered::new(pod);
                if was_seen {
                    first.go_on(at, self.latest, &container);
                } else {
                    self.first_look(&mut first, at, &container);
                }
                known.insert(container.name.clone(), first);
            }
            // Also without a crash: that it had none until now is known then.
            self.containers.insert(pod.name.clone(), known);
        }
        self.latest = Some(at);
    }

    /// The first look at a container that has crashed already: when, only its status tells.
    fn first_look(&self, first: &mut Remembered, at: Millis, container: &Container<'_>) {
        let count = container.crashes();
        first.count = count;
        let horizon = at.saturating_sub(WINDOW);
        let created = first.created;
        let is_young = created > horizon && self.forgiven.is_none_or(|it| it < created);
        let certain = match container.ended {
            _ if is_young => count,
            Some(ended) if first.role == Role::Primary && ended <= first.start_ends() => count,
            // A loop goes on from a crash shortly before.
            _ if container.is_loop && self.forgiven.is_none_or(|it| it < horizon) => count.min(2),
            Some(ended) if horizon < ended => count.min(1),
            None if self.forgiven.is_none() => count,
            Some(_) | None => 0,
        };
        let time = container.ended.filter(|ended| *ended <= at).unwrap_or(at);
        first.add(time, certain);
    }

    /// Crashes of a container of a pod.
    pub(super) fn crashes(&self, pod: &Arc<str>, container: &Arc<str>) -> Crashes {
        let known = self.containers.get(pod).and_then(|it| it.get(container));
        let (Some(it), Some(latest)) = (known, self.latest) else { return Crashes::default() };
        let horizon = latest.saturating_sub(WINDOW);
        let counted = |from: Millis, until: Millis| {
            let within = it.times.iter().filter(|time| from < **time && **time <= until);
            u32::try_from(within.count()).unwrap_or(u32::MAX)
        };
        match it.role {
            Role::Canary => {
                let from = self.forgiven.map_or(horizon, |it| it.max(horizon));
                let all = counted(from, Millis::MAX);
                let early = counted(from, it.start_ends());
                let of_start = it.times.iter().rfind(|time| **time <= it.start_ends());
                let latest_age = of_start.map_or(0, |time| time.saturating_sub(it.created));
                Crashes { all, early, maybe_early: 0, latest_age }
            }
            Role::Primary => {
                let maybe_early = it.count.min(MOST_AT_A_START).max(it.early);
                let all = counted(horizon, Millis::MAX);
                Crashes { all, early: it.early, maybe_early, latest_age: 0 }
            }
        }
    }

    /// Whether a pod that was made then has reached this age.
    pub(super) fn has_reached(&self, age: Millis, created: Millis) -> bool {
        self.latest.is_none_or(|it| age <= it.saturating_sub(created))
    }

    /// Crashes of a container that are usual for a primary pod within a window, over the lives of
    /// all of them, their starts left out.
    pub(super) fn usual_in_window(&self, pods: &[PodObservation], container: &Arc<str>) -> f64 {
        let Some(latest) = self.latest else { return 0.0 };
        let (mut crashes, mut lives) = (0.0, 0.0);
        for pod in staying(pods, Role::Primary) {
            let known = self.containers.get(&pod.name).and_then(|it| it.get(container));
            crashes += known.map_or(0.0, |it| f64::from(it.count.saturating_sub(it.early)));
            lives += windows(latest.saturating_sub(pod.created));
        }
        if lives > 0.0 { crashes / lives } else { 0.0 }
    }

    /// Whether an end of a container counts: one of which nobody says when it was does unless
    /// something was forgiven.
    pub(super) fn is_recent(&self, ended: Option<Millis>) -> bool {
        let horizon = self.latest.unwrap_or(0).saturating_sub(WINDOW);
        let from = self.forgiven.map_or(horizon, |it| it.max(horizon));
        ended.map_or(self.forgiven.is_none(), |ended| from < ended)
    }
}

impl Remembered {
    fn new(pod: &PodObservation) -> Self {
        let (role, created) = (pod.role, pod.created);
        Self { role, created, count: 0, early: 0, times: VecDeque::new() }
    }

    const fn start_ends(&self) -> Millis {
        self.created.saturating_add(START)
    }

    /// A later look: what was added happened since the look before, the last of it when its status
    /// says.
    fn go_on(&mut self, at: Millis, before: Option<Millis>, container: &Container<'_>) {
        let count = container.crashes();
        let more = count.saturating_sub(self.count);
        self.count = self.count.max(count);
        let unwatched = before.is_none_or(|it| at.saturating_sub(it) > WINDOW);
        self.add(at, if unwatched { more.min(1) } else { more });
    }

    fn add(&mut self, at: Millis, crashes: u32) {
        if at <= self.start_ends() {
            self.early = self.early.saturating_add(crashes);
        }
        let crashes = usize::try_from(crashes).unwrap_or(MOST_REMEMBERED).min(MOST_REMEMBERED);
        self.times.extend(std::iter::repeat_n(at, crashes));
        let surplus = self.times.len().saturating_sub(MOST_REMEMBERED);
        self.times.drain(..surplus);
    }
}

/// A length of time in windows, at least one.
fn windows(span: Millis) -> f64 {
    #[expect(clippy::cast_precision_loss, reason = "a length of time")]
    let windows = span.max(WINDOW) as f64 / WINDOW as f64;
    windows
}
