//! What the rules of a cluster refuse or change: it is told, it stops nothing else, and it goes on when it is allowed.

use serde_json::json;
use siskin_e2e::scenario::{Election, Policy, ROLLOUT, RolloutSpec, Version, scenario};

const WORDS: &str = "ask the platform team first";

#[test]
fn a_label_that_every_deployment_needs_is_on_the_children_too() {
    scenario(async |s| {
        let unless = "has(object.metadata.labels) && 'team' in object.metadata.labels";
        let policy = Policy::refuses("team", "deployments", unless, WORDS);
        s.given().a_policy(&policy).await?;
        s.given().an_operator(Election::None)?;
        s.given().a_shape(&json!({"metadata": {"labels": {"team": "payments"}}}));
        s.given().a_fleet(2).await?;
        s.then().refuses(&["label", "deployment", ROLLOUT, "team-"], WORDS).await?;
        s.given().a_rollout(&RolloutSpec::endless()).await?;
        s.given().rest().await?;
        s.given().a_canary_of(&Version::good("2")).await
    });
}
