//! I1, I2, I3: counts.

use super::{Part, Phase, Rule, Story};
use siskin_api::Order;

#[test]
fn a_healthy_rollout_breaks_nothing() {
    let mut story = Story::on_trial();
    story.rollout(Phase::RollingBack, |_| {});
    story.put(Part::Primary, |it| it.replicas = 3);
    story.pod("e", Part::Primary, "1", true);
    story.put(Part::Canary, |it| it.replicas = 0);
    story.pod_gone("d", Part::Canary);
    story.rollout(Phase::Initialized, |_| {});
    assert_eq!(story.broken(), []);
}

#[test]
fn i1_a_ready_consumer_too_many_is_taken() {
    let mut story = Story::at_rest();
    story.put(Part::Primary, |it| it.replicas = 2);
    assert_eq!(story.broken(), [Rule::I1Available]);
}

#[test]
fn i1_max_unavailable_may_be_taken() {
    let mut story = Story::at_rest();
    let one = serde_json::json!({"strategy": {"rollingUpdate": {"maxUnavailable": 1, "maxSurge": "25%"}}});
    story.put(Part::Target, |it| it.spec = one);
    story.put(Part::Primary, |it| it.replicas = 2);
    assert_eq!(story.broken(), []);
}

#[test]
fn i1_what_an_autoscaler_takes_away_is_not_missed_before_it_is_noted() {
    let mut story = Story::at_rest();
    story.edit(|it| it.spec.replicas = Some(2));
    story.put(Part::Primary, |it| it.replicas = 2);
    assert_eq!(story.broken(), []);
    story.put(Part::Primary, |it| it.replicas = 1);
    assert_eq!(story.broken(), [Rule::I1Available]);
}

#[test]
fn i1_one_may_be_taken_where_there_is_no_room_to_add_first() {
    let mut story = Story::at_rest();
    story.edit(|it| it.spec.strategy.order = Some(Order::DrainFirst));
    story.put(Part::Primary, |it| it.replicas = 2);
    assert_eq!(story.broken(), []);
    let mut story = Story::at_rest();
    story.edit(|it| it.spec.strategy.max_consumers = Some(3));
    story.put(Part::Primary, |it| it.replicas = 2);
    assert_eq!(story.broken(), []);
}

#[test]
fn i1_unready_pods_cost_nothing_and_a_crash_is_not_our_write() {
    let mut story = Story::on_trial();
    story.pod("b", Part::Primary, "1", false);
    story.seconds_pass(10);
    assert_eq!(story.broken(), []);
    story.put(Part::Primary, |it| it.replicas = 1);
    assert_eq!(story.broken(), [], "the unready one goes first");
    story.put(Part::Primary, |it| it.replicas = 0);
    assert_eq!(story.broken(), [Rule::I1Available]);
}

#[test]
fn i1_a_pod_that_has_just_become_unready_may_still_be_counted() {
    let mut story = Story::on_trial();
    story.put(Part::Primary, |it| it.replicas = 3);
    story.pod("e", Part::Primary, "1", true);
    story.pod("e", Part::Primary, "1", false);
    story.put(Part::Canary, |it| it.replicas = 0);
    assert_eq!(story.broken(), []);
}

#[test]
fn i1_a_pod_that_has_just_become_unready_goes_first() {
    let mut story = Story::on_trial();
    story.pod("b", Part::Primary, "1", false);
    story.put(Part::Primary, |it| it.replicas = 1);
    assert_eq!(story.broken(), [], "its controller takes that one, whoever counted it");
}

#[test]
fn i1_pods_that_a_guard_failed_count_for_nothing() {
    let mut story = Story::on_trial();
    story.put(Part::Canary, |it| it.replicas = 0);
    assert_eq!(story.broken(), [Rule::I1Available]);
    let mut story = Story::on_trial();
    story.frozen("2", Some("GuardFailed"));
    story.put(Part::Canary, |it| it.replicas = 0);
    assert_eq!(story.broken(), []);
    for cause in ["Aborted", "AnalysisFailed", "DeadlineExceeded"] {
        let mut story = Story::on_trial();
        story.frozen("2", Some(cause));
        story.put(Part::Canary, |it| it.replicas = 0);
        assert_eq!(story.broken(), [], "{cause}");
    }
    let mut story = Story::on_trial();
    story.frozen("2", Some("Inconclusive"));
    story.put(Part::Canary, |it| it.replicas = 0);
    assert_eq!(
        story.broken(),
        [Rule::I1Available],
        "a version of which too little is known serves"
    );
}

#[test]
fn i1_the_mark_of_a_rejection_may_follow_its_rollback() {
    let mut story = Story::on_trial();
    story.put(Part::Canary, |it| it.replicas = 0);
    story.frozen("2", Some("Aborted"));
    assert_eq!(story.broken(), []);
    let mut story = Story::on_trial();
    story.put(Part::Canary, |it| it.replicas = 0);
    story.seconds_pass(30);
    story.frozen("2", Some("Aborted"));
    assert_eq!(story.broken(), [Rule::I1Available], "that was no rollback");
}

/// Writes of children on trial: which of them, its count, its template's stamp, and whether its controller has seen it
/// through.
fn restarts(writes: &[(Part, u32, &str, bool)]) -> Vec<Rule> {
    let spec = |at: &str| {
        serde_json::json!({
            "strategy": {"rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0}},
            "template": {"metadata": {"annotations": {"restartedAt": at}}},
        })
    };
    let mut story = Story::on_trial();
    story.put(Part::Target, |it| it.spec = spec("0"));
    let before = [(Part::Primary, 2, "0", true), (Part::Canary, 1, "0", true)];
    for (part, count, at, rolled) in before.iter().chain(writes) {
        story.put(*part, |it| {
            it.replicas = *count;
            (it.spec, it.template_is_ours, it.rolled) = (spec(at), true, *rolled);
        });
    }
    story.broken()
}

#[test]
fn i1_a_restart_takes_one_role_after_the_other() {
    use Part::{Canary, Primary};
    let at_once = [(Primary, 2, "1", false), (Canary, 1, "1", false)];
    assert_eq!(restarts(&at_once), [Rule::I1Available]);
    let in_turn = [(Primary, 2, "1", false), (Primary, 2, "1", true), (Canary, 1, "1", false)];
    assert_eq!(restarts(&in_turn), []);
    // Its controller has not seen another count yet.
    let scaled = [(Canary, 1, "0", false), (Primary, 2, "1", false)];
    assert_eq!(restarts(&scaled), [], "a child that is only scaled is not replaced");
    let empty = [(Canary, 0, "0", true), (Primary, 2, "1", false), (Canary, 1, "1", false)];
    assert_eq!(restarts(&empty), [], "nor is one that had no pods");
}

#[test]
fn i2_the_canary_stays_within_its_step() {
    let mut story = Story::at_rest();
    story.put(Part::Canary, |it| it.replicas = 1);
    assert_eq!(story.broken(), [Rule::I2CanaryCount], "no step is persisted");
    let mut story = Story::on_trial();
    story.put(Part::Canary, |it| it.replicas = 2);
    assert_eq!(story.broken(), [Rule::I2CanaryCount]);
    let mut story = Story::on_trial();
    story.step(2);
    story.put(Part::Canary, |it| it.replicas = 2);
    assert_eq!(story.broken(), []);
}

#[test]
fn i2_a_canary_that_somebody_else_scaled_is_not_ours() {
    let mut story = Story::on_trial();
    story.put(Part::Canary, |it| {
        it.replicas = 5;
        it.counted_by = vec!["kubectl".into()];
    });
    assert_eq!(story.broken(), []);
}

#[test]
fn i3_the_sum_stays_within_total_and_surge() {
    let mut story = Story::on_trial();
    story.put(Part::Primary, |it| it.replicas = 3);
    assert_eq!(story.broken(), [], "one of surge");
    story.put(Part::Primary, |it| it.replicas = 4);
    assert_eq!(story.broken(), [Rule::I3Ceiling]);
}

#[test]
fn i3_the_surge_is_the_targets_share_of_the_total() {
    let mut story = Story::on_trial();
    let spec = serde_json::json!({"strategy": {"rollingUpdate": {"maxSurge": "34%"}}});
    story.put(Part::Target, |it| it.spec = spec);
    story.put(Part::Primary, |it| it.replicas = 4);
    assert_eq!(story.broken(), [], "two more than three");
    story.put(Part::Primary, |it| it.replicas = 5);
    assert_eq!(story.broken(), [Rule::I3Ceiling]);
}

#[test]
fn i3_drain_first_and_a_ceiling_leave_no_surge() {
    let mut story = Story::on_trial();
    story.edit(|it| it.spec.strategy.order = Some(Order::DrainFirst));
    story.put(Part::Primary, |it| it.replicas = 3);
    assert_eq!(story.broken(), [Rule::I3Ceiling]);
    let mut story = Story::on_trial();
    story.edit(|it| it.spec.strategy.max_consumers = Some(3));
    story.put(Part::Primary, |it| it.replicas = 3);
    assert_eq!(story.broken(), [Rule::I3Ceiling]);
}

#[test]
fn i3_pods_that_somebody_asks_of_a_drained_target_are_not_ours() {
    let mut story = Story::on_trial();
    story.put(Part::Target, |it| {
        it.replicas = 6;
        it.counted_by = vec!["helm".into()];
    });
    story.put(Part::Primary, |it| it.replicas = 3);
    assert_eq!(story.broken(), []);
}
