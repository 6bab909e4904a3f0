//! I4 to I8: templates, rejected versions, creation, phases, promotions.

use serde_json::json;
use siskin_api::annotations::{command, target};
use siskin_api::{AnalysisStatus, CanaryRolloutStatus, PromotionReason, Verdict};

use super::{Part, Phase, Rule, Story};

#[test]
fn i4_the_targets_template_is_the_users() {
    let mut story = Story::at_rest();
    story.put(Part::Target, |it| it.template_is_ours = true);
    assert_eq!(story.broken(), [Rule::I4Template]);
    let mut story = Story::at_rest();
    story.put(Part::Primary, |it| {
        it.replicas = 3;
        it.template_is_ours = true;
    });
    assert_eq!(story.broken(), [], "a child's template is ours");
}

#[test]
fn i5_a_rejected_version_is_gone_within_a_minute() {
    let mut story = Story::on_trial();
    story.frozen("2", Some("GuardFailed"));
    story.seconds_pass(50);
    assert_eq!(story.broken(), []);
    story.seconds_pass(20);
    assert_eq!(story.broken(), [Rule::I5Rejected]);
}

#[test]
fn i5_a_version_that_was_lifted_may_run_again() {
    let mut story = Story::on_trial();
    story.frozen("2", Some("GuardFailed"));
    story.frozen("2", None);
    story.seconds_pass(100);
    assert_eq!(story.broken(), []);
}

#[test]
fn i5_pods_of_the_target_are_the_users_own() {
    let mut story = Story::at_rest();
    story.frozen("2", Some("Aborted"));
    story.seconds_pass(100);
    story.pod("x", Part::Target, "2", true);
    assert_eq!(story.broken(), []);
    story.pod("y", Part::Primary, "2", true);
    assert_eq!(story.broken(), [Rule::I5Rejected], "it came back");
}

#[test]
fn i6_a_child_is_made_again_only_where_it_was_deleted() {
    let again = |story: &mut Story| {
        story.put_gone(Part::Canary);
        story.put(Part::Canary, |it| {
            it.replicas = 1;
            it.uid = "another".into();
        });
    };
    let mut story = Story::on_trial();
    again(&mut story);
    assert_eq!(story.broken(), [Rule::I6Creation]);
    let mut story = Story::on_trial();
    story.deletes_by_hand(Part::Canary);
    again(&mut story);
    assert_eq!(story.broken(), []);
}

#[test]
fn i6_siskin_makes_no_other_deployment() {
    let mut story = Story::at_rest();
    story.put(Part::Primary, |it| it.replicas = 3);
    assert_eq!(story.broken(), []);
    let last = story.0.last_mut().expect("an entry");
    let super::Change::Put(name, _) = &mut last.change else { panic!("a put") };
    *name = "orders-primary-2".into();
    assert_eq!(story.broken(), [Rule::I6Creation]);
}

#[test]
fn i7_phases_keep_to_the_declared_edges() {
    let mut story = Story::at_rest();
    story.rollout(Phase::Paused, |_| {});
    assert_eq!(story.broken(), [Rule::I7Phases], "without Progressing");
    let mut story = Story::on_trial();
    story.rollout(Phase::Succeeded, |_| {});
    assert_eq!(story.broken(), [Rule::I7Phases], "without Promoting");
    let mut story = Story::on_trial();
    story.rollout(Phase::Terminating, |_| {});
    assert_eq!(story.broken(), []);
    story.rollout(Phase::Initialized, |_| {});
    assert_eq!(story.broken(), [Rule::I7Phases], "nothing comes after the end");
}

#[test]
fn i7_another_life_begins_anywhere() {
    let mut story = Story::on_trial();
    story.edit(|it| {
        it.uid = "another".into();
        it.status.phase = Some(Phase::Failed);
    });
    assert_eq!(story.broken(), []);
}

#[test]
fn i8_a_promotion_needs_a_pass() {
    assert_eq!(promoting(PromotionReason::Passed, Some(Verdict::Pass)).broken(), []);
    for verdict in [None, Some(Verdict::Inconclusive), Some(Verdict::Fail)] {
        let story = promoting(PromotionReason::Passed, verdict);
        assert_eq!(story.broken(), [Rule::I8Promotion], "{verdict:?}");
    }
}

#[test]
fn i8_or_the_word_of_a_person() {
    let commanded = || promoting(PromotionReason::Commanded, None);
    assert_eq!(commanded().broken(), [Rule::I8Promotion]);
    let mut story = Story::on_trial();
    story.edit(|it| {
        it.annotations.insert(command::PROMOTE.into(), "0000000002-1/full".into());
        promote(&mut it.status, PromotionReason::Commanded, None);
    });
    assert_eq!(story.broken(), []);
    assert_eq!(promoting(PromotionReason::Bypass, None).broken(), [Rule::I8Promotion]);
    let mut story = Story::on_trial();
    story.put(Part::Target, |it| drop(it.annotations.insert(target::BYPASS.into(), "fix".into())));
    story.rollout(Phase::Promoting, |it| promote(it, PromotionReason::Bypass, None));
    assert_eq!(story.broken(), []);
}

#[test]
fn i8_inconclusive_needs_the_strategys_leave() {
    assert_eq!(promoting(PromotionReason::Inconclusive, None).broken(), [Rule::I8Promotion]);
}

fn promoting(promoted_by: PromotionReason, verdict: Option<Verdict>) -> Story {
    let mut story = Story::on_trial();
    story.rollout(Phase::Promoting, |it| promote(it, promoted_by, verdict));
    story
}

fn promote(
    status: &mut CanaryRolloutStatus,
    promoted_by: PromotionReason,
    verdict: Option<Verdict>,
) {
    let progress = json!({
        "revision": "0000000002", "attempt": 1, "promotedBy": promoted_by,
        "since": "2026-01-01T00:00:00.000000Z",
    });
    status.phase = Some(Phase::Promoting);
    status.progress = Some(serde_json::from_value(progress).expect("a progress"));
    status.analysis = Some(AnalysisStatus { verdict, ..AnalysisStatus::default() });
}
