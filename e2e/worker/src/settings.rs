//! Settings of the worker, as flags or as environment: a Deployment sets the latter.
//! Only parsing and defaults; what a knob does is `work`'s business.

// The comments of fields are the texts of --help: plain words, no markup.
#![allow(clippy::doc_markdown)]

use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::fate::Shares;

/// A Kafka consumer that "processes" records, commits, exports metrics, and misbehaves on request.
#[derive(Clone, Debug, Parser)]
// `--version` is the version that the worker plays.
#[command(about, disable_version_flag = true)]
pub struct Settings {
    /// Kafka brokers, host:port, comma separated.
    #[arg(long, env = "KAFKA_BOOTSTRAP", default_value = "127.0.0.1:9092")]
    pub bootstrap: String,
    /// Topics to consume, comma separated.
    #[arg(long, env = "TOPICS", value_delimiter = ',', default_value = "orders")]
    pub topics: Vec<String>,
    /// Consumer group.
    #[arg(long, env = "GROUP", default_value = "orders")]
    pub group: String,
    /// client.id; the pod's name where POD_NAME says it.
    #[arg(long, env = "CLIENT_ID")]
    pub client_id: Option<String>,
    /// The pod's name.
    #[arg(long, env = "POD_NAME", default_value = "worker")]
    pub pod_name: String,
    /// The version, told in the output records and in build_info.
    #[arg(long, env = "VERSION", default_value = "1")]
    pub version: String,
    /// Where each processed record is acknowledged (key: topic/partition/offset); none if empty.
    #[arg(long, env = "OUTPUT_TOPIC", default_value = "")]
    pub output_topic: String,
    /// Time spent on each record, such as 2ms or 500us.
    #[arg(long, env = "WORK_PER_MESSAGE", value_parser = duration, default_value = "0ms")]
    pub work_per_message: Duration,
    /// Share of records that end in a terminal error, 0 to 1.
    #[arg(long, env = "ERROR_SHARE", value_parser = share, default_value_t = 0.0)]
    pub error_share: f64,
    /// Share of records that are silently lost, 0 to 1.
    #[arg(long, env = "DROP_SHARE", value_parser = share, default_value_t = 0.0)]
    pub drop_share: f64,
    /// Share of records that are committed without being consumed or processed, 0 to 1.
    #[arg(long, env = "COMMIT_WITHOUT_PROCESSING", value_parser = share, default_value_t = 0.0)]
    pub commit_without_processing: f64,
    /// Hang on records whose key starts with this; their partition stands still. None if empty.
    #[arg(long, env = "STALL_ON", default_value = "")]
    pub stall_on: String,
    /// What hangs with it: the record's partition, or the whole consumer (it stays in the group).
    #[arg(long, env = "STALL_SCOPE", value_enum, default_value_t = StallScope::Partition)]
    pub stall_scope: StallScope,
    /// Exit with an error after this many records; 0: never.
    #[arg(long, env = "CRASH_AFTER", default_value_t = 0)]
    pub crash_after: u64,
    /// Exit with an error at once.
    #[arg(long, env = "CRASH_AT_START", default_value_t = false, action = clap::ArgAction::Set)]
    pub crash_at_start: bool,
    /// Bytes leaked per record.
    #[arg(long, env = "LEAK", default_value_t = 0)]
    pub leak: usize,
    /// Time between two commits.
    #[arg(long, env = "COMMIT_INTERVAL", value_parser = duration, default_value = "5s")]
    pub commit_interval: Duration,
    /// Assignment strategy of the classic protocol.
    #[arg(long, env = "ASSIGNMENT_STRATEGY", default_value = "cooperative-sticky")]
    pub assignment_strategy: String,
    /// Group protocol.
    #[arg(long, env = "GROUP_PROTOCOL", value_enum, default_value_t = GroupProtocol::Classic)]
    pub group_protocol: GroupProtocol,
    /// Static membership; none if empty. `$(POD_NAME)` in a manifest makes it the pod's own.
    #[arg(long, env = "GROUP_INSTANCE_ID", default_value = "")]
    pub group_instance_id: String,
    /// read_committed or read_uncommitted.
    #[arg(long, env = "ISOLATION_LEVEL", default_value = "read_committed")]
    pub isolation_level: String,
    /// Address of /metrics and /ready.
    #[arg(long, env = "METRICS_ADDRESS", default_value = "0.0.0.0:9100")]
    pub metrics_address: std::net::SocketAddr,
}

/// What hangs on a poisonous record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StallScope {
    /// Its partition.
    Partition,
    /// The whole consumer, which goes on polling.
    Consumer,
}

/// How members agree on partitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum GroupProtocol {
    /// `JoinGroup` and `SyncGroup`.
    Classic,
    /// KIP-848.
    Consumer,
}

impl Settings {
    /// The shares of records that meet a fault.
    #[must_use]
    pub const fn shares(&self) -> Shares {
        Shares {
            errors: self.error_share,
            drops: self.drop_share,
            skips: self.commit_without_processing,
        }
    }
}

/// `2ms`, `500us`, `5s`, `1m`.
///
/// # Errors
/// A text that is no whole number with one of these units.
pub fn duration(text: &str) -> Result<Duration, String> {
    let digits = text.trim_end_matches(|it: char| it.is_ascii_alphabetic());
    let number: u64 = digits.parse().map_err(|_| format!("{text:?}: expected like 2ms or 5s"))?;
    match &text[digits.len()..] {
        "us" => Ok(Duration::from_micros(number)),
        "ms" => Ok(Duration::from_millis(number)),
        "s" => Ok(Duration::from_secs(number)),
        "m" => Ok(Duration::from_secs(number * 60)),
        unit => Err(format!("{unit:?} is no unit: use us, ms, s or m")),
    }
}

/// A share from 0 to 1.
///
/// # Errors
/// A text that is none.
pub fn share(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    (0.0..=1.0).contains(&value).then_some(value).ok_or_else(|| "from 0 to 1".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        use clap::CommandFactory;
        Settings::command().debug_assert();
    }

    #[test]
    fn durations_have_a_unit() {
        assert_eq!(duration("500us"), Ok(Duration::from_micros(500)));
        assert_eq!(duration("5s"), Ok(Duration::from_secs(5)));
        assert!(duration("5").is_err());
        assert!(duration("s").is_err());
        assert!(duration("5h").is_err());
    }

    #[test]
    fn shares_are_within_bounds() {
        assert_eq!(share("0.3"), Ok(0.3));
        assert!(share("1.1").is_err());
        assert!(share("NaN").is_err());
    }
}
