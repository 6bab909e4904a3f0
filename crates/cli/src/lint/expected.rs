//! The group that a rollout is expected to meet: flags of `lint`, with their bounds.
//! Parses only; what follows from them is in `forecast`.

use clap::Args;
use siskin_api::Duration;

/// As many as spec.replicas can ask for.
const MOST_CONSUMERS: u32 = 1_000;
/// More than any Kafka cluster has.
const MOST_PARTITIONS: u32 = 1_000_000;
/// Below, the judge finds no bucket edge to compare by.
const LEAST_SLOW_SHARE: f64 = 0.01;
/// Above, the judge finds no bucket edge to compare by.
const MOST_SLOW_SHARE: f64 = 0.3;

/// The group at work, for an estimate of what the steps can find.
#[derive(Clone, Debug, Args)]
#[command(next_help_heading = "What can the steps find?")]
pub(crate) struct Expected {
    /// Pods of both roles together, 1 to 1000. Default: spec.replicas.
    #[arg(long, value_name = "N", requires = "rate", value_parser = |it: &str| whole(it, MOST_CONSUMERS))]
    pub(crate) consumers: Option<u32>,
    /// Partitions of all topics, 1 to 1000000.
    #[arg(long, value_name = "P", requires = "rate", value_parser = |it: &str| whole(it, MOST_PARTITIONS))]
    pub(crate) partitions: Option<u32>,
    /// Messages per second of the whole group, above 0, as at the quietest hour in which you roll
    /// out.
    #[arg(long, value_name = "R", requires = "partitions", value_parser = rate)]
    pub(crate) rate: Option<f64>,
    /// How often a consumer commits, 1s to 1h.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = commit_interval)]
    pub(crate) commit_interval: Duration,
    /// The judge gets metrics of the application: errors, messages processed, processing times,
    /// memory. Without, it has Kafka and Kubernetes alone.
    #[arg(long, requires = "rate")]
    pub(crate) metrics: bool,
    /// Part of the messages that fails in the version that runs now, 0 to 1.
    #[arg(long, value_name = "PART", default_value = "0.01", requires = "metrics", value_parser = |it: &str| part(it, 0.0, 1.0))]
    pub(crate) error_rate: f64,
    /// Part of the messages above the bucket edge that is compared: the judge takes the one
    /// nearest 0.1, from 0.01 to 0.3.
    #[arg(long, value_name = "PART", default_value = "0.1", requires = "metrics", value_parser = |it: &str| part(it, LEAST_SLOW_SHARE, MOST_SLOW_SHARE))]
    pub(crate) slow_share: f64,
}

impl Expected {
    /// Whether an estimate is asked for.
    pub(crate) fn is_given(&self) -> bool {
        self.rate.is_some()
    }
}

fn whole(text: &str, most: u32) -> Result<u32, String> {
    let value: Option<u32> = text.parse().ok();
    value.filter(|it| (1..=most).contains(it)).ok_or(format!("want a whole number, 1 to {most}"))
}

fn rate(text: &str) -> Result<f64, String> {
    // A thousand million messages a second are more than any group reads.
    let value: Option<f64> = text.parse().ok();
    value
        .filter(|it| 0.0 < *it && *it <= 1e9)
        .ok_or_else(|| "want messages per second, above 0, at most 1000000000".to_owned())
}

fn commit_interval(text: &str) -> Result<Duration, String> {
    let value: Duration = text.parse().map_err(|it| format!("{it}"))?;
    let range = Duration::from_secs(1)..=Duration::from_hours(1);
    if range.contains(&value) { Ok(value) } else { Err("want 1s to 1h".to_owned()) }
}

fn part(text: &str, least: f64, most: f64) -> Result<f64, String> {
    let value: Option<f64> = text.parse().ok();
    value
        .filter(|it| (least..=most).contains(it))
        .ok_or(format!("want a part of all messages, {least} to {most}"))
}
