//! Children that somebody edits or deletes by hand are repaired; the rollout goes on.

use anyhow::{Result, ensure};
use serde_json::json;
use siskin_api::{Cause, Phase, PromotionReason};
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::seen::Part;
use siskin_e2e::scenario::{RolloutSpec, Scenario, Version, scenario};

/// The trial of version 2 goes on: two primary pods, one canary pod, and the first attempt.
async fn goes_on(s: &mut Scenario) -> Result<()> {
    s.then()
        .sees("the same trial, whole again", |view| {
            let state = view.state;
            let ready = |part, version: &str| {
                let right = |it: &siskin_e2e::scenario::seen::SeenPod| {
                    it.ready && it.version.as_deref() == Some(version)
                };
                state.pods_of(part).filter(|(_, it)| right(it)).count()
            };
            let whole = ready(Part::Primary, "1") == 2 && ready(Part::Canary, "2") == 1;
            let counts = state.count(Part::Primary) == 2 && state.count(Part::Canary) == 1;
            let status = &state.rollout()?.status;
            let same = status.rollout_id.as_ref()?.ends_with("-1");
            (whole && counts && same && status.phase == Some(Phase::Progressing)).then_some(())
        })
        .await
}

#[test]
fn edited_in_the_middle_of_a_trial() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        s.when().edits_child(Part::Canary, &json!({"spec": {"replicas": 0}})).await?;
        goes_on(s).await?;
        s.then().tells("ChildRepaired", "scale Deployment orders or its CanaryRollout").await?;
        s.when().edits_child(Part::Canary, &json!({"spec": {"replicas": 3}})).await?;
        goes_on(s).await?;
        let paused = json!({"spec": {"paused": true, "replicas": 4}});
        s.when().edits_child(Part::Primary, &paused).await?;
        goes_on(s).await?;
        s.then().tells("ChildRepaired", "orders-primary did not look as it should").await
    });
}

#[test]
fn a_template_that_was_edited_is_put_back() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        let edit = json!({"spec": {"template": {"metadata": {"labels": {"edited": "yes"}}}}});
        s.when().edits_child(Part::Primary, &edit).await?;
        s.then().tells("ChildRepaired", "orders-primary").await?;
        s.then().serves("1").await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        s.when().edits_child(Part::Canary, &edit).await?;
        s.then().tells("ChildRepaired", "orders-canary").await?;
        goes_on(s).await
    });
}

#[test]
fn deleted_in_the_middle_of_a_trial() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        for child in ["orders-canary", "orders-primary"] {
            s.when().deletes(ObjectKind::Deployment, child).await?;
            goes_on(s).await?;
            s.then().tells("ChildRepaired", &format!("{child} was gone")).await?;
        }
        Ok(())
    });
}

#[test]
fn frozen_templates_that_were_deleted_are_frozen_again() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        let frozen: Vec<_> = s.log.look(|view| view.state.frozen.keys().cloned().collect());
        for name in &frozen {
            s.when().deletes(ObjectKind::ControllerRevision, name).await?;
        }
        s.then()
            .sees("both are there again", |view| (view.state.frozen.len() == 2).then_some(()))
            .await?;
        goes_on(s).await?;
        s.when().commands("promote", "/full").await?;
        s.then().promotes("2", PromotionReason::Commanded).await
    });
}

/// The manifest sets the pod's name by itself, as those do that follow the advice about `client.id`.
#[test]
fn a_promoted_template_that_was_lost_is_frozen_again_and_stops_no_abort() {
    scenario(async |s| {
        let own = json!({"fieldRef": {"fieldPath": "metadata.name"}});
        s.given().a_variable(json!({"name": "POD_NAME", "valueFrom": own}));
        s.given().an_adopted_fleet(3, &RolloutSpec::endless()).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        let promoted: Vec<_> = s.log.look(|view| {
            let of_one = view.state.frozen.iter();
            let of_one = of_one.filter(|(_, it)| it.version.as_deref() == Some("1"));
            of_one.map(|(name, _)| name.clone()).collect()
        });
        ensure!(promoted.len() == 1, "one template is promoted: {promoted:?}");
        s.when().deletes(ObjectKind::ControllerRevision, &promoted[0]).await?;
        s.when().commands("abort", "").await?;
        s.then().rolls_back(Cause::Aborted, "1").await?;
        s.then()
            .sees("what the primary runs is frozen again", |view| {
                let mut frozen = view.state.frozen.values();
                frozen.any(|it| it.version.as_deref() == Some("1")).then_some(())
            })
            .await?;
        s.given().a_canary_of(&Version::good("3")).await
    });
}
