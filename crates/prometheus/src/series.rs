//! What the consumers of one rollout export: a selector per signal, and what is known by name.
//! Names only; nothing is read here.

use crate::selector::Selector;

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
    /// Counter: CPU seconds. `None`: what the source has by itself, see [`Series::DEFAULT_CPU`] and
    /// [`Series::DEFAULT_SCRAPED_CPU`].
    pub cpu: Option<Selector>,
}

/// Series names of a widespread library or exporter. `docs/metrics-sources.md` has the table with
/// its sources.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Preset {
    /// Micrometer's binder for Kafka clients (Quarkus, Micronaut, Spring).
    Micrometer,
    /// Micrometer's binder for Kafka clients, and Spring Kafka's listener timers.
    SpringKafka,
    /// Kafka client metrics of the OpenTelemetry Java instrumentation.
    OpenTelemetryJava,
    /// The Prometheus JMX exporter with its default name format.
    JmxExporter,
}

/// Series that a source has by itself.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Defaults {
    memory: &'static str,
    cpu: &'static str,
}

impl Defaults {
    /// In Prometheus: cAdvisor's.
    pub(crate) const PROMETHEUS: Self =
        Self { memory: Series::DEFAULT_WORKING_SET, cpu: Series::DEFAULT_CPU };
    /// In a pod: those of most client libraries.
    pub(crate) const SCRAPED: Self =
        Self { memory: Series::DEFAULT_SCRAPED_WORKING_SET, cpu: Series::DEFAULT_SCRAPED_CPU };
}

/// Something that a pod exports.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, strum::Display)]
#[strum(serialize_all = "camelCase")]
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
    /// CPU time.
    Cpu,
    /// When the pod was last scraped.
    #[strum(to_string = "the time of the last scrape")]
    ScrapeTime,
}

impl Series {
    /// Series of memory in bytes that Prometheus is asked for when no selector is given: cAdvisor's
    /// gauge of what the kernel can't reclaim, per container. The sandbox (`POD`) and the sums over a
    /// pod (`""`) are left out, or memory would count twice.
    pub const DEFAULT_WORKING_SET: &'static str =
        r#"container_memory_working_set_bytes{container!="",container!="POD"}"#;

    /// Series of memory in bytes that is read from a scraped pod when no selector is given: most
    /// client libraries export it. A scraped pod does not know its working set; resident memory is
    /// the nearest.
    pub const DEFAULT_SCRAPED_WORKING_SET: &'static str = "process_resident_memory_bytes";

    /// Series of CPU seconds that Prometheus is asked for when no selector is given, beside the
    /// memory's: of all containers, without the sums.
    pub const DEFAULT_CPU: &'static str =
        r#"container_cpu_usage_seconds_total{container!="",container!="POD"}"#;

    /// Series of CPU seconds that is read from a scraped pod when no selector is given.
    pub const DEFAULT_SCRAPED_CPU: &'static str = "process_cpu_seconds_total";

    /// Fills in the selectors of `preset` where there is none.
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
            cpu: self.cpu.or(base.cpu),
        }
    }

    /// Whether anything of the application itself is read, not only its memory.
    #[must_use]
    pub fn has_application(&self) -> bool {
        self.clock().is_some()
    }

    /// The plain numbers, each with its selector. `defaults` stand in for a missing working set and
    /// for missing CPU seconds, which say nothing without the messages that they were spent on.
    pub(crate) fn numbers(&self, defaults: Defaults) -> Vec<(Signal, Selector)> {
        let cpu = self.cpu.clone().or_else(|| known(defaults.cpu));
        [
            (Signal::Consumed, self.consumed.clone()),
            (Signal::Processed, self.processed.clone()),
            (Signal::Errors, self.errors.clone()),
            (Signal::Filtered, self.filtered.clone()),
            (Signal::WorkingSet, self.working_set.clone().or_else(|| known(defaults.memory))),
            (Signal::Cpu, cpu.filter(|_| self.consumed.is_some())),
        ]
        .into_iter()
        .filter_map(|(signal, selector)| Some((signal, selector?)))
        .collect()
    }

    /// The series that tells when the application was last scraped: one that is there from the
    /// start, so errors come last.
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
    /// The preset's selectors.
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

/// Parses a selector that is written in this file: a test holds that each is one.
fn known(text: &str) -> Option<Selector> {
    Selector::parse(text).ok()
}

#[cfg(test)]
mod tests {
    use super::{Defaults, Preset, Series, Signal};
    use crate::selector::Selector;

    fn selector(text: &str) -> Option<Selector> {
        Selector::parse(text).ok()
    }

    #[test]
    fn every_known_name_is_a_selector() {
        use Preset::{JmxExporter, Micrometer, OpenTelemetryJava, SpringKafka};
        for preset in [Micrometer, SpringKafka, OpenTelemetryJava, JmxExporter] {
            assert!(preset.series().consumed.is_some(), "{preset:?}");
        }
        let spring = SpringKafka.series();
        assert!(spring.processed.is_some() && spring.errors.is_some() && spring.latency.is_some());
        for defaults in [Defaults::PROMETHEUS, Defaults::SCRAPED] {
            let memory = (Signal::WorkingSet, selector(defaults.memory).expect("a selector"));
            assert_eq!(Series::default().numbers(defaults), [memory], "CPU on no messages");
            let cpu = (Signal::Cpu, selector(defaults.cpu).expect("a selector"));
            let counting = Series { consumed: selector("c"), ..Series::default() };
            assert_eq!(counting.numbers(defaults).last(), Some(&cpu));
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
