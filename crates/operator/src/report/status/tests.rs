//! What people and machines read of a status. No pass is made.

use serde_json::json;
use siskin_api::Verdict;

use super::*;
use crate::apply::effects::Applied;
use crate::apply::effects::tests::world;
use crate::evidence::view::EvidenceView;

/// The status of a rollout at rest whose target selects by this.
fn of_target_with(selector: &serde_json::Value) -> CanaryRolloutStatus {
    let mut world = world();
    let target = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "orders"},
        "spec": {"selector": selector},
    });
    world.live.target = Some(serde_json::from_value(target).expect("a Deployment"));
    let (evidence, applied) = (EvidenceView::silent(), Applied::default());
    let (plan, now) = (Plan::to(State::AtRest(Rest::Initialized), vec![]), world.seen_at);
    status(&Round {
        world: &world,
        evidence: &evidence,
        plan: &plan,
        applied: &applied,
        answers: &[],
        tells_of_take: false,
        untold: &[],
        refusals: &[],
        now,
    })
}

#[test]
fn an_autoscaler_is_told_all_of_the_targets_selector() {
    let tiers = json!({"key": "tier", "operator": "In", "values": ["b", "a"]});
    let selector = json!({"matchLabels": {"app": "orders"}, "matchExpressions": [tiers]});
    let told = of_target_with(&selector).selector;
    assert_eq!(told.as_deref(), Some("app=orders,tier in (a,b)"));
    let long = json!({"matchLabels": {"app": "x".repeat(MAX_SELECTOR)}});
    assert_eq!(of_target_with(&long).selector, None, "half of it selects something else");
}

#[test]
fn the_status_says_which_deployment_it_is_about() {
    let object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "orders", "uid": "b0c1", "generation": 7},
    });
    let target: DynamicObject = serde_json::from_value(object).expect("a Deployment");
    let seen = observed_target(&target).expect("both are known");
    assert_eq!(seen, ObservedTarget { uid: "b0c1".to_owned(), generation: 7 });
    let bare =
        json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "orders"}});
    let bare: DynamicObject = serde_json::from_value(bare).expect("a Deployment");
    assert_eq!(observed_target(&bare), None, "half of it would be taken for another one");
}

#[test]
fn an_attempt_keeps_the_change_that_it_began_for() {
    let mut before = with(Verdict::Inconclusive);
    let mut now = before.clone();
    now.change_id = Some("second".to_owned());
    let progress = || before.progress.clone().expect("a progress");
    let begins = of_change(progress(), &CanaryRolloutStatus::default(), &now);
    assert_eq!(begins.change_id.as_deref(), Some("second"));
    let first = api::ProgressStatus { change_id: Some("first".to_owned()), ..progress() };
    let next = api::ProgressStatus { attempt: 2, ..progress() };
    before.progress = Some(first.clone());
    assert_eq!(of_change(first.clone(), &before, &now).change_id.as_deref(), Some("first"));
    assert_eq!(of_change(next, &before, &now).change_id.as_deref(), Some("second"));
    let rest = api::ProgressStatus { started: None, change_id: None, ..first };
    assert_eq!(of_change(rest, &before, &now).change_id, None, "nothing is under way");
}

/// A status whose attempt began at the epoch.
fn with(verdict: Verdict) -> CanaryRolloutStatus {
    let progress = serde_json::json!({
        "revision": "18e503fe66", "attempt": 1, "started": "1970-01-01T00:00:00.000000Z",
        "since": "1970-01-01T00:00:30.000000Z",
    });
    let analysis = AnalysisStatus { verdict: Some(verdict), ..AnalysisStatus::default() };
    CanaryRolloutStatus {
        progress: Some(serde_json::from_value(progress).expect("a progress")),
        analysis: Some(analysis),
        ..CanaryRolloutStatus::default()
    }
}

fn detected(status: &CanaryRolloutStatus) -> Option<i64> {
    status.analysis.as_ref().and_then(|it| it.detected_after_seconds)
}

#[test]
fn the_time_to_detection_is_that_of_the_first_verdict_of_fail() {
    let at = |second| Timestamp::from_second(second).expect("a time");
    let mut doubtful = with(Verdict::Inconclusive);
    detect(&mut doubtful, None, at(40));
    assert_eq!(detected(&doubtful), None);
    let mut failed = with(Verdict::Fail);
    detect(&mut failed, doubtful.analysis.as_ref(), at(52));
    assert_eq!(detected(&failed), Some(52));
    let mut later = with(Verdict::Fail);
    later.progress = None;
    detect(&mut later, failed.analysis.as_ref(), at(70));
    assert_eq!(detected(&later), Some(52), "when the attempt is over, too");
    let mut early = with(Verdict::Fail);
    detect(&mut early, None, at(-5));
    assert_eq!(detected(&early), Some(0), "a clock that was set back");
}
