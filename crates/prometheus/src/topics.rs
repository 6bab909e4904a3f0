//! A counter per topic, where a client library may have registered a topic twice: since kafka-clients
//! 4.1 once as it is named and once with `_` for each `.`. Adds up; knows no pod.

use std::collections::BTreeMap;

/// Counters of one pod by topic.
#[derive(Debug, Default)]
pub(crate) struct TopicCounts {
    /// By the name with `_`: Kafka makes no two topics that differ in that alone.
    topics: BTreeMap<String, TopicCount>,
    lowest: f64,
}

/// Counters of one topic, under the name with dots and the one without.
#[derive(Debug, Default)]
struct TopicCount {
    dotted: Option<f64>,
    plain: Option<f64>,
}

impl TopicCounts {
    /// Adds the counter of one series; without a topic it is one of its own.
    pub(crate) fn add(&mut self, topic: &str, value: f64) {
        self.lowest = self.lowest.min(value);
        let count = self.topics.entry(topic.replace('.', "_")).or_default();
        let name = if topic.contains('.') { &mut count.dotted } else { &mut count.plain };
        *name = Some(name.unwrap_or(0.0) + value);
    }

    /// The sum over all topics, each once; the lowest counter if that is negative, since it makes the
    /// sum wrong even where the others hide it.
    pub(crate) fn sum(&self) -> f64 {
        if self.lowest < 0.0 {
            return self.lowest;
        }
        self.topics.values().map(TopicCount::value).sum()
    }

    /// Topics that were counted under two names.
    pub(crate) fn doubled(&self) -> u32 {
        let twice = self.topics.values().filter(|it| it.dotted.is_some() && it.plain.is_some());
        u32::try_from(twice.count()).unwrap_or(u32::MAX)
    }
}

impl TopicCount {
    /// The later of two that are read a moment apart; what is no number stays none.
    fn value(&self) -> f64 {
        match (self.dotted, self.plain) {
            (Some(dotted), Some(plain)) if dotted.is_nan() || plain < dotted => dotted,
            (Some(dotted), None) => dotted,
            (_, Some(plain)) => plain,
            (None, None) => 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TopicCounts;

    fn counts(of: &[(&str, f64)]) -> TopicCounts {
        let mut counts = TopicCounts::default();
        for (topic, value) in of {
            counts.add(topic, *value);
        }
        counts
    }

    #[test]
    fn a_topic_under_two_names_counts_once() {
        let twice = counts(&[("orders.eu", 100.0), ("orders_eu", 99.0), ("carts", 7.0)]);
        assert_eq!((twice.sum(), twice.doubled()), (107.0, 1));
        let clients = counts(&[("a.b", 10.0), ("a.b", 5.0), ("a_b", 10.0), ("a_b", 5.0)]);
        assert_eq!((clients.sum(), clients.doubled()), (15.0, 1), "two consumers of one pod");
        let plain = counts(&[("orders_eu", 3.0), ("", 4.0)]);
        assert_eq!((plain.sum(), plain.doubled()), (7.0, 0));
        assert!(counts(&[("a", -1.0), ("b", 5.0)]).sum() < 0.0, "wrong, and shown to be");
        assert!(counts(&[("a", f64::NAN), ("b", 5.0)]).sum().is_nan(), "unknown, not less");
    }
}
