//! Whether a primary pod is slow at the same time and in the same way: then the place is slow, a
//! node or a shard, and not the version. Spares a canary; it can never convict one.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use crate::counters::counter::Count;
use crate::counters::kind::Kind;
use crate::counters::rise::Rise;
use crate::numbers::median;
use crate::observation::Role;

/// Windows of counts that tell how slow a pod is now: half a minute.
const RECENT_WINDOWS: usize = 3;
/// Primary pods from which their median says what is usual.
const ENOUGH_PODS: usize = 3;
/// Slow messages from which a share of them is one.
const ENOUGH_SLOW_MESSAGES: f64 = 10.0;
/// A primary pod is slow if it has this many times the median share of slow messages.
const SLOW_RATIO: f64 = 1.5;
/// A canary is as slow as that pod up to this multiple of its share: half a minute is a small sample.
const ALIKE_RATIO: f64 = 1.25;

/// Slow messages of every pod in the latest windows.
#[derive(Clone, Debug, Default)]
pub(crate) struct Peers {
    recent: VecDeque<Vec<(Arc<str>, Role, Count)>>,
    /// Canary pods that have such a peer now: asked for with every partition that lags.
    alike: BTreeSet<Arc<str>>,
}

impl Peers {
    /// Takes a window of all pods.
    pub(crate) fn add(&mut self, window: &[Rise]) {
        if self.recent.len() == RECENT_WINDOWS {
            self.recent.pop_front();
        }
        let slow = |rise: &Rise| (rise.pod.clone(), rise.role, rise.count(Kind::Latency));
        self.recent.push_back(window.iter().map(slow).collect());
        self.alike = self.alike_now();
    }

    /// Whether some primary pod is slow, and this canary pod no slower than it.
    pub(crate) fn one_is_as_slow(&self, pod: &str) -> bool {
        self.alike.contains(pod)
    }

    /// Whether every canary pod that processes anything has such a peer.
    pub(crate) fn every_canary_has_one(&self) -> bool {
        let canary = self.counts(Role::Canary);
        !canary.is_empty() && canary.keys().all(|pod| self.alike.contains(*pod))
    }

    fn alike_now(&self) -> BTreeSet<Arc<str>> {
        let primary = self.counts(Role::Primary);
        let mut shares: Vec<f64> = primary.values().map(|count| count.rate()).collect();
        let slowest = primary.values().max_by(|a, b| a.rate().total_cmp(&b.rate()));
        let Some((slowest, usual)) = slowest.zip(median(&mut shares)) else {
            return BTreeSet::new();
        };
        let is_slow =
            slowest.events >= ENOUGH_SLOW_MESSAGES && slowest.rate() >= SLOW_RATIO * usual;
        if shares.len() < ENOUGH_PODS || !is_slow {
            return BTreeSet::new();
        }
        let canary = self.counts(Role::Canary).into_iter();
        let alike = canary.filter(|(_, count)| count.rate() <= ALIKE_RATIO * slowest.rate());
        alike.map(|(pod, _)| pod.clone()).collect()
    }

    /// Slow messages of every pod of a role that processed anything.
    fn counts(&self, role: Role) -> BTreeMap<&Arc<str>, Count> {
        let mut counts: BTreeMap<&Arc<str>, Count> = BTreeMap::new();
        let of_role = self.recent.iter().flatten().filter(|one| one.1 == role && one.2.of > 0.0);
        for (pod, _, count) in of_role {
            let sum = counts.entry(pod).or_default();
            *sum = sum.plus(*count);
        }
        counts
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// One window: 1,000 messages of each pod, of which so many were slow.
    fn seen(primary: &[f64], canary: f64) -> Peers {
        let one = |name: String, role, events| {
            let count = Count { events, of: 1_000.0 };
            Rise::expected(&Arc::from(name), role, 0, (Kind::Latency, count))
        };
        let old = primary.iter().enumerate();
        let old = old.map(|(index, slow)| one(format!("primary-{index}"), Role::Primary, *slow));
        let mut peers = Peers::default();
        peers.add(&old.chain([one("canary".into(), Role::Canary, canary)]).collect::<Vec<_>>());
        peers
    }

    #[test]
    fn a_canary_has_a_peer_where_one_primary_pod_is_as_slow() {
        assert!(seen(&[100.0, 280.0, 100.0, 100.0], 290.0).one_is_as_slow("canary"));
        assert!(!seen(&[100.0, 280.0, 100.0, 100.0], 400.0).one_is_as_slow("canary"), "slower");
        assert!(!seen(&[100.0, 110.0, 95.0, 100.0], 290.0).one_is_as_slow("canary"), "alone");
        assert!(!seen(&[100.0, 110.0, 95.0, 100.0], 100.0).one_is_as_slow("canary"), "nobody is");
    }

    #[test]
    fn nobody_is_a_peer_of_a_pod_that_was_not_seen_or_where_too_little_was() {
        assert!(!Peers::default().one_is_as_slow("canary"));
        assert!(!seen(&[100.0, 280.0, 100.0], 280.0).one_is_as_slow("another"));
        assert!(!seen(&[100.0, 280.0], 280.0).one_is_as_slow("canary"), "what is usual?");
        assert!(!seen(&[1.0, 9.0, 1.0], 9.0).one_is_as_slow("canary"), "by chance");
    }

    #[test]
    fn a_pod_that_was_slow_half_a_minute_ago_is_no_peer() {
        let mut peers = seen(&[100.0, 900.0, 100.0], 300.0);
        for _ in 0..RECENT_WINDOWS {
            let now = seen(&[100.0, 100.0, 100.0], 300.0).recent.remove(0).expect("one window");
            let rises = now
                .into_iter()
                .map(|(pod, role, count)| Rise::expected(&pod, role, 0, (Kind::Latency, count)));
            assert!(peers.one_is_as_slow("canary"));
            peers.add(&rises.collect::<Vec<_>>());
        }
        assert!(!peers.one_is_as_slow("canary"));
    }
}
