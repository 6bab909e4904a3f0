//! When the process of a client that ended is started again: after a pause, or after an hour.
//! Starts nothing; time is a parameter.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

use crate::config::ClusterConfig;

/// Pause after a first crash: it may have been for want of memory.
const PAUSE: Duration = Duration::from_secs(5);
/// Crashes that are not further apart than this come of the same thing. Samples are at most 60 s
/// apart, also after failures: an answer that ends the process is given again within it.
const SHORT_TIME: Duration = Duration::from_secs(600);
/// Pause after a second crash: each costs a process, and tells on the log and the alert.
const QUARANTINE: Duration = Duration::from_secs(3_600);
/// Clusters that are remembered. A namespace with more that crash is asked about each anew.
const MOST_REMEMBERED: usize = 1_000;

/// What is remembered of processes that ended, for all clusters. Credentials are part of a cluster;
/// they are hashed, not kept.
#[derive(Default)]
pub(super) struct Crashes {
    keys: RandomState,
    records: Mutex<HashMap<u64, CrashRecord>>,
}

#[derive(Clone, Copy)]
struct CrashRecord {
    /// When a process may be started again.
    blocked_until: Instant,
    /// A crash before this is no first one.
    forgiven_at: Instant,
    pause: Pause,
}

/// Why no process is started now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Pause {
    /// The process has just crashed.
    AfterCrash,
    /// The process has crashed twice in short time.
    Quarantine,
}

impl Crashes {
    /// Notes that the process of this cluster ended at `now`, and says what follows.
    pub(super) fn note(&self, cluster: &ClusterConfig, now: Instant) -> Pause {
        let mut records = self.records.lock();
        records.retain(|_, it| now < it.forgiven_at);
        let key = self.keys.hash_one(cluster);
        let (pause, length) = match records.get(&key) {
            Some(_) => (Pause::Quarantine, QUARANTINE),
            None => (Pause::AfterCrash, PAUSE),
        };
        let blocked_until = now + length;
        if records.len() < MOST_REMEMBERED || records.contains_key(&key) {
            let forgiven_at = blocked_until + SHORT_TIME;
            records.insert(key, CrashRecord { blocked_until, forgiven_at, pause });
        }
        pause
    }

    /// Why no process of this cluster is started at `now`.
    pub(super) fn pause(&self, cluster: &ClusterConfig, now: Instant) -> Option<Pause> {
        let records = self.records.lock();
        let record = records.get(&self.keys.hash_one(cluster))?;
        (now < record.blocked_until).then_some(record.pause)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cluster(server: &str) -> ClusterConfig {
        ClusterConfig::new([server.to_owned()], None).expect("an address")
    }

    #[test]
    fn two_crashes_in_short_time_are_a_quarantine_of_an_hour_and_so_is_the_next() {
        let (crashes, bad, now) = (Crashes::default(), cluster("bad:1"), Instant::now());
        let at = |seconds| now + Duration::from_secs(seconds);
        assert_eq!(crashes.pause(&bad, at(0)), None);
        assert_eq!(crashes.note(&bad, at(0)), Pause::AfterCrash);
        assert_eq!(crashes.pause(&bad, at(4)), Some(Pause::AfterCrash));
        assert_eq!(crashes.pause(&bad, at(5)), None);
        assert_eq!(crashes.note(&bad, at(60)), Pause::Quarantine);
        assert_eq!(crashes.pause(&bad, at(3_659)), Some(Pause::Quarantine));
        assert_eq!(crashes.pause(&bad, at(3_660)), None, "tried again");
        assert_eq!(crashes.note(&bad, at(3_670)), Pause::Quarantine, "one more is enough");
        assert_eq!(crashes.pause(&cluster("good:1"), at(3_670)), None);
    }

    #[test]
    fn crashes_that_are_far_apart_are_each_a_first_one() {
        let (crashes, bad, now) = (Crashes::default(), cluster("bad:1"), Instant::now());
        for hour in 0..5 {
            let at = now + Duration::from_secs(hour * 3_600);
            assert_eq!(crashes.note(&bad, at), Pause::AfterCrash);
        }
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let (crashes, now) = (Crashes::default(), Instant::now());
        for port in 1..=5_000 {
            crashes.note(&cluster(&format!("bad:{port}")), now);
        }
        assert_eq!(crashes.records.lock().len(), MOST_REMEMBERED);
    }
}
