//! The conditions, set as kstatus, `kubectl wait`, Flux, Argo CD and Helm read them.
//! Keeps the list well-formed; says nothing about when a condition is true.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// Condition: what serves is healthy.
pub const READY: &str = "Ready";
/// Condition: the revision that the target asks for is the primary one.
pub const PROMOTED: &str = "Promoted";
/// Condition: the rollout is over, well or not.
pub const COMPLETED: &str = "Completed";
/// Condition: something is under way. Present only when true: kstatus takes any `Reconciling` for
/// unfinished.
pub const RECONCILING: &str = "Reconciling";
/// Condition: a person is needed. Present only when true: kstatus takes any `Stalled` for failed.
pub const STALLED: &str = "Stalled";
/// Condition: the sources of evidence answer. Beside the kstatus ones.
pub const SOURCES_REACHABLE: &str = "SourcesReachable";

/// Condition: the API server makes every write. Beside the kstatus ones; there once a write was refused.
pub const WRITES_ACCEPTED: &str = "WritesAccepted";

/// The longest message that Kubernetes accepts in a condition, in characters.
pub const MAX_MESSAGE_CHARS: usize = 32_768;

/// Content of one condition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Say<'a> {
    /// One of the names in this module.
    pub type_: &'static str,
    /// The condition's status; `None` is Unknown.
    pub status: Option<bool>,
    /// `CamelCase`, one of a closed set, never empty.
    pub reason: &'static str,
    /// One sentence for people.
    pub message: &'a str,
}

/// Sets one condition. Its `lastTransitionTime` moves to `now` only when its status changes.
///
/// An existing condition keeps its place in the list, a new one goes to the end.
pub fn set(
    conditions: &mut Vec<Condition>,
    say: Say<'_>,
    observed_generation: i64,
    now: Timestamp,
) {
    let status = match say.status {
        Some(true) => "True",
        Some(false) => "False",
        None => "Unknown",
    };
    let old = conditions.iter_mut().find(|it| it.type_ == say.type_);
    let last_transition_time = match &old {
        Some(old) if old.status == status => old.last_transition_time.clone(),
        Some(_) | None => Time(now),
    };
    let new = Condition {
        type_: say.type_.to_owned(),
        status: status.to_owned(),
        reason: say.reason.to_owned(),
        message: say.message.chars().take(MAX_MESSAGE_CHARS).collect(),
        observed_generation: Some(observed_generation),
        last_transition_time,
    };
    match old {
        Some(old) => *old = new,
        None => conditions.push(new),
    }
}

/// Removes a condition; nothing happens if there is none of this type.
pub fn remove(conditions: &mut Vec<Condition>, type_: &str) {
    conditions.retain(|it| it.type_ != type_);
}

/// Whether the condition is there and true.
#[must_use]
pub fn is_true(conditions: &[Condition], type_: &str) -> bool {
    conditions.iter().any(|it| it.type_ == type_ && it.status == "True")
}
