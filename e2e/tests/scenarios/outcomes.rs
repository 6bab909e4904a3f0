//! How a trial ends: a version that works is promoted, one that does not is rolled back.

use siskin_api::{Cause, Phase, PromotionReason};
use siskin_e2e::scenario::{RolloutSpec, Version, scenario};

#[test]
fn a_good_version_is_promoted() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::quick()).await?;
        s.given().a_record().await?;
        s.when().ships(&Version::good("2")).await?;
        s.then().reaches(Phase::Progressing).await?;
        s.then().promotes("2", PromotionReason::Passed).await?;
        s.then().says("Completed", "True", "Succeeded").await?;
        s.then().says("Promoted", "True", "Succeeded").await
    });
}

#[test]
fn a_version_that_crashes_is_rolled_back() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::quick()).await?;
        s.when().ships(&Version::crashing("2")).await?;
        s.then().rolls_back(Cause::GuardFailed, "1").await?;
        s.then().says("Stalled", "True", "RevisionRejected").await?;
        s.then().tells("RollingBack", "CrashLoopBackOff").await
    });
}

#[test]
fn a_version_that_stalls_on_some_records_is_rolled_back() {
    scenario(async |s| {
        s.given().an_adopted_fleet(3, &RolloutSpec::quick()).await?;
        s.given().a_record().await?;
        s.when().ships(&Version::stalling("2")).await?;
        s.then().rolls_back(Cause::GuardFailed, "1").await?;
        s.then().tells("RollingBack", "is stuck").await
    });
}
