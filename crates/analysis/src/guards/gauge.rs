//! The value of one named check for every pod, kept up from scrape to scrape.
//! What no rule vouches for has no value and says why; nothing is compared.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::Arc;

use crate::constants::longest_bridged;
use crate::counters::counter::rise;
use crate::guards::held::Level;
use crate::guards::measured::Shown;
use crate::numbers::Millis;
use crate::observation::{Observation, PodObservation, Role};
use crate::settings::check::{Measure, NoValue};

/// What rates and quantiles are taken over at least: a minute, as in the queries of dashboards and
/// of other tools, so that a bound from there means the same here.
const SHORTEST_WINDOW: Millis = 60_000;
/// Rates and quantiles take at least as many scrapes: a rise takes two, one may be missing, and one more keeps a single
/// slow poll from being all that there is.
const WINDOW_SCRAPES: Millis = 4;
/// Parts of a window in which what was counted is remembered: how much longer it may get.
const WINDOW_PARTS: Millis = 12;

/// One check's values.
#[derive(Clone, Debug)]
pub(crate) struct Gauge {
    measure: Measure,
    window: Millis,
    /// Longest time between two scrapes of which the later one still says what happened.
    patience: Millis,
    warm_up: Millis,
    pods: BTreeMap<Arc<str>, GaugedPod>,
    /// Whether any pod has shown what the value is computed from.
    pub(crate) known: bool,
    /// Whether any pod has exported errors.
    exports_errors: bool,
}

#[derive(Clone, Debug)]
struct GaugedPod {
    /// The latest scrape.
    at: Millis,
    value: Result<Level, NoValue>,
    track: Option<Track>,
}

/// Counters of one process, followed since it was warm, or since nobody knew.
#[derive(Clone, Debug)]
struct Track {
    at: Millis,
    restarts: u32,
    edges: Arc<[f64]>,
    totals: Vec<f64>,
    /// What they rose by since the track began.
    risen: Vec<f64>,
    /// Earlier values of `risen`: the first of them where the window begins.
    marks: VecDeque<(Millis, Vec<f64>)>,
}

impl Gauge {
    /// `cadence`: usual time between two scrapes of a pod. `warm_up`: age from which it counts.
    pub(crate) fn new(measure: Measure, cadence: Millis, warm_up: Millis) -> Self {
        Self {
            measure,
            window: window(cadence),
            // One missed scrape is bridged, as everywhere.
            patience: longest_bridged(cadence),
            warm_up,
            pods: BTreeMap::new(),
            known: false,
            exports_errors: false,
        }
    }

    /// Takes what the pods show.
    pub(crate) fn follow(&mut self, seen: &Observation) {
        let there: HashSet<&str> = seen.pods.iter().map(|pod| &*pod.name).collect();
        self.pods.retain(|name, _| there.contains(&**name));
        let warm_before = seen.at.saturating_sub(self.warm_up);
        for pod in &seen.pods {
            let Some(metrics) = &pod.metrics else { continue };
            let shown = self.measure.read(metrics);
            self.known |= matches!(shown, Shown::Level(_) | Shown::Totals { .. });
            self.exports_errors |= metrics.errors.is_some();
            // What happened in the warm-up is in no window.
            if pod.created <= warm_before {
                self.show(seen.at, pod, shown);
            }
        }
    }

    fn show(&mut self, at: Millis, pod: &PodObservation, shown: Shown) {
        let (value, track) = match shown {
            Shown::Nothing => return,
            Shown::Missing(why) => (Err(why), self.track(&pod.name)),
            Shown::Level(level) => (Ok(level), None),
            Shown::Totals { edges, totals } => {
                let now = Track::new(at, pod.restarts, edges, totals);
                let before = self.track(&pod.name);
                let (track, value) = self.go_on(before, now);
                (value, Some(track))
            }
        };
        self.pods.insert(pod.name.clone(), GaugedPod { at, value, track });
    }

    /// Takes the track of a pod out, to be put back with what follows.
    fn track(&mut self, pod: &str) -> Option<Track> {
        self.pods.get_mut(pod)?.track.take()
    }

    /// The track with another scrape, and the value over the window that ends with it.
    fn go_on(&self, before: Option<Track>, now: Track) -> (Track, Result<Level, NoValue>) {
        let too_early = NoValue::TooEarly { window: self.window };
        let near = |it: &Track| now.at.saturating_sub(it.at) <= self.patience;
        let Some(before) = before.filter(|it| near(it) && it.edges == now.edges) else {
            return (now, Err(too_early));
        };
        let restarted = now.restarts > before.restarts;
        let pairs = before.totals.iter().zip(&now.totals);
        let rises = pairs.map(|(before, now)| rise(Some(*before), Some(*now), restarted));
        let Some(rises) = rises.collect::<Option<Vec<f64>>>() else {
            return (now, Err(NoValue::CounterFell));
        };
        let mut track = now;
        track.risen = before.risen.iter().zip(&rises).map(|(sum, rise)| sum + rise).collect();
        track.marks = before.marks;
        let value = match track.over(self.window) {
            Some(rises) => self.measure.level(&track.edges, &rises),
            None => Err(too_early),
        };
        (track, value)
    }

    /// What a pod of a role has just shown at `at`, or for the primary within the window: it is
    /// scraped at another moment than the canary.
    pub(crate) fn value(&self, pod: &PodObservation, at: Millis) -> Option<Result<Level, NoValue>> {
        let shown = self.pods.get(&pod.name)?;
        let oldest = match pod.role {
            Role::Canary => at,
            Role::Primary => at.saturating_sub(self.window),
        };
        (oldest <= shown.at).then_some(shown.value)
    }

    /// Why there is no value where no pod has shown anything.
    pub(crate) const fn unread(&self) -> NoValue {
        self.measure.unread()
    }

    /// Whether failures are read as 0 because no pod has exported any yet.
    pub(crate) const fn lacks_errors(&self) -> bool {
        self.known && self.measure.counts_errors() && !self.exports_errors
    }

    /// Times are wrong after the clock was set.
    pub(crate) fn forget_times(&mut self) {
        self.pods.clear();
    }
}

impl Track {
    fn new(at: Millis, restarts: u32, edges: Arc<[f64]>, totals: Vec<f64>) -> Self {
        let risen = vec![0.0; totals.len()];
        let marks = VecDeque::from([(at, risen.clone())]);
        Self { at, restarts, edges, totals, risen, marks }
    }

    /// What rose over the window that ends now; `None`: the track is shorter.
    fn over(&mut self, window: Millis) -> Option<Vec<f64>> {
        let step = window / WINDOW_PARTS;
        if self.marks.back().is_none_or(|(latest, _)| step <= self.at.saturating_sub(*latest)) {
            self.marks.push_back((self.at, self.risen.clone()));
        }
        let begin = self.at.saturating_sub(window);
        while self.marks.get(1).is_some_and(|(second, _)| *second <= begin) {
            self.marks.pop_front();
        }
        let (first, sums) = self.marks.front()?;
        let rises = || self.risen.iter().zip(sums).map(|(now, then)| now - then).collect();
        (*first <= begin).then(rises)
    }
}

/// Length of the window at a pace of scrapes.
fn window(cadence: Millis) -> Millis {
    SHORTEST_WINDOW.max(WINDOW_SCRAPES.saturating_mul(cadence))
}

#[cfg(test)]
mod tests;
