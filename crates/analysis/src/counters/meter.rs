//! From counters to rises: resets, gaps and missing series are dealt with here.
//! A rise that no rule vouches for is left out; nothing is compared.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

use crate::constants::{COUNT_WINDOW, longest_bridged};
use crate::counters::cadence::has_totals;
use crate::counters::counter::{Count, is_total, rise, whole, whole_or_zero};
use crate::counters::cpu::{CpuMeter, CpuSpan};
use crate::counters::in_flight::{Flight, InFlight};
use crate::counters::kind::Kind;
use crate::counters::latency::split;
use crate::counters::rise::{Rise, ShownCount};
use crate::counters::user_counts;
use crate::counters::user_counts::UserTotals;
use crate::numbers::Millis;
use crate::observation::record::Record;
use crate::observation::{Observation, PodMetrics, PodObservation, Role};

/// Rules by which counters are read, fixed before the trial.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Reader {
    /// Usual time between two scrapes of a pod, at least the time between two observations.
    pub(crate) cadence: Millis,
    /// Messages slower than this many seconds are slow; `None`: no edge is suitable.
    pub(crate) slow_from: Option<f64>,
    pub(crate) flight: Flight,
    /// Names of the user's ratios.
    pub(crate) user: Arc<[Arc<str>]>,
}

/// Follows the counters of all pods.
#[derive(Clone, Debug)]
pub(crate) struct Meter {
    reader: Reader,
    /// Pods created after this are seen from their first message on.
    watched_since: Option<Millis>,
    tracks: BTreeMap<Arc<str>, Track>,
    /// Scraped values that were no numbers.
    pub(crate) unreadable: u32,
}

#[derive(Clone, Debug)]
struct Track {
    at: Millis,
    role: Role,
    restarts: u32,
    totals: Totals,
    user: Vec<UserTotals>,
    in_flight: InFlight,
    cpu: CpuMeter,
    /// Messages consumed while watched; never falls.
    consumed: f64,
}

/// Totals of one scrape, as far as they are numbers.
#[derive(Clone, Copy, Debug, Default)]
struct Totals {
    consumed: Option<f64>,
    processed: Option<f64>,
    errors: Option<f64>,
    filtered: Option<f64>,
    slow: Option<f64>,
    timed: Option<f64>,
}

impl Reader {
    /// Whether a pod's metrics have what a kind is counted from.
    pub(crate) fn has_input(&self, kind: Kind, metrics: &PodMetrics) -> bool {
        let counts = metrics.consumed.is_some();
        match kind {
            Kind::Errors => counts && metrics.errors.is_some(),
            Kind::Loss => counts && metrics.processed.is_some(),
            Kind::Latency => counts && metrics.latency.is_some() && self.slow_from.is_some(),
            Kind::Cpu => counts && metrics.cpu_seconds.is_some(),
            Kind::User(place) => {
                let reading = self.user.get(place).and_then(|name| metrics.user.get(name));
                reading.is_some_and(|it| it.total.is_some())
            }
        }
    }

    /// The window in which counts are compared: every pod is in it about once.
    pub(crate) fn window(&self) -> Millis {
        COUNT_WINDOW.max(self.cadence)
    }

    /// The window in which a kind is compared.
    pub(crate) fn window_of(&self, kind: Kind) -> Millis {
        kind.window().max(self.cadence)
    }

    /// Adds the most messages that the primary had in flight in a record.
    pub(crate) fn knowing_what_is_in_flight(self, record: &Record) -> Self {
        let mut meter = Meter::new(self);
        let mut most = 0.0_f64;
        for seen in record.observations() {
            meter.observe(&seen);
            most = most.max(meter.most_in_flight(Role::Primary));
        }
        let flight = Flight { most, ..meter.reader.flight };
        Self { flight, ..meter.reader }
    }
}

impl Meter {
    pub(crate) fn new(reader: Reader) -> Self {
        Self { reader, watched_since: None, tracks: BTreeMap::new(), unreadable: 0 }
    }

    /// Observes all pods; returns the rise of each one that could be read.
    pub(crate) fn observe(&mut self, seen: &Observation) -> Vec<Rise> {
        let watched_since = *self.watched_since.get_or_insert(seen.at);
        let there: HashSet<&str> = seen.pods.iter().map(|pod| &*pod.name).collect();
        self.tracks.retain(|name, _| there.contains(&**name));
        let mut rises = Vec::with_capacity(seen.pods.len());
        for pod in &seen.pods {
            let Some(metrics) = &pod.metrics else { continue };
            if !has_totals(metrics) {
                // Between two scrapes a pod may show its memory and its CPU alone.
                if let Some(track) = self.tracks.get_mut(&pod.name) {
                    track.cpu.show(metrics.cpu_seconds);
                }
                continue;
            }
            let names = &self.reader.user;
            self.unreadable = self.unreadable.saturating_add(unreadable(metrics, names));
            let totals = Totals::of(metrics, self.reader.slow_from);
            let mut now = Track::new(seen.at, pod, totals, UserTotals::of(metrics, names));
            now.cpu.show(metrics.cpu_seconds);
            let born = || Track::newborn(seen.at, pod, names.len());
            let before =
                self.tracks.remove(&pod.name).or_else(|| (pod.created > watched_since).then(born));
            if let Some(rise) = before.and_then(|it| now.follow(it, pod, &self.reader)) {
                rises.push(rise);
            }
            self.tracks.insert(pod.name.clone(), now);
        }
        rises
    }

    /// The most messages of one pod of that role that were seen in flight.
    pub(crate) fn most_in_flight(&self, role: Role) -> f64 {
        let tracks = self.tracks.values().filter(|track| track.role == role);
        tracks.map(|track| track.in_flight.most()).fold(0.0, f64::max)
    }

    /// Messages a pod has consumed while watched; `None`: its counter is not known.
    pub(crate) fn consumed(&self, pod: &str) -> Option<f64> {
        let track = self.tracks.get(pod)?;
        track.totals.consumed.map(|_| track.consumed)
    }
}

impl Track {
    fn new(at: Millis, pod: &PodObservation, totals: Totals, user: Vec<UserTotals>) -> Self {
        Self {
            at,
            role: pod.role,
            restarts: pod.restarts,
            totals,
            user,
            in_flight: InFlight::default(),
            cpu: CpuMeter::default(),
            consumed: 0.0,
        }
    }

    /// A pod that was created while the group was watched: its counters began at 0.
    fn newborn(at: Millis, pod: &PodObservation, ratios: usize) -> Self {
        let zero = Some(0.0);
        let totals = Totals {
            consumed: zero,
            processed: zero,
            errors: zero,
            filtered: zero,
            slow: zero,
            timed: zero,
        };
        Self::new(pod.created.min(at), pod, totals, vec![UserTotals::ZERO; ratios])
    }

    /// Rise since an earlier scrape of the pod; `None`: nothing is known of the time in between.
    fn follow(&mut self, before: Self, pod: &PodObservation, reader: &Reader) -> Option<Rise> {
        let newborn = before.at == pod.created;
        // One missed scrape is bridged. After more, what rose says nothing of now.
        let patience = longest_bridged(reader.cadence);
        if !newborn && self.at.saturating_sub(before.at) > patience {
            return None;
        }
        let restarted = pod.restarts > before.restarts;
        let age = before.at.saturating_sub(pod.created);
        let user = UserTotals::rises(&before.user, &self.user, restarted);
        let risen = self.totals.since(&before.totals, restarted);
        let messages = self.messages(before, risen, pod, reader.flight);
        // The totals of a user's ratio are its own: it needs no count of messages.
        if messages.is_none() && user.iter().all(|one| one.count.of <= 0.0) {
            return None;
        }
        let (counts, cpu) = messages.unwrap_or_default();
        let outcomes = risen.outcomes(pod.metrics.as_ref());
        Some(Rise { pod: pod.name.clone(), role: pod.role, age, counts, cpu, outcomes, user })
    }

    /// Failed, lost and slow messages and ticks of CPU since an earlier scrape, from what the totals
    /// have `risen` by, and the time over which ticks were counted; `None`: the number consumed is
    /// unknown.
    fn messages(
        &mut self,
        before: Self,
        risen: Totals,
        pod: &PodObservation,
        flight: Flight,
    ) -> Option<([Count; 4], CpuSpan)> {
        let restarted = pod.restarts > before.restarts;
        let Totals { consumed, processed, errors, filtered, slow, timed } = risen;
        let consumed = consumed?;
        self.consumed = before.consumed + consumed;
        self.in_flight = if restarted { InFlight::default() } else { before.in_flight };
        let accounted = processed.zip(errors).zip(filtered).map(|((a, b), c)| a + b + c);
        let lost = accounted
            .and_then(|accounted| self.in_flight.push(self.at, consumed - accounted, flight));
        let shown = std::mem::replace(&mut self.cpu, before.cpu);
        self.cpu.show(shown.shown());
        let ticks = self.cpu.push(self.at, consumed, restarted);
        let spanned = |(ticks, since)| (ticks, CpuSpan::new(pod.created, since, self.at));
        let (ticks, span) = ticks.map(spanned).unwrap_or_default();
        let [errors, lost] = [errors, lost].map(|events| Count::known(events, consumed));
        let slow = timed.map(|timed| Count::known(slow, timed)).unwrap_or_default();
        Some(([errors, lost, slow, ticks], span))
    }
}

impl Totals {
    fn of(metrics: &PodMetrics, slow_from: Option<f64>) -> Self {
        let consumed = whole(metrics.consumed);
        let latency = slow_from.and_then(|edge| split(metrics.latency.as_ref()?, edge));
        Self {
            consumed,
            processed: whole(metrics.processed),
            errors: whole_or_zero(metrics.errors, consumed),
            filtered: whole_or_zero(metrics.filtered, consumed),
            slow: whole(latency.map(|(slow, _)| slow)),
            timed: whole(latency.map(|(_, all)| all)),
        }
    }

    /// What each rose by since `earlier` ones.
    fn since(&self, earlier: &Self, restarted: bool) -> Self {
        let rise = |of: fn(&Self) -> Option<f64>| rise(of(earlier), of(self), restarted);
        Self {
            consumed: rise(|it| it.consumed),
            processed: rise(|it| it.processed),
            errors: rise(|it| it.errors),
            filtered: rise(|it| it.filtered),
            slow: rise(|it| it.slow),
            timed: rise(|it| it.timed),
        }
    }

    /// Errors and filtered messages, of rises, beside what the pod exports.
    fn outcomes(&self, metrics: Option<&PodMetrics>) -> [ShownCount; 2] {
        let of = self.consumed.unwrap_or(0.0);
        let shown = |series: fn(&PodMetrics) -> Option<f64>| metrics.and_then(series).is_some();
        [
            ShownCount { count: Count::known(self.errors, of), shown: shown(|it| it.errors) },
            ShownCount { count: Count::known(self.filtered, of), shown: shown(|it| it.filtered) },
        ]
    }
}

fn unreadable(metrics: &PodMetrics, user: &[Arc<str>]) -> u32 {
    let messages = metrics.numbers().into_iter().flatten().filter(|it| !is_total(*it)).count();
    crate::numbers::tally(messages + user_counts::unreadable(metrics, user))
}
