//! Options of the producer, as flags or as environment: a Deployment sets the latter.
//! Only names, defaults and what does not fit together.

// The comments of fields are the texts of --help: plain words, no markup.
#![allow(clippy::doc_markdown)]

use std::time::Duration;

use super::schedule::Pattern;
use crate::units::{duration, share};

/// Longest transaction: a broker ends one after 60 s, and its commit takes some of these.
const LONGEST_TRANSACTION: Duration = Duration::from_secs(30);

/// What to produce, and for how long.
#[derive(Clone, Debug, clap::Args)]
pub struct Load {
    /// Kafka brokers, host:port, comma separated.
    #[arg(long, env = "KAFKA_BOOTSTRAP", default_value = "127.0.0.1:9092")]
    pub bootstrap: String,
    /// Topic; made if missing.
    #[arg(long, env = "TOPIC", default_value = "orders")]
    pub topic: String,
    /// Partitions of the topic if it is made.
    #[arg(long, env = "PARTITIONS", default_value_t = 12,
        value_parser = clap::value_parser!(i32).range(1..))]
    pub partitions: i32,
    /// Records per second, all partitions together.
    #[arg(long, env = "RATE", value_parser = rate, default_value = "100")]
    pub rate: f64,
    /// Share of the records that go to partition 0 whatever its turn, 0 to 1; the others take turns
    /// over all partitions.
    #[arg(long, env = "SKEW", value_parser = share, default_value_t = 0.0)]
    pub skew: f64,
    /// The rate during a burst, as a multiple.
    #[arg(long, env = "BURST_FACTOR", value_parser = rate, default_value = "1")]
    pub burst_factor: f64,
    /// Time from the end of a burst to that of the next; it begins without one.
    #[arg(long, env = "BURST_EVERY", value_parser = duration, default_value = "60s")]
    pub burst_every: Duration,
    /// Length of a burst.
    #[arg(long, env = "BURST_LENGTH", value_parser = duration, default_value = "10s")]
    pub burst_length: Duration,
    /// Share of records whose key starts with "poison", 0 to 1; the others' start with "order".
    #[arg(long, env = "POISON_SHARE", value_parser = share, default_value_t = 0.0)]
    pub poison_share: f64,
    /// Stop after this many records; 0: never.
    #[arg(long, env = "COUNT", default_value_t = 0)]
    pub count: u64,
    /// Stop after this time; 0s: never.
    #[arg(long, env = "DURATION", value_parser = duration, default_value = "0s")]
    pub duration: Duration,
    /// Records go in transactions of this length; 0s: in none. Those of a transaction that a broker's loss
    /// ended without a commit are nobody's to read, and are not sent again.
    #[arg(long, env = "TRANSACTION", value_parser = duration, default_value = "0s")]
    pub transaction: Duration,
    /// Only make the topic.
    #[arg(long)]
    pub create_only: bool,
}

impl Load {
    /// Checks that the options fit together.
    pub fn check(&self) -> Result<(), String> {
        if LONGEST_TRANSACTION < self.transaction {
            return Err(format!(
                "a transaction of {:?}: brokers end one after a minute, so ask for at most {LONGEST_TRANSACTION:?}",
                self.transaction
            ));
        }
        let (length, every) = (self.burst_length, self.burst_every);
        if every < length || every.is_zero() {
            return Err(format!("a burst of {length:?} does not fit into {every:?}"));
        }
        Ok(())
    }

    /// The rate over time.
    #[must_use]
    pub const fn pattern(&self) -> Pattern {
        Pattern {
            rate: self.rate,
            factor: self.burst_factor,
            every: self.burst_every,
            length: self.burst_length,
        }
    }

    /// Whether so many records or so much time is enough.
    #[must_use]
    pub fn is_over(&self, sent: u64, elapsed: Duration) -> bool {
        (0 < self.count && self.count <= sent)
            || (!self.duration.is_zero() && self.duration <= elapsed)
    }
}

/// A finite number that is not negative.
fn rate(text: &str) -> Result<f64, String> {
    let value: f64 = text.parse().map_err(|_| format!("{text:?} is no number"))?;
    if value.is_finite() && 0.0 <= value { Ok(value) } else { Err("0 or more".to_owned()) }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        load: Load,
    }

    fn parse(arguments: &[&str]) -> Result<Load, clap::Error> {
        Line::try_parse_from([&["producer"], arguments].concat()).map(|line| line.load)
    }

    #[test]
    fn it_goes_on_for_ever_unless_told() {
        let load = parse(&[]).unwrap();
        assert!(!load.is_over(u64::MAX, Duration::MAX));
        let load = parse(&["--count=10", "--duration=5s"]).unwrap();
        assert!(!load.is_over(9, Duration::from_secs(4)));
        assert!(load.is_over(10, Duration::ZERO));
        assert!(load.is_over(0, Duration::from_secs(5)));
    }

    #[test]
    fn bursts_fit_between_each_other() {
        assert_eq!(parse(&[]).unwrap().check(), Ok(()));
        let refused = parse(&["--burst-every=5s", "--burst-length=6s"]).unwrap().check();
        assert_eq!(refused, Err("a burst of 6s does not fit into 5s".to_owned()));
        assert!(parse(&["--burst-every=0s", "--burst-length=0s"]).unwrap().check().is_err());
    }

    #[test]
    fn a_transaction_is_shorter_than_brokers_wait() {
        assert_eq!(parse(&["--transaction=30s"]).unwrap().check(), Ok(()));
        assert!(parse(&["--transaction=31s"]).unwrap().check().is_err());
    }

    #[test]
    fn what_is_no_value_is_refused() {
        for argument in
            ["--rate=-1", "--rate=inf", "--partitions=0", "--skew=2", "--count=x", "--duration=5"]
        {
            assert!(parse(&[argument]).is_err(), "{argument}");
        }
        assert!((parse(&["--rate=0.5"]).unwrap().rate - 0.5).abs() < f64::EPSILON);
    }
}
