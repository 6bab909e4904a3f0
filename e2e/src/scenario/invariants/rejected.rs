//! I5: what was rejected is gone a minute later, and does not come back.

use std::time::Duration;

use super::moment::Moment;
use crate::scenario::seen::{Part, SeenPod};

/// Long enough to start a pod of the primary in the place of each canary pod.
const REMOVED_WITHIN: Duration = Duration::from_secs(60);

/// No pod of a child runs a version that was rejected a minute ago, but to end.
pub(super) fn gone(moment: &Moment<'_>) -> Option<String> {
    let late = |pod: &SeenPod| {
        // Pods of the target itself are not ours: whoever scaled it up started them.
        let ours = matches!(pod.part, Some(Part::Primary | Part::Canary)) && !pod.terminating;
        let (since, cause) = moment.past.rejected.get(pod.version.as_ref().filter(|_| ours)?)?;
        let overdue = REMOVED_WITHIN < moment.entry.at.saturating_sub(*since);
        overdue.then_some((since, cause))
    };
    let mut pods = moment.after.pods.iter();
    let (name, (since, cause)) = pods.find_map(|(name, pod)| Some((name, late(pod)?)))?;
    let since = since.as_secs_f64();
    Some(format!("{name} runs a version that was rejected at {since:.2} s: {cause}"))
}
