//! What a worker exports: the counters, the histogram, and the memory and CPU that anybody's consumer
//! has. Without labels: the pod is the target's label.

use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::text::encode;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric};
use prometheus_client::metrics::counter::{ConstCounter, Counter};
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};

/// Upper bounds in seconds: from less than a sleep to longer than any record should take.
const BUCKETS: [f64; 11] = [0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0];

/// Counters of one worker.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Records taken from Kafka.
    pub consumed: Counter,
    /// Records processed.
    pub processed: Counter,
    /// Records that ended in a terminal error.
    pub errors: Counter,
    /// Seconds per record.
    pub seconds: Histogram,
    resident: Gauge,
    registry: Arc<Registry>,
}

/// What is not told yet.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Records taken from Kafka.
    pub consumed: u64,
    /// Records processed.
    pub processed: u64,
    /// Records that ended in a terminal error.
    pub errors: u64,
}

impl Metrics {
    /// All at zero.
    #[must_use]
    pub fn new(version: &str) -> Self {
        let mut registry = Registry::default();
        let (consumed, processed, errors) =
            (Counter::default(), Counter::default(), Counter::default());
        let (seconds, resident) = (Histogram::new(BUCKETS), Gauge::default());
        registry.register("consumed", "Records taken from Kafka", consumed.clone());
        registry.register("processed", "Records processed", processed.clone());
        registry.register("errors", "Records that ended in a terminal error", errors.clone());
        let unit = Unit::Seconds;
        registry.register_with_unit("processing", "Time per record", unit, seconds.clone());
        registry.register_with_unit(
            "process_resident_memory",
            "Memory of this process",
            Unit::Bytes,
            resident.clone(),
        );
        registry.register_collector(Box::new(ProcessCpu));
        let build = Info::new([("version".to_owned(), version.to_owned())]);
        registry.register("build", "The version that runs", build);
        Self { consumed, processed, errors, seconds, resident, registry: Arc::new(registry) }
    }

    /// Tells what was counted.
    pub fn tell(&self, batch: Batch) {
        let Batch { consumed, processed, errors } = batch;
        self.consumed.inc_by(consumed);
        self.processed.inc_by(processed);
        self.errors.inc_by(errors);
    }

    /// Text of the metrics as Prometheus reads it, with memory and CPU as of now.
    #[must_use]
    pub fn text(&self) -> String {
        let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
        self.resident.set(resident_bytes(&status).unwrap_or(0));
        let mut text = String::new();
        // Writing to a String can't fail.
        encode(&mut text, &self.registry).ok();
        text
    }
}

/// The kernel counts: it is asked whenever somebody reads.
#[derive(Debug)]
struct ProcessCpu;

impl Collector for ProcessCpu {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> std::fmt::Result {
        let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
        let Some(seconds) = cpu_seconds(&stat) else { return Ok(()) };
        let counter = ConstCounter::new(seconds);
        let (unit, kind) = (Unit::Seconds, counter.metric_type());
        let help = "CPU of this process";
        counter.encode(encoder.encode_descriptor("process_cpu", help, Some(&unit), kind)?)
    }
}

/// The line `VmRSS:  1234 kB` of proc(5).
fn resident_bytes(status: &str) -> Option<i64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kibibytes: i64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    kibibytes.checked_mul(1024)
}

/// User and system time of proc(5), behind the name in parentheses, in the hundredths of a second that
/// Linux shows on every platform.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, fields) = stat.rsplit_once(')')?;
    let mut fields = fields.split_ascii_whitespace().skip(11);
    let (user, system): (f64, f64) = (fields.next()?.parse().ok()?, fields.next()?.parse().ok()?);
    Some((user + system) / 100.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_are_those_that_a_query_uses() {
        let metrics = Metrics::new("7");
        metrics.tell(Batch { consumed: 1, ..Batch::default() });
        metrics.seconds.observe(0.003);
        let text = metrics.text();
        for line in [
            "consumed_total 1\n",
            "processed_total 0\n",
            "errors_total 0\n",
            "processing_seconds_bucket{le=\"0.005\"} 1\n",
            "processing_seconds_count 1\n",
            "process_cpu_seconds_total ",
            "build_info{version=\"7\"} 1\n",
        ] {
            assert!(text.contains(line), "{line} is not in\n{text}");
        }
        let resident =
            text.lines().find_map(|it| it.strip_prefix("process_resident_memory_bytes "));
        assert!(100_000 < resident.unwrap().parse::<i64>().unwrap());
    }

    #[test]
    fn cpu_is_in_seconds() {
        let stat = "7 (a name) with) S 1 7 7 0 -1 4194560 1 0 0 0 150 25 0 0 20 0 9 0 1 1 1";
        assert_eq!(cpu_seconds(stat), Some(1.75));
        assert_eq!(cpu_seconds("7 (worker"), None);
    }

    #[test]
    fn memory_is_in_bytes() {
        assert_eq!(resident_bytes("Name:\tworker\nVmRSS:\t    2 kB\n"), Some(2048));
        assert_eq!(resident_bytes("Name:\tworker\n"), None);
    }
}
