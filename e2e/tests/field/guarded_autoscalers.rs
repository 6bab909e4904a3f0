//! Autoscaled targets with the policies of `config/guard` and `config/guard-scale`: a tool for Git sees
//! nothing changed, and nobody scales the target behind its rollout.

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use siskin_e2e::scenario::autoscaler::{HPA, bounded};
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::seen::Part;
use siskin_e2e::scenario::{Election, ROLLOUT, RolloutSpec, Scenario, scenario};

/// The autoscaler, as kubectl is told.
const AUTOSCALER: &str = "hpa/orders";

/// What it names, in the answer to a write.
const NAMES: &str = "jsonpath={.spec.scaleTargetRef.kind}";

/// Pointed at the target, it is stored as pointed at the rollout.
fn pointed_back() -> Value {
    let spec = &bounded(ROLLOUT, 1, 12)["spec"]["scaleTargetRef"];
    json!({"spec": {"scaleTargetRef": spec}})
}

/// The guard as it is shipped, for this scenario alone, and in force.
async fn guarded(s: &mut Scenario) -> Result<String> {
    let guard = s.given().shipped_policies("config/guard").await?;
    let kind = "{.spec.scaleTargetRef.kind}";
    s.then().mutates_object(AUTOSCALER, &pointed_back(), kind, "CanaryRollout").await?;
    Ok(guard)
}

#[test]
fn with_the_guard_no_apply_of_the_autoscaler_points_it_elsewhere_and_no_difference_is_seen() {
    scenario(async |s| {
        s.given().an_adopted_autoscaled_fleet(3).await?;
        let guard = guarded(s).await?;
        let manifest = bounded(ROLLOUT, 1, 12).to_string();
        let server_side =
            ["--server-side", "--force-conflicts", "--field-manager=kustomize-controller"];
        let flux = [&["apply", "-f", "-", "-o", NAMES], &server_side[..]].concat();
        s.log.note("a hundred applies, by two tools");
        for _ in 0..50 {
            for apply in [&["apply", "-f", "-", "-o", NAMES][..], &flux] {
                let names = s.kubectl(apply, &manifest).await?;
                ensure!(names == "CanaryRollout", "stored with {names}");
            }
        }
        // kubectl diff ends with 1 where it finds a difference.
        s.kubectl(&["diff", "-f", "-"], &manifest).await?;
        s.kubectl(&["diff", "-f", "-", server_side[0], server_side[1], server_side[2]], &manifest)
            .await?;
        s.log.note("it is made anew");
        s.when().deletes(HPA, ROLLOUT).await?;
        s.kubectl(&["apply", "-f", "-"], &manifest).await?;
        s.then().is_scaled_through(HPA, ROLLOUT, "CanaryRollout").await?;
        s.when().bounds(5, 12).await?;
        s.then().has_counts(5, 0).await?;
        s.kubectl(&["delete", "-f", "-"], &guard).await.map(drop)
    });
}

#[test]
fn with_the_guard_the_autoscaler_is_given_back_and_stays_where_it_was_given() {
    scenario(async |s| {
        s.given().an_adopted_autoscaled_fleet(2).await?;
        let guard = guarded(s).await?;
        s.when().deletes(ObjectKind::CanaryRollout, ROLLOUT).await?;
        s.then()
            .sees("the target serves alone", |view| {
                let target = view.state.parts.get(&Part::Target)?;
                (target.ready == 2 && view.state.rollouts.is_empty()).then_some(())
            })
            .await?;
        let names = s.kubectl(&["get", AUTOSCALER, "-o", NAMES], "").await?;
        ensure!(names == "Deployment", "it names a {names}");
        let again = bounded(ROLLOUT, 2, 12).to_string();
        let names = s.kubectl(&["apply", "-f", "-", "-o", NAMES], &again).await?;
        ensure!(names == "Deployment", "the guard is off");
        s.kubectl(&["delete", "-f", "-"], &guard).await.map(drop)
    });
}

#[test]
fn with_the_overlay_nobody_scales_an_adopted_target_and_is_told_what_to_scale() {
    scenario(async |s| {
        s.given().an_adopted_fleet_under(Election::None, 3, &RolloutSpec::endless()).await?;
        let policies = s.given().shipped_policies("config/guard-scale").await?;
        let scale = ["scale", "deployment", ROLLOUT, "--replicas=5"];
        let told = "kubectl scale canaryrollout orders --replicas=5";
        s.then().refuses(&scale, told).await?;
        s.kubectl(&["scale", "canaryrollout", ROLLOUT, "--replicas=5"], "").await?;
        s.then().has_counts(5, 0).await?;
        s.kubectl(&["delete", "-f", "-"], &policies).await.map(drop)
    });
}
