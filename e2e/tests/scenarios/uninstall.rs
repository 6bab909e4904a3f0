//! Siskin itself is removed: nothing is left half done.

use std::time::Duration;

use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::seen::Part;
use siskin_e2e::scenario::{Election, ROLLOUT, RolloutSpec, scenario};

/// As `helm uninstall` does after the operator went: target and rollout go together.
#[test]
fn an_app_that_is_removed_while_nobody_looks_leaves_no_consumers() {
    scenario(async |s| {
        s.given().an_adopted_fleet_under(Election::None, 3, &RolloutSpec::endless()).await?;
        s.operator()?.kill().await?;
        s.when().deletes(ObjectKind::CanaryRollout, ROLLOUT).await?;
        s.when().deletes(ObjectKind::Deployment, ROLLOUT).await?;
        s.then()
            .sees("the target is gone", |view| {
                (!view.state.parts.contains_key(&Part::Target)).then_some(())
            })
            .await?;
        s.start_operator(Election::None)?;
        s.then()
            .sees_within("nothing is left", Duration::from_secs(180), |view| {
                let empty = view.state.parts.is_empty() && view.state.frozen.is_empty();
                let gone = view.state.rollouts.is_empty() && view.state.pods.is_empty();
                (empty && gone).then_some(())
            })
            .await
    });
}
