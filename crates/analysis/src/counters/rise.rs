//! What the counters of one pod rose by between two scrapes, kind by kind.
//! Sums only; how a rise is read from totals is elsewhere.

use std::sync::Arc;

use crate::counters::counter::Count;
use crate::counters::kind::Kind;
use crate::numbers::Millis;
use crate::observation::Role;

/// What one pod counted since its previous scrape.
#[derive(Clone, Debug)]
pub(crate) struct Rise {
    pub(crate) pod: Arc<str>,
    pub(crate) role: Role,
    /// Age of the pod when counting began, in milliseconds.
    pub(crate) age: Millis,
    pub(crate) counts: [Count; 3],
    /// Messages that are most likely lost beside those counted.
    pub(crate) suspected: f64,
    /// Errors and filtered messages.
    pub(crate) outcomes: [Outcome; 2],
    /// The user's ratios; as many as the reader has names.
    pub(crate) user: Vec<UserRise>,
}

/// One outcome of one pod.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Outcome {
    pub(crate) count: Count,
    /// Whether the pod exports the series.
    pub(crate) shown: bool,
}

/// What one ratio rose by.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct UserRise {
    pub(crate) count: Count,
    pub(crate) shown: bool,
}

impl Rise {
    /// A rise of one kind alone: one that is expected, not scraped.
    pub(crate) fn expected(pod: &Arc<str>, role: Role, age: Millis, of: (Kind, Count)) -> Self {
        let mut counts = [Count::default(); 3];
        counts[of.0.index()] = of.1;
        let outcomes = [Outcome { shown: true, ..Outcome::default() }; 2];
        Self { pod: pod.clone(), role, age, counts, suspected: 0.0, outcomes, user: Vec::new() }
    }

    pub(crate) fn count(&self, kind: Kind) -> Count {
        match kind {
            Kind::Errors => self.counts[0],
            Kind::Loss => self.counts[1],
            Kind::Latency => self.counts[2],
            Kind::User(place) => self.user.get(place).map_or_else(Count::default, |it| it.count),
        }
    }

    /// Events that are known a window later, but most likely are some already.
    pub(crate) fn suspected(&self, kind: Kind) -> f64 {
        match kind {
            Kind::Loss => self.suspected,
            Kind::Errors | Kind::Latency | Kind::User(_) => 0.0,
        }
    }

    /// Whether the pod exports the series of the events.
    pub(crate) fn shows(&self, kind: Kind) -> bool {
        match kind {
            Kind::Errors | Kind::Loss | Kind::Latency => self.outcomes[0].shown,
            Kind::User(place) => self.user.get(place).is_some_and(|it| it.shown),
        }
    }

    /// Leaves a kind out that needs no definition: it isn't known.
    pub(crate) fn forget(&mut self, kind: Kind) {
        if let Some(count) = self.counts.get_mut(kind.index()) {
            *count = Count::default();
        }
        if kind == Kind::Loss {
            self.suspected = 0.0;
        }
    }

    /// Both rises of one pod together.
    pub(crate) fn add(&mut self, later: &Self) {
        self.age = self.age.min(later.age);
        // What was suspected before is counted by now, or was in flight.
        self.suspected = later.suspected;
        for (one, more) in self.outcomes.iter_mut().zip(later.outcomes) {
            *one = one.plus(more);
        }
        for (count, more) in self.counts.iter_mut().zip(later.counts) {
            *count = count.plus(more);
        }
        for (one, more) in self.user.iter_mut().zip(&later.user) {
            one.add(more);
        }
    }
}

impl Outcome {
    /// Both rises of one pod together.
    pub(crate) fn plus(self, later: Self) -> Self {
        Self { count: self.count.plus(later.count), shown: self.shown || later.shown }
    }
}

impl UserRise {
    /// Both rises of one ratio together.
    pub(crate) fn add(&mut self, later: &Self) {
        self.count = self.count.plus(later.count);
        self.shown |= later.shown;
    }
}
