//! Consumers that nobody of this project wrote: Kafka's own, in Java, under both group protocols.

use siskin_api::PromotionReason;
use siskin_e2e::scenario::java::Protocol;
use siskin_e2e::scenario::{RolloutSpec, Version, scenario};

/// Its members name no pod: what attributes them is their address.
fn rolled_out(protocol: Protocol) {
    scenario(async |s| {
        s.given().java_consumers(protocol)?;
        s.given().an_adopted_fleet(3, &RolloutSpec::quick()).await?;
        s.given().a_record().await?;
        s.when().ships(&Version::good("2")).await?;
        s.then().promotes("2", PromotionReason::Passed).await
    });
}

#[test]
fn a_fleet_of_java_consumers_is_rolled_out() {
    rolled_out(Protocol::Classic);
}

#[test]
fn a_fleet_under_the_new_group_protocol_is_rolled_out() {
    rolled_out(Protocol::Consumer);
}
