//! Whether a promotion that the annotations of X-primary name is one that Siskin has decided on.
//! Pure. One that nothing vouches for counts as not there: whoever may annotate a Deployment promotes nothing by it.

use siskin_api::{CanaryRollout, Phase};
use siskin_decide::{Facts, Takeover};

use crate::observe::parse::FrozenObject;

/// The facts without a promotion that neither its frozen template nor the status knows. Siskin notes a promotion on the frozen
/// template before it begins, and tells it in the status afterwards: one of the two is there, whenever it was killed.
pub(super) fn vouched(facts: Facts, frozen: &[FrozenObject], rollout: &CanaryRollout) -> Facts {
    let Some(takeover) = facts.promoting else { return facts };
    let noted = |it: &FrozenObject| it.frozen.revision == takeover.revision && it.may_take_over;
    if frozen.iter().any(noted) || is_told(&takeover, rollout) {
        return facts;
    }
    tracing::warn!(
        revision = %takeover.revision,
        "the primary's annotation siskin.dev/promoting names a version that Siskin does not promote: it is not followed"
    );
    Facts { promoting: None, ..facts }
}

fn is_told(takeover: &Takeover, rollout: &CanaryRollout) -> bool {
    let status = rollout.status.as_ref().filter(|it| it.phase == Some(Phase::Promoting));
    let progress = status.and_then(|it| it.progress.as_ref());
    progress.is_some_and(|it| it.revision == takeover.revision.to_string())
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};
    use siskin_decide::testing::{NEXT, PASSED, frozen, promoting};

    use super::*;
    use crate::workloads::template::PodTemplate;

    fn believed(noted: bool, status: &Value) -> bool {
        let facts = promoting().primary.expect("a primary").facts;
        let object = FrozenObject {
            frozen: frozen(NEXT, 1),
            may_take_over: noted,
            template: PodTemplate::of(&json!({})),
            name: "orders-1".into(),
            resource_version: None,
        };
        let rollout = serde_json::from_value(json!({
            "apiVersion": "siskin.dev/v1alpha1", "kind": "CanaryRollout", "metadata": {"name": "orders"},
            "spec": {
                "targetRef": {"name": "orders"}, "strategy": {"steps": [{"weight": 10}]},
                "analysis": {"kafka": {"bootstrapServers": ["k:1"], "consumerGroup": "orders"}},
            },
            "status": status,
        }));
        let facts = Facts { promoting: Some(PASSED), ..facts };
        vouched(facts, &[object], &rollout.expect("a CanaryRollout")).promoting.is_some()
    }

    #[test]
    fn a_promotion_is_believed_that_the_frozen_template_or_the_status_knows() {
        let told = |phase: &str, revision: &str| json!({"phase": phase, "progress": {"revision": revision, "attempt": 1, "since": "2026-01-01T00:00:00.000000Z"}});
        let tried = NEXT.to_string();
        assert!(believed(true, &Value::Null), "killed before the status was written");
        assert!(believed(false, &told("Promoting", &tried)), "its frozen template was lost");
        assert!(!believed(false, &told("Progressing", &tried)), "somebody annotated the primary");
        assert!(!believed(false, &told("Promoting", "00000000ff")), "another one is promoted");
        assert!(!believed(false, &Value::Null));
    }
}
