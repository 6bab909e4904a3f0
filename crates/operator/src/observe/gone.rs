//! Pods that went lately, with the role that they had: their members linger until a session ends.
//! Bounded in time and number; reads no clock and watches nothing.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use siskin_analysis::observation::Millis;
use siskin_kafka::PodIdentity;

use crate::name::Name;

/// Longest time for which a pod that is gone keeps its role. A broker ends a session after 30 min at
/// most, and after 45 s or less wherever nobody asked for more.
pub(crate) const ROLE_KEPT_FOR: Millis = 300_000;

/// Pods of one target that are kept: a crash loop replaces no pod, so that these are evictions.
const MOST_OF_A_TARGET: usize = 256;

/// A pod that went, and when this process heard of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GonePod {
    pub(crate) identity: PodIdentity,
    pub(crate) at: Millis,
}

/// Pods that went, by target. Clones share them.
#[derive(Clone, Debug, Default)]
pub(super) struct GonePods(Arc<Mutex<HashMap<Name, Vec<GonePod>>>>);

impl GonePods {
    /// Notes a pod that went. What is too old is dropped, whatever its target.
    pub(super) fn note(&self, target: &Name, pod: GonePod, now: Millis) {
        let mut gone = self.0.lock();
        gone.retain(|_, pods| {
            pods.retain(|it| is_recent(it, now));
            !pods.is_empty()
        });
        let pods = gone.entry(target.clone()).or_default();
        if pods.len() == MOST_OF_A_TARGET {
            pods.remove(0);
        }
        pods.push(pod);
    }

    /// Pods of this target that went lately.
    pub(super) fn of(&self, target: &Name, now: Millis) -> Vec<GonePod> {
        let gone = self.0.lock();
        let pods = gone.get(target).into_iter().flatten();
        pods.filter(|it| is_recent(it, now)).cloned().collect()
    }
}

/// A clock that was set back makes nobody older.
const fn is_recent(pod: &GonePod, now: Millis) -> bool {
    now.saturating_sub(pod.at) <= ROLE_KEPT_FOR
}

#[cfg(test)]
mod tests {
    use siskin_analysis::observation::Role;

    use super::*;

    fn pod(name: &str, at: Millis) -> GonePod {
        let identity = PodIdentity {
            name: name.into(),
            ips: vec![],
            host_network: false,
            node_ips: vec![],
            terminating: true,
            gone: true,
            ready: false,
            role: Some(Role::Canary),
        };
        GonePod { identity, at }
    }

    #[test]
    fn a_pod_keeps_its_role_for_five_minutes_and_nobody_is_kept_for_ever() {
        let (gone, orders) = (GonePods::default(), Name::new("shop", "orders"));
        gone.note(&orders, pod("a", 1_000), 1_000);
        assert_eq!(gone.of(&orders, 301_000).len(), 1);
        assert_eq!(gone.of(&orders, 301_001).len(), 0);
        gone.note(&Name::new("shop", "payments"), pod("b", 400_000), 400_000);
        assert!(!gone.0.lock().contains_key(&orders), "dropped by the next one that goes");
        (0..1_000).for_each(|_| gone.note(&orders, pod("c", 400_000), 400_000));
        assert_eq!(gone.of(&orders, 400_000).len(), MOST_OF_A_TARGET);
    }
}
