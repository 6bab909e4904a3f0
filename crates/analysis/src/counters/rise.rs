//! What the counters of one pod rose by between two scrapes, kind by kind.
//! Sums only; how a rise is read from totals is elsewhere.

use std::sync::Arc;

use crate::counters::counter::Count;
use crate::counters::cpu::CpuSpan;
use crate::counters::kind::Kind;
use crate::numbers::Millis;
use crate::observation::Role;

/// Counts of one pod since its previous scrape.
#[derive(Clone, Debug)]
pub(crate) struct Rise {
    pub(crate) pod: Arc<str>,
    pub(crate) role: Role,
    /// Age of the pod when counting began, in milliseconds.
    pub(crate) age: Millis,
    pub(crate) counts: [Count; 4],
    /// The time over which CPU was counted, which has a pace of its own.
    pub(crate) cpu: CpuSpan,
    /// Errors and filtered messages.
    pub(crate) outcomes: [ShownCount; 2],
    /// The user's ratios, in the order of the reader's names.
    pub(crate) user: Vec<ShownCount>,
}

/// A count of one pod, and whether the pod exports the series of its events.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct ShownCount {
    pub(crate) count: Count,
    pub(crate) shown: bool,
}

impl Rise {
    /// An expected rise of one kind alone, not a scraped one.
    pub(crate) fn expected(pod: &Arc<str>, role: Role, age: Millis, of: (Kind, Count)) -> Self {
        let mut counts = [Count::default(); 4];
        counts[of.0.index()] = of.1;
        let outcomes = [ShownCount { shown: true, ..ShownCount::default() }; 2];
        let cpu = CpuSpan { age, seconds: 0.0 };
        Self { pod: pod.clone(), role, age, counts, cpu, outcomes, user: Vec::new() }
    }

    pub(crate) fn count(&self, kind: Kind) -> Count {
        match kind {
            Kind::Errors | Kind::Loss | Kind::Latency | Kind::Cpu => self.counts[kind.index()],
            Kind::User(index) => self.user.get(index).map_or_else(Count::default, |it| it.count),
        }
    }

    /// Age of the pod when counting of a kind began, in milliseconds.
    pub(crate) fn age_of(&self, kind: Kind) -> Millis {
        match kind {
            Kind::Errors | Kind::Loss | Kind::Latency | Kind::User(_) => self.age,
            Kind::Cpu => self.cpu.age,
        }
    }

    /// Whether the pod exports the series of the events.
    pub(crate) fn shows(&self, kind: Kind) -> bool {
        match kind {
            Kind::Errors | Kind::Loss | Kind::Latency | Kind::Cpu => self.outcomes[0].shown,
            Kind::User(index) => self.user.get(index).is_some_and(|it| it.shown),
        }
    }

    /// Leaves a built-in kind out, because its count isn't known.
    pub(crate) fn forget(&mut self, kind: Kind) {
        if let Some(count) = self.counts.get_mut(kind.index()) {
            *count = Count::default();
        }
    }

    /// Adds a later rise of the same pod.
    pub(crate) fn add(&mut self, later: &Self) {
        self.age = self.age.min(later.age);
        self.cpu = self.cpu.plus(later.cpu);
        for (one, more) in self.outcomes.iter_mut().zip(later.outcomes) {
            *one = one.plus(more);
        }
        for (count, more) in self.counts.iter_mut().zip(later.counts) {
            *count = count.plus(more);
        }
        for (one, more) in self.user.iter_mut().zip(&later.user) {
            *one = one.plus(*more);
        }
    }
}

/// The count of one kind of each primary pod that has any.
pub(crate) fn primary_counts(
    kind: Kind,
    window: &[Rise],
) -> impl Iterator<Item = (&Arc<str>, Count)> {
    let primary = window.iter().filter(|rise| rise.role == Role::Primary);
    let counted = primary.map(move |rise| (&rise.pod, rise.count(kind)));
    counted.filter(|(_, count)| count.of > 0.0)
}

impl ShownCount {
    /// Both counts of one pod together.
    pub(crate) fn plus(self, later: Self) -> Self {
        Self { count: self.count.plus(later.count), shown: self.shown || later.shown }
    }
}
