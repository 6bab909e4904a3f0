//! A model of Deployment, operator and pipeline, in thousands of orders of what they do.
//! The model knows what became of each change; the wait knows only what it reads.

mod model;

use proptest::prelude::*;
use serde_json::json;

use self::model::{Act, Change, Model, act};
use super::*;

/// The pipeline, and what it has read since its wait began.
struct Pipeline {
    waiting: Waiting,
    deployment: Option<Deployment>,
    rollout: Option<CanaryRollout>,
}

impl Pipeline {
    fn waits_for(change_id: Option<String>) -> Self {
        Self { waiting: Waiting::new(change_id, false), deployment: None, rollout: None }
    }

    /// Reads one of the two objects, and thinks about both as they were read.
    fn read(&mut self, model: &Model, deployment_first: bool) -> Option<WaitAnswer> {
        if deployment_first {
            self.deployment = Some(model.deployment());
        } else {
            self.rollout = Some(model.rollout());
        }
        let rollout = self.rollout.as_ref()?;
        self.deployment.as_ref()?;
        match self.waiting.look(self.deployment.as_ref(), rollout) {
            WaitAnswer::Waits(_) => None,
            over @ (WaitAnswer::Promoted(_)
            | WaitAnswer::RolledBack(_)
            | WaitAnswer::NeedsPerson(_)) => Some(over),
        }
    }
}

/// Plays until the pipeline has its answer. In the end nobody changes anything any more.
fn answer(model: &mut Model, pipeline: &mut Pipeline, acts: &[Act]) -> Option<WaitAnswer> {
    for act in acts {
        model.play(*act);
        let read = match act {
            Act::ReadDeployment => pipeline.read(model, true),
            Act::ReadRollout => pipeline.read(model, false),
            Act::Apply(_) | Act::Edit(_) | Act::Drain | Act::Look(_) => None,
        };
        if read.is_some() {
            return read;
        }
    }
    for _ in 0..20 {
        model.play(Act::Look(Change::Passes));
        let read = pipeline.read(model, true).or_else(|| pipeline.read(model, false));
        if read.is_some() {
            return read;
        }
    }
    None
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn a_named_change_gets_its_own_result_and_no_other(
        before in prop::collection::vec(act(), 0..25),
        template in 0..4_u32,
        early in any::<bool>(),
        after in prop::collection::vec(act(), 0..40),
    ) {
        let mut model = Model::new();
        for act in &before {
            model.play(*act);
        }
        let id = model.next_id();
        let mut pipeline = Pipeline::waits_for(Some(id.clone()));
        if early {
            pipeline.read(&model, false);
            pipeline.read(&model, true);
        }
        model.play(Act::Apply(template));
        let answer = answer(&mut model, &mut pipeline, &after);
        let fate = model.fate(&id);
        match answer {
            Some(WaitAnswer::Promoted(_)) => prop_assert!(fate.promoted, "{fate:?}"),
            Some(WaitAnswer::RolledBack(why)) => {
                // Under an id that somebody has given two templates the later one may be meant.
                let one = !model.is_edited(&id);
                // What was over before the wait's first look answers nothing.
                let earlier = pipeline.waiting.earlier.as_deref().unwrap_or_default();
                let promoted = fate.promoted_by.iter().any(|it| !earlier.contains(it));
                let replaced = model.is_replaced(&id) && !(one && promoted);
                prop_assert!(fate.rejected || replaced, "{why}: {fate:?}");
            }
            Some(WaitAnswer::NeedsPerson(_)) => prop_assert!(fate.paused, "{fate:?}"),
            // Replaced before it was read once: nothing tells it from one that is still to come.
            Some(WaitAnswer::Waits(_)) | None => prop_assert!(!pipeline.waiting.carried, "{fate:?}"),
        }
    }

    #[test]
    fn without_a_name_the_result_is_that_of_the_deployment_as_it_was_read(
        before in prop::collection::vec(act(), 0..25),
        template in 0..4_u32,
        after in prop::collection::vec(act(), 0..40),
    ) {
        let mut model = Model::new();
        for act in &before {
            model.play(*act);
        }
        model.play(Act::Apply(template));
        let mut pipeline = Pipeline::waits_for(None);
        let answer = answer(&mut model, &mut pipeline, &after);
        let read = pipeline.deployment.as_ref().and_then(model::template_of);
        let (deployment, rollout) = (pipeline.deployment.as_ref(), pipeline.rollout.as_ref());
        let status = rollout.and_then(|it| it.status.clone()).unwrap_or_default();
        // The model writes into each status which template it had read.
        prop_assert_eq!(read, status.selector.as_ref().and_then(|it| it.parse().ok()));
        let promoted = status.revisions.as_ref().and_then(|it| it.promoted.clone());
        let is_promoted = promoted == read.map(model::revision);
        match answer {
            Some(WaitAnswer::Promoted(_)) => prop_assert!(is_promoted),
            Some(WaitAnswer::RolledBack(_)) => prop_assert!(!is_promoted),
            Some(WaitAnswer::NeedsPerson(_)) => prop_assert_eq!(status.phase, Some(Phase::Paused)),
            Some(WaitAnswer::Waits(_)) | None => prop_assert!(false, "never ends: {deployment:?}"),
        }
    }
}

#[test]
fn what_only_a_person_can_do_is_told_unless_it_is_waited_through() {
    let mut model = Model::new();
    model.play(Act::Apply(1));
    model.play(Act::Look(Change::Stays));
    model.play(Act::Look(Change::Pauses));
    let (deployment, rollout) = (model.deployment(), model.rollout());
    let look = |keeps: bool| Waiting::new(None, keeps).look(Some(&deployment), &rollout);
    let told = "it was paused\n  kubectl siskin abort orders -n shop   # roll back now";
    assert_eq!(look(false), WaitAnswer::NeedsPerson(told.to_owned()));
    assert_eq!(look(true), WaitAnswer::Waits(told.to_owned()));
}

#[test]
fn a_suspended_rollout_needs_whoever_suspended_it_but_goes_on_with_a_promotion() {
    let mut model = Model::new();
    model.play(Act::Apply(1));
    model.play(Act::Look(Change::Stays));
    let mut rollout = model.rollout();
    rollout.spec.suspend = true;
    let deployment = model.deployment();
    let look = |it: &CanaryRollout| Waiting::new(None, false).look(Some(&deployment), it);
    assert!(matches!(look(&rollout), WaitAnswer::NeedsPerson(_)));
    rollout.status.as_mut().expect("a status").phase = Some(Phase::Promoting);
    assert!(matches!(look(&rollout), WaitAnswer::Waits(_)));
}

#[test]
fn an_operator_that_does_not_say_what_it_has_seen_is_never_believed() {
    let mut model = Model::new();
    model.play(Act::Look(Change::Passes));
    let (deployment, mut rollout) = (model.deployment(), model.rollout());
    rollout.status.as_mut().expect("a status").observed_target = None;
    let answer = Waiting::new(None, false).look(Some(&deployment), &rollout);
    let WaitAnswer::Waits(why) = answer else { panic!("{answer:?}") };
    assert!(why.contains("older than this program"), "{why}");
}

#[test]
fn a_deployment_that_is_made_anew_is_another_one() {
    let mut model = Model::new();
    model.play(Act::Look(Change::Passes));
    let (mut deployment, rollout) = (model.deployment(), model.rollout());
    deployment.metadata.uid = Some("another".to_owned());
    let answer = Waiting::new(None, false).look(Some(&deployment), &rollout);
    assert_eq!(answer, WaitAnswer::Waits("the operator has not seen the change yet".to_owned()));
    assert_eq!(json!(rollout.status.expect("a status").phase), json!("Succeeded"));
}

#[test]
fn without_a_time_out_a_wait_is_as_long_as_its_plan_may_take() {
    let spec: CanaryRolloutSpec = serde_json::from_value(json!({
        "targetRef": {"name": "orders"},
        "strategy": {"steps": [{"weight": 10, "hold": "10m"}, {"weight": 50}], "progressDeadline": "7m"},
        "analysis": {"kafka": {"bootstrapServers": ["k:1"], "consumerGroup": "orders"}},
    }))
    .expect("a spec");
    // Three holds each, of ten minutes and of the default five; the deadline for both steps, the start and the promotion.
    assert_eq!(longest(&spec), Duration::from_mins(30 + 15 + 4 * 7));
}
