//! What the consumers of one rollout export: a selector per signal, and what is known by name.
//! Names only; nothing is read here.

use std::fmt;

use crate::selector::Selector;

/// What cAdvisor exports of each container: what the kernel can't reclaim, in bytes. The sandbox
/// (`POD`) and the sums over a pod (`""`) are left out, or memory would count twice.
const CADVISOR_WORKING_SET: &str =
    r#"container_memory_working_set_bytes{container!="",container!="POD"}"#;

/// What most client libraries export of their own process, in bytes. A scraped pod knows nothing
/// of its working set; resident memory is the nearest.
const PROCESS_MEMORY: &str = "process_resident_memory_bytes";

/// Which series of a pod carry which signal. All are optional; what is missing is not judged.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Counter: messages taken from Kafka.
    pub consumed: Option<Selector>,
    /// Counter: messages whose processing succeeded.
    pub processed: Option<Selector>,
    /// Counter: messages whose processing failed for good.
    pub errors: Option<Selector>,
    /// Counter: messages skipped on purpose.
    pub filtered: Option<Selector>,
    /// Base name of a classic histogram of seconds per message: without `_bucket`.
    pub latency: Option<Selector>,
    /// Gauge: memory in bytes. `None`: what the source has by itself, see
    /// [`Series::DEFAULT_WORKING_SET`] and [`Series::DEFAULT_SCRAPED_WORKING_SET`].
    pub working_set: Option<Selector>,
}

/// Names that a widespread library or exporter gives. The table with sources is in
/// `docs/metrics-sources.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Preset {
    /// Micrometer's binder for Kafka clients (Quarkus, Micronaut, Spring).
    Micrometer,
    /// The same, and Spring Kafka's listener timers.
    SpringKafka,
    /// Kafka client metrics of the OpenTelemetry Java instrumentation.
    OpenTelemetryJava,
    /// The Prometheus JMX exporter with its default name format.
    JmxExporter,
}

/// Something that a pod exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Signal {
    /// Messages taken from Kafka.
    Consumed,
    /// Messages processed.
    Processed,
    /// Messages failed.
    Errors,
    /// Messages skipped on purpose.
    Filtered,
    /// Processing time.
    Latency,
    /// Memory.
    WorkingSet,
    /// When the pod was last scraped.
    ScrapeTime,
}

impl Series {
    /// What Prometheus is asked for memory when no selector is given.
    pub const DEFAULT_WORKING_SET: &'static str = CADVISOR_WORKING_SET;

    /// What a scraped pod is asked for memory when no selector is given.
    pub const DEFAULT_SCRAPED_WORKING_SET: &'static str = PROCESS_MEMORY;

    /// These selectors, and those of `preset` where there is none.
    #[must_use]
    pub fn over(self, preset: Preset) -> Self {
        let base = preset.series();
        Self {
            consumed: self.consumed.or(base.consumed),
            processed: self.processed.or(base.processed),
            errors: self.errors.or(base.errors),
            filtered: self.filtered.or(base.filtered),
            latency: self.latency.or(base.latency),
            working_set: self.working_set.or(base.working_set),
        }
    }

    /// Whether anything of the application itself is read, not only its memory.
    #[must_use]
    pub fn has_application(&self) -> bool {
        self.clock().is_some()
    }

    /// The plain numbers, each with its selector. `memory` stands in for a missing working set.
    pub(crate) fn numbers(&self, memory: &str) -> Vec<(Signal, Selector)> {
        [
            (Signal::Consumed, self.consumed.clone()),
            (Signal::Processed, self.processed.clone()),
            (Signal::Errors, self.errors.clone()),
            (Signal::Filtered, self.filtered.clone()),
            (Signal::WorkingSet, self.working_set.clone().or_else(|| known(memory))),
        ]
        .into_iter()
        .filter_map(|(signal, selector)| Some((signal, selector?)))
        .collect()
    }

    /// The series by which it is told when the application was last scraped: one that is there
    /// from the start, so errors come last.
    pub(crate) fn clock(&self) -> Option<Selector> {
        let latency = self.latency.as_ref().map(Selector::buckets);
        [self.consumed.clone(), self.processed.clone(), latency]
            .into_iter()
            .chain([self.filtered.clone(), self.errors.clone()])
            .flatten()
            .next()
    }
}

impl Preset {
    /// Every preset.
    pub const ALL: [Self; 4] =
        [Self::Micrometer, Self::SpringKafka, Self::OpenTelemetryJava, Self::JmxExporter];

    /// The name in a spec.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Micrometer => "Micrometer",
            Self::SpringKafka => "SpringKafka",
            Self::OpenTelemetryJava => "OpenTelemetryJava",
            Self::JmxExporter => "JmxExporter",
        }
    }

    /// The preset with this name, if there is one.
    #[must_use]
    pub fn parse(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|preset| preset.name() == name)
    }

    /// Its selectors.
    #[must_use]
    pub fn series(self) -> Series {
        const MICROMETER: &str = "kafka_consumer_fetch_manager_records_consumed_total";
        match self {
            Self::Micrometer => Series { consumed: known(MICROMETER), ..Series::default() },
            Self::SpringKafka => Series {
                consumed: known(MICROMETER),
                processed: known(r#"spring_kafka_listener_seconds_count{result="success"}"#),
                errors: known(r#"spring_kafka_listener_seconds_count{result="failure"}"#),
                latency: known("spring_kafka_listener_seconds"),
                ..Series::default()
            },
            Self::OpenTelemetryJava => Series {
                consumed: known("kafka_consumer_records_consumed_total"),
                ..Series::default()
            },
            // Kafka has this attribute per client and again per client and topic: one of them.
            Self::JmxExporter => Series {
                consumed: known(
                    r#"kafka_consumer_consumer_fetch_manager_metrics_records_consumed_total{topic=""}"#,
                ),
                ..Series::default()
            },
        }
    }
}

impl fmt::Display for Signal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Consumed => "consumed",
            Self::Processed => "processed",
            Self::Errors => "errors",
            Self::Filtered => "filtered",
            Self::Latency => "latency",
            Self::WorkingSet => "workingSet",
            Self::ScrapeTime => "the time of the last scrape",
        })
    }
}

/// A selector of ours. A test parses each.
fn known(text: &str) -> Option<Selector> {
    Selector::parse(text).ok()
}

#[cfg(test)]
mod tests {
    use super::{Preset, Series, Signal};
    use crate::selector::Selector;

    fn selector(text: &str) -> Option<Selector> {
        Selector::parse(text).ok()
    }

    #[test]
    fn every_known_name_is_a_selector() {
        for preset in Preset::ALL {
            let series = preset.series();
            assert!(series.consumed.is_some(), "{preset:?}");
            assert_eq!(Preset::parse(preset.name()), Some(preset));
        }
        let spring = Preset::SpringKafka.series();
        assert!(spring.processed.is_some() && spring.errors.is_some() && spring.latency.is_some());
        assert_eq!(Preset::parse("spring"), None);
        for memory in [Series::DEFAULT_WORKING_SET, Series::DEFAULT_SCRAPED_WORKING_SET] {
            let numbers = Series::default().numbers(memory);
            assert_eq!(numbers.len(), 1);
            assert_eq!(
                (numbers[0].0, Some(&numbers[0].1)),
                (Signal::WorkingSet, selector(memory).as_ref())
            );
        }
    }

    #[test]
    fn single_selectors_override_a_preset() {
        let own = Series {
            consumed: selector("mine_total"),
            working_set: selector("rss"),
            ..Series::default()
        };
        let series = own.over(Preset::SpringKafka);
        assert_eq!(series.consumed, selector("mine_total"));
        assert_eq!(series.latency, selector("spring_kafka_listener_seconds"));
        assert_eq!(series.working_set, selector("rss"));
        assert_eq!(series.filtered, None);
    }

    #[test]
    fn the_clock_is_a_series_that_is_there_from_the_start() {
        let clock = |series: &Series| series.clock().map(|selector| selector.name().to_owned());
        let mut series = Series { errors: selector("e"), ..Series::default() };
        assert_eq!(clock(&series).as_deref(), Some("e"));
        series.latency = selector("l");
        assert_eq!(clock(&series).as_deref(), Some("l_bucket"));
        series.processed = selector("p");
        assert_eq!(clock(&series).as_deref(), Some("p"));
        series.consumed = selector("c");
        assert_eq!(clock(&series).as_deref(), Some("c"));
        assert_eq!(clock(&Series::default()), None);
    }
}
