//! How numbers are registered, and told apart by a label.
//! Knows no number.

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

/// The one label of a family: its key, and a name in the code, so that the number of values is
/// known.
type Label = [(&'static str, &'static str); 1];

/// Numbers told apart by one label.
#[derive(Debug)]
pub(super) struct Labeled<M> {
    key: &'static str,
    family: Family<Label, M>,
}

impl<M: Clone + Default> Labeled<M> {
    pub(super) fn of(&self, value: impl Into<&'static str>) -> M {
        self.family.get_or_create(&[(self.key, value.into())]).clone()
    }
}

/// Registers a number.
pub(super) fn one<M: Metric + Clone + Default>(to: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    to.register(name, help, metric.clone());
    metric
}

/// Registers numbers that the label `key` tells apart.
pub(super) fn labeled<M>(to: &mut Registry, name: &str, help: &str, key: &'static str) -> Labeled<M>
where
    M: Clone + Default,
    Family<Label, M>: Metric,
{
    Labeled { key, family: one(to, name, help) }
}

/// Registers a histogram with these bounds.
pub(super) fn histogram<const N: usize>(
    to: &mut Registry,
    name: &str,
    help: &str,
    bounds: [f64; N],
) -> Histogram {
    let histogram = Histogram::new(bounds);
    to.register(name, help, histogram.clone());
    histogram
}

/// Registers counts of what became of something.
pub(super) fn by_outcome(to: &mut Registry, name: &str, help: &str) -> Labeled<Counter> {
    labeled(to, name, help, "outcome")
}
