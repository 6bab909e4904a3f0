//! What a worker exports: the counters and the histogram that anybody's consumer has.

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

/// Counters of one worker.
#[derive(Clone, Debug)]
pub struct Metrics {
    /// Records taken from Kafka.
    pub consumed: Counter,
    /// Records processed.
    pub processed: Counter,
    /// Records that ended in a terminal error.
    pub errors: Counter,
    /// Bytes leaked on request.
    pub leaked: Gauge,
    /// Seconds per record.
    pub seconds: Histogram,
    registry: std::sync::Arc<Registry>,
}

impl Metrics {
    /// All at zero.
    #[must_use]
    pub fn new(version: &str) -> Self {
        let mut registry = Registry::default();
        let (consumed, processed, errors) =
            (Counter::default(), Counter::default(), Counter::default());
        let leaked = Gauge::default();
        let seconds =
            Histogram::new([0.0005, 0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0]);
        registry.register("consumed", "Records taken from Kafka", consumed.clone());
        registry.register("processed", "Records processed", processed.clone());
        registry.register("errors", "Records that ended in a terminal error", errors.clone());
        registry.register("leaked_bytes", "Bytes leaked on request", leaked.clone());
        registry.register("processing_seconds", "Seconds per record", seconds.clone());
        let build = Info::new([("version".to_owned(), version.to_owned())]);
        registry.register("build", "The version that runs", build);
        Self { consumed, processed, errors, leaked, seconds, registry: registry.into() }
    }

    /// As Prometheus reads them.
    #[must_use]
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a String can't fail.
        encode(&mut text, &self.registry).ok();
        text
    }
}
