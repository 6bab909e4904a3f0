//! Settings of the worker, as flags or as environment: a Deployment sets the latter.
//! Only names, defaults and what does not fit together; what a knob does is `work`'s business.

// The comments of fields are the texts of --help: plain words, no markup.
#![allow(clippy::doc_markdown)]

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::time::Duration;

use clap::{Parser, ValueEnum};

use crate::fate::Faults;
use crate::units::duration;

/// A Kafka consumer that "processes" records, commits, exports metrics, and misbehaves on request.
///
/// Each record is acknowledged in OUTPUT_TOPIC and committed only after that, so that a kill at any
/// moment repeats records and loses none; `producer verify` counts them. Which record meets a fault
/// depends on its topic, partition, offset and key only: reruns agree.
///
/// Serves /metrics for Prometheus and /ready for a readiness probe. SIGTERM: commits what is done,
/// leaves the group, ends within 2 s.
#[derive(Clone, Debug, Parser)]
// `--version` is the version that the worker plays.
#[command(name = "worker", disable_version_flag = true)]
pub struct Settings {
    /// Place and name of the worker.
    #[command(flatten)]
    pub place: Place,
    /// How it is a member of its group.
    #[command(flatten)]
    pub membership: Membership,
    /// What a record costs.
    #[command(flatten)]
    pub work: Work,
    /// What goes wrong.
    #[command(flatten)]
    pub misbehavior: Misbehavior,
}

/// Cluster, topics and group that a worker works in, and its names there.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Where and as whom")]
pub struct Place {
    /// Kafka brokers, host:port, comma separated.
    #[arg(long, env = "KAFKA_BOOTSTRAP", default_value = "127.0.0.1:9092")]
    pub bootstrap: String,
    /// Topics to consume, comma separated. One that is missing is looked for every 10 s.
    #[arg(long, env = "TOPICS", value_delimiter = ',', default_value = "orders")]
    pub topics: Vec<String>,
    /// Consumer group.
    #[arg(long, env = "GROUP", default_value = "orders")]
    pub group: String,
    /// client.id; POD_NAME unless set, else librdkafka's own "rdkafka".
    #[arg(long, env = "CLIENT_ID")]
    client_id: Option<String>,
    /// The pod's name, from the downward API; for client.id and for the acknowledgements.
    #[arg(long, env = "POD_NAME")]
    pod_name: Option<String>,
    /// A container's host name is its pod's name.
    #[arg(long, env = "HOSTNAME", hide = true, default_value = "worker")]
    hostname: String,
    /// The version that it plays, told in each acknowledgement and in the metric build_info.
    #[arg(long, env = "VERSION", default_value = "1")]
    pub version: String,
    /// Where each record is acknowledged (key: topic/partition/offset); nowhere if empty. The
    /// broker makes the topic if it may.
    #[arg(long, env = "OUTPUT_TOPIC", default_value = "")]
    pub output_topic: String,
    /// Address of /metrics and /ready.
    #[arg(long, env = "METRICS_ADDRESS", default_value = "0.0.0.0:9100")]
    pub metrics_address: SocketAddr,
}

/// How a worker is a member of its group.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Membership")]
pub struct Membership {
    /// Group protocol.
    #[arg(long, env = "GROUP_PROTOCOL", value_enum, default_value_t = GroupProtocol::Classic)]
    pub group_protocol: GroupProtocol,
    /// How partitions are shared out. Classic: range, roundrobin or cooperative-sticky (default).
    /// Consumer: range or uniform (default: the broker's choice).
    #[arg(long, env = "ASSIGNMENT_STRATEGY", value_enum)]
    pub assignment_strategy: Option<Strategy>,
    /// Static membership; none if empty. $(POD_NAME) in a manifest makes it the pod's own.
    #[arg(long, env = "GROUP_INSTANCE_ID", default_value = "")]
    pub group_instance_id: String,
    /// What is read of transactions.
    #[arg(long, env = "ISOLATION_LEVEL", value_enum, default_value_t = Isolation::ReadCommitted)]
    pub isolation_level: Isolation,
    /// Time between two commits.
    #[arg(long, env = "COMMIT_INTERVAL", value_parser = duration, default_value = "5s")]
    pub commit_interval: Duration,
}

/// What a record costs.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Work")]
pub struct Work {
    /// Time per record, such as 2ms or 500us: 2ms make 500 records a second at most.
    #[arg(long, env = "WORK_PER_MESSAGE", value_parser = duration, default_value = "0ms")]
    pub work_per_message: Duration,
    /// How that time is spent: asleep, or busy with a processor.
    #[arg(long, env = "WORK_KIND", value_enum, default_value_t = WorkKind::Sleep)]
    pub work_kind: WorkKind,
    /// For this long after its start a record costs WARM_UP_COST times as much, as while caches fill.
    #[arg(long, env = "WARM_UP", value_parser = duration, default_value = "0s")]
    pub warm_up: Duration,
    /// So many times as much, from 1 on.
    #[arg(long, env = "WARM_UP_COST", value_parser = clap::value_parser!(u32).range(1..), default_value_t = 3)]
    pub warm_up_cost: u32,
    /// Counters rise once in this time, as those of a consumer that works by batches do. At once: 0s.
    #[arg(long, env = "COUNT_EVERY", value_parser = duration, default_value = "0s")]
    pub count_every: Duration,
    /// Bytes of memory leaked per record.
    #[arg(long, env = "LEAK", default_value_t = 0)]
    pub leak: usize,
}

/// What goes wrong.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Misbehavior")]
pub struct Misbehavior {
    /// Which records meet a fault.
    #[command(flatten)]
    pub faults: Faults,
    /// What hangs then: the record's partition, or the whole consumer (it stays in the group).
    #[arg(long, env = "STALL_SCOPE", value_enum, default_value_t = StallScope::Partition)]
    pub stall_scope: StallScope,
    /// Crash after this many records: no last commit, no leaving of the group. 0: never.
    #[arg(long, env = "CRASH_AFTER", default_value_t = 0)]
    pub crash_after: u64,
    /// Leave the group after every so many records, and join it again 3 s later. 0: never.
    #[arg(long, env = "LEAVE_EVERY", default_value_t = 0)]
    pub leave_every: u64,
    /// Crash at once, true or false.
    #[arg(long, env = "CRASH_AT_START", default_value_t = false, action = clap::ArgAction::Set)]
    pub crash_at_start: bool,
}

/// What hangs on a poisonous record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum StallScope {
    /// Its partition; the others go on.
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

/// How partitions are shared out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Strategy {
    /// Neighboring partitions to one member.
    Range,
    /// One by one, in turn; every rebalance stops everyone.
    #[value(name = "roundrobin")]
    RoundRobin,
    /// Only what must move moves.
    CooperativeSticky,
    /// The broker's own, of KIP-848.
    Uniform,
}

/// What is read of transactions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Isolation {
    /// Only what was committed.
    #[value(name = "read_committed")]
    ReadCommitted,
    /// All.
    #[value(name = "read_uncommitted")]
    ReadUncommitted,
}

/// How the time of a record is spent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum WorkKind {
    /// Sleeps, as if it waited for a database.
    Sleep,
    /// Spins, as if it computed.
    Busy,
}

/// Shorter intervals between commits would only measure the broker.
const SHORTEST_COMMIT_INTERVAL: Duration = Duration::from_millis(10);

impl Settings {
    /// Checks that the settings fit together; an error is the first contradiction.
    pub fn check(&self) -> Result<(), String> {
        let sum = self.misbehavior.faults.sum();
        // Shares such as 0.7 + 0.2 + 0.1 are not exact in binary.
        if 1.0 + 1e-9 < sum {
            return Err(format!(
                "the shares of errors, drops, skips and stalls add up to {sum}; together they are at most 1"
            ));
        }
        let interval = self.membership.commit_interval;
        if interval < SHORTEST_COMMIT_INTERVAL {
            return Err(format!(
                "the commit interval is {interval:?}; it is at least {SHORTEST_COMMIT_INTERVAL:?}"
            ));
        }
        let protocol = self.membership.group_protocol;
        match (protocol, self.membership.assignment_strategy) {
            (GroupProtocol::Classic, Some(strategy @ Strategy::Uniform))
            | (
                GroupProtocol::Consumer,
                Some(strategy @ (Strategy::RoundRobin | Strategy::CooperativeSticky)),
            ) => Err(format!(
                "assignment strategy {strategy:?} does not exist in group protocol {protocol:?}"
            )),
            (GroupProtocol::Classic | GroupProtocol::Consumer, _) => Ok(()),
        }
    }
}

impl Place {
    /// What the broker knows this client as, unless it is librdkafka's default.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.client_id.as_deref().or(self.pod_name.as_deref())
    }

    /// What the acknowledgements call this worker.
    #[must_use]
    pub fn pod(&self) -> &str {
        self.pod_name.as_deref().unwrap_or(&self.hostname)
    }
}

/// Name of a choice on the command line, which is Kafka's as well.
#[must_use]
pub fn name(choice: &impl ValueEnum) -> String {
    choice.to_possible_value().map_or_else(String::new, |it| it.get_name().to_owned())
}
