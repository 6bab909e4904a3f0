//! A status of which the API server keeps only a part, as an older CRD makes
//! it: what was sent stands in for what came back, so that nothing is decided twice. Sends nothing.

use std::time::{Duration, Instant};

use serde_json::Value;
use siskin_api::{CanaryRollout, CanaryRolloutStatus};

use crate::name::Name;
use crate::per_rollout::PerRollout;

/// The status is sent again after this long, to see whether it is kept by now.
const SEND_AGAIN: Duration = Duration::from_secs(30);

/// Fields that are named of those that were dropped.
const MAX_NAMED: usize = 3;

/// The statuses that did not come back as they were sent. Clones share them.
#[derive(Clone, Default)]
pub struct Statuses(PerRollout<Unkept>);

impl Statuses {
    /// Takes note of what came back of a status that was sent.
    pub(crate) fn sent(
        &self,
        name: &Name,
        sent: CanaryRolloutStatus,
        kept: Option<CanaryRolloutStatus>,
    ) {
        match Unkept::of(sent, kept) {
            Some(unkept) => self.0.insert(name, unkept),
            None => self.0.forget(name),
        }
    }

    /// The fields that the API server does not keep; `None` if it keeps all.
    pub(crate) fn lost(&self, name: &Name) -> Option<String> {
        self.0.get(name).map(|it| it.lost.join(", "))
    }

    /// Whether to send a status again that was not kept whole, though nothing has changed.
    pub(crate) fn sends_again(&self, name: &Name) -> bool {
        self.0.get(name).is_some_and(|it| it.is_due())
    }

    /// Puts what was sent in the place of what was kept of it.
    pub(super) fn restore(&self, name: &Name, rollout: &mut CanaryRollout) {
        if let Some(unkept) = self.0.get(name) {
            unkept.restore(rollout);
        }
    }

    #[cfg(test)]
    pub(super) fn remembers(&self, name: &Name) -> bool {
        self.0.knows(name)
    }

    /// Forgets a rollout that is gone.
    pub(super) fn forget(&self, name: &Name) {
        self.0.forget(name);
    }
}

/// A status that did not come back as it was sent.
#[derive(Clone, Debug)]
struct Unkept {
    kept: Option<CanaryRolloutStatus>,
    sent: Option<CanaryRolloutStatus>,
    /// The fields that were dropped or changed.
    lost: Vec<String>,
    at: Instant,
}

impl Unkept {
    /// What came back of a status that was sent; `None` if all of it did. As JSON: a time of a
    /// condition has whole seconds there, and none is lost.
    fn of(sent: CanaryRolloutStatus, kept: Option<CanaryRolloutStatus>) -> Option<Self> {
        let json = |it: &Option<_>| serde_json::to_value(it).unwrap_or_default();
        let (sent, mut lost) = (Some(sent), Vec::new());
        differing(&json(&sent), &json(&kept), "status", &mut lost);
        lost.truncate(MAX_NAMED);
        (!lost.is_empty()).then(|| Self { kept, sent, lost, at: Instant::now() })
    }

    fn restore(&self, rollout: &mut CanaryRollout) {
        if rollout.status == self.kept {
            rollout.status.clone_from(&self.sent);
        }
    }

    fn is_due(&self) -> bool {
        SEND_AGAIN <= self.at.elapsed()
    }
}

fn differing(sent: &Value, kept: &Value, path: &str, found: &mut Vec<String>) {
    match (sent, kept) {
        (Value::Object(sent), Value::Object(kept)) => {
            for (name, value) in sent {
                let path = format!("{path}.{name}");
                differing(value, kept.get(name).unwrap_or(&Value::Null), &path, found);
            }
        }
        (sent, kept) if sent != kept => found.push(path.to_owned()),
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
    use siskin_api::{Phase, PrintedColumns};

    use super::*;

    /// What the API server makes of a status that it keeps whole.
    fn back(sent: &CanaryRolloutStatus) -> CanaryRolloutStatus {
        serde_json::from_value(serde_json::to_value(sent).expect("JSON")).expect("a status")
    }

    #[test]
    fn what_was_sent_stands_in_for_what_was_kept_of_it() {
        let columns = PrintedColumns { step: Some("1/2".into()), ..PrintedColumns::default() };
        let met = Condition {
            last_transition_time: Time("2026-01-01T00:00:00.123456Z".parse().expect("a time")),
            message: String::new(),
            observed_generation: None,
            reason: "Met".into(),
            status: "True".into(),
            type_: "Healthy".into(),
        };
        let sent = CanaryRolloutStatus {
            phase: Some(Phase::Promoting),
            summary: Some(columns),
            conditions: vec![met],
            ..CanaryRolloutStatus::default()
        };
        let kept = CanaryRolloutStatus { summary: None, ..sent.clone() };
        assert_ne!(back(&sent), sent, "a part of a second");
        assert!(Unkept::of(sent.clone(), Some(back(&sent))).is_none());
        let unkept = Unkept::of(sent.clone(), Some(kept.clone())).expect("a field was dropped");
        assert_eq!(
            (&unkept.lost[..], unkept.is_due()),
            (&["status.summary".to_owned()][..], false)
        );
        let spec = serde_json::json!({
            "targetRef": {"name": "orders"}, "strategy": {"steps": [{"weight": 10}]},
            "analysis": {"kafka": {"bootstrapServers": ["k:1"], "consumerGroup": "orders"}},
        });
        let mut rollout =
            CanaryRollout::new("orders", serde_json::from_value(spec).expect("a spec"));
        rollout.status = Some(kept);
        unkept.restore(&mut rollout);
        assert_eq!(
            rollout.status,
            Some(sent),
            "the same look, the same status: no write, no Event"
        );
        let other =
            CanaryRolloutStatus { phase: Some(Phase::Failed), ..CanaryRolloutStatus::default() };
        rollout.status = Some(other.clone());
        unkept.restore(&mut rollout);
        assert_eq!(rollout.status, Some(other), "somebody else has written");
    }
}
