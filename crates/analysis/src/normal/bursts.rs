//! How long one pod of the primary had far more events than the others, and then no more.
//! A margin that is wide enough for a burst hides lasting faults; its length need not.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::counters::counter::Count;
use crate::counters::kind::Kind;
use crate::counters::rise::{Rise, primary_counts};

/// Events of a pod, of those that it would have at the others' rate, from which it has far more.
const FAR_MORE: f64 = 3.0;
/// Events added to both, so that few make no ratio.
const PSEUDO_EVENTS: f64 = 10.0;

/// The longest burst of a primary pod in these windows, in windows.
pub(crate) fn longest_burst(kind: Kind, windows: &[Vec<Rise>]) -> u32 {
    let mut runs: BTreeMap<&Arc<str>, u32> = BTreeMap::new();
    let mut longest = 0;
    for window in windows {
        let counted: Vec<(&Arc<str>, Count)> = primary_counts(kind, window).collect();
        let all = counted.iter().map(|(_, count)| *count).sum::<Count>();
        for (pod, own) in counted {
            let others = all.without(own);
            let expected = own.of * others.rate();
            let far_more = own.events + PSEUDO_EVENTS > FAR_MORE * (expected + PSEUDO_EVENTS);
            let run = runs.entry(pod).or_default();
            *run = if far_more && others.of > 0.0 { *run + 1 } else { 0 };
            longest = longest.max(*run);
        }
    }
    longest
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::observation::Role;

    /// A window in which one of three pods has so many errors, and the others ten each.
    fn window(errors: f64) -> Vec<Rise> {
        let pod = |(place, events): (usize, f64)| {
            let count = Count { events, of: 1_000.0 };
            let name = Arc::from(format!("pod-{place}"));
            Rise::expected(&name, Role::Primary, 0, (Kind::Errors, count))
        };
        [10.0, errors, 10.0].into_iter().enumerate().map(pod).collect()
    }

    #[test]
    fn the_longest_run_of_one_pod_counts() {
        let windows = [10.0, 200.0, 200.0, 10.0, 200.0, 200.0, 200.0, 30.0, 200.0];
        let longest = |windows: &[f64]| {
            let windows: Vec<_> = windows.iter().copied().map(window).collect();
            longest_burst(Kind::Errors, &windows)
        };
        assert_eq!(longest(&windows), 3);
        assert_eq!(longest(&[10.0, 30.0, 45.0]), 0, "no burst");
    }
}
