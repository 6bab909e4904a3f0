//! The pods at one moment, as a record keeps them: names once, what they export packed.
//! It only remembers; what a counter means is not known here.

use std::sync::Arc;

use crate::observation::packed::{Packer, Unpacker};
use crate::observation::{Histogram, PodMetrics, PodObservation, UserReading};

/// Pods at one moment.
#[derive(Clone, Debug)]
pub(super) struct PodsSample {
    /// The pods as they were first seen like this, shared by all samples in which nothing but numbers
    /// of their metrics has changed.
    first: Arc<[PodObservation]>,
    /// Their numbers beside those of the first; `None`: they are the same.
    numbers: Option<Box<[u8]>>,
}

impl PodsSample {
    /// The pods, with what they have in common with the sample before.
    pub(super) fn new(pods: &[PodObservation], earlier: Option<&Self>) -> Self {
        let alike = |first: &[PodObservation]| {
            first.len() == pods.len() && first.iter().zip(pods).all(|(a, b)| is_alike(a, b))
        };
        let Some(earlier) = earlier.filter(|it| alike(&it.first)) else {
            return Self { first: pods.into(), numbers: None };
        };
        let first = earlier.first.clone();
        if *first == *pods {
            return Self { first, numbers: None };
        }
        let mut packer = Packer::default();
        for (before, now) in first.iter().zip(pods) {
            if let Some((before, now)) = before.metrics.as_ref().zip(now.metrics.as_ref()) {
                pack(now, before, &mut packer);
            }
        }
        Self { first, numbers: Some(packer.finish()) }
    }

    /// The pods as they were observed.
    pub(super) fn observations(&self) -> Vec<PodObservation> {
        let mut pods = self.first.to_vec();
        if let Some(numbers) = &self.numbers {
            let mut unpacker = Unpacker::new(numbers);
            pods.iter_mut()
                .filter_map(|it| it.metrics.as_mut())
                .for_each(|it| unpack(it, &mut unpacker));
        }
        pods
    }

    /// Bytes of its own: the first is shared.
    pub(super) fn bytes(&self) -> usize {
        self.numbers.as_ref().map_or(0, |it| it.len())
    }
}

/// Whether two observations of a pod differ in numbers of its metrics at most.
fn is_alike(one: &PodObservation, other: &PodObservation) -> bool {
    let PodObservation {
        name,
        role,
        created,
        ready,
        terminating,
        restarts,
        oom_kills,
        crash_loop,
        containers,
        node,
        metrics,
    } = other;
    let same_metrics = match (&one.metrics, metrics) {
        (Some(one), Some(other)) => has_same_names(one, other),
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    same_metrics
        && one.name == *name
        && one.role == *role
        && one.created == *created
        && (one.ready, one.terminating) == (*ready, *terminating)
        && (one.restarts, one.oom_kills) == (*restarts, *oom_kills)
        && one.crash_loop == *crash_loop
        && one.containers == *containers
        && one.node == *node
}

/// Whether two readings have the same histogram edges and the same metrics of the user.
fn has_same_names(one: &PodMetrics, other: &PodMetrics) -> bool {
    let same_edges = match (&one.latency, &other.latency) {
        (Some(one), Some(other)) => {
            one.counts.len() == other.counts.len()
                && one.edges.len() == other.edges.len()
                && one.edges.iter().zip(&*other.edges).all(|(a, b)| a.to_bits() == b.to_bits())
        }
        (None, None) => true,
        (Some(_), None) | (None, Some(_)) => false,
    };
    same_edges && one.user.keys().eq(other.user.keys())
}

/// Puts the numbers of a reading beside those of another with the same names.
fn pack(now: &PodMetrics, before: &PodMetrics, packer: &mut Packer) {
    for (value, near) in numbers(now).zip(numbers(before)) {
        packer.real(value, near);
    }
}

/// All numbers of a reading, in the order in which they are put.
fn numbers(metrics: &PodMetrics) -> impl Iterator<Item = Option<f64>> {
    let histogram = metrics.latency.iter();
    let histogram = histogram.flat_map(|it| std::iter::once(&it.total).chain(&it.counts));
    let user = metrics.user.values().flat_map(|it| [it.events, it.total, it.value]);
    metrics.numbers().into_iter().chain(histogram.map(|it| Some(*it))).chain(user)
}

/// Replaces the numbers of a reading by those that were put beside it.
fn unpack(metrics: &mut PodMetrics, unpacker: &mut Unpacker<'_>) {
    let PodMetrics {
        consumed,
        processed,
        errors,
        filtered,
        latency,
        working_set,
        memory_limit,
        cpu_seconds,
        user,
    } = metrics;
    let counters = [consumed, processed, errors, filtered];
    for value in counters.into_iter().chain([working_set, memory_limit, cpu_seconds]) {
        *value = unpacker.real(*value);
    }
    if let Some(Histogram { edges: _, counts, total }) = latency {
        *total = unpacker.real(Some(*total)).unwrap_or_default();
        for count in counts {
            *count = unpacker.real(Some(*count)).unwrap_or_default();
        }
    }
    for UserReading { events, total, value } in user.values_mut() {
        for number in [events, total, value] {
            *number = unpacker.real(*number);
        }
    }
}
