//! Operators that end, die, hang and take over from each other, and a rollout that never notices.
//! What the operators write is judged by the invariants, not here.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use serde_json::json;
use siskin_api::{Cause, Phase, PromotionReason};
use siskin_e2e::scenario::autoscaler::{HPA, bounded};
use siskin_e2e::scenario::event_log::View;
use siskin_e2e::scenario::history::{Change, State, extremes};
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::seen::{Part, Seen};
use siskin_e2e::scenario::{Election, ROLLOUT, RolloutSpec, Scenario, Version, scenario};

#[test]
fn a_restart_in_the_middle_of_a_step_changes_nothing() {
    scenario(async |s| {
        let hold = Duration::from_secs(20);
        let steps = json!([{"weight": 34, "hold": "20s"}]);
        s.given().an_adopted_fleet(3, &RolloutSpec::steps(&steps)).await?;
        s.given().a_record().await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        let begun = s.then().sees("the hold begins", |view| hold_began(&view)).await?;
        s.restart_operator(Election::Usual).await?;
        s.then().reaches(Phase::Promoting).await?;
        let ended = s.then().sees("the promotion begins", |view| promotion_began(&view)).await?;
        // By the operator's own times: this process may see either of them late.
        let lasted = ended.0.duration_since(begun.0).unsigned_abs();
        ensure!(hold <= lasted, "the step was held for {lasted:?} only");
        s.then().promotes("2", PromotionReason::Passed).await?;
        s.then()
            .sees("one attempt", |view| {
                let history = &view.state.rollout()?.status.history;
                (history.len() == 1 && history[0].rollout_id.ends_with("-1")).then_some(())
            })
            .await
    });
}

fn hold_began(view: &View<'_>) -> Option<MicroTime> {
    view.state.rollout()?.status.progress.as_ref()?.clocks.hold.since.clone()
}

/// Looks at what was, since a promotion may be over when it is asked for.
fn promotion_began(view: &View<'_>) -> Option<MicroTime> {
    view.history.iter().find_map(|entry| match &entry.change {
        Change::Put(_, Seen::Rollout(it)) if it.status.phase == Some(Phase::Promoting) => {
            Some(it.status.progress.as_ref()?.since.clone())
        }
        Change::Put(..) | Change::Gone(..) | Change::Action { .. } | Change::Stalled(_) => None,
    })
}

#[test]
fn killed_at_random_moments_a_good_version_is_still_promoted() {
    scenario(async |s| {
        let mut kills = Kills::begin(s).await?;
        s.when().ships(&Version::good("2")).await?;
        kills.until(s, |s| s.phase() == Some(Phase::Progressing)).await?;
        s.when().commands("promote", "/full").await?;
        kills.until(s, |s| s.phase() == Some(Phase::Succeeded)).await?;
        s.then().promotes("2", PromotionReason::Commanded).await?;
        kills.enough()
    });
}

#[test]
fn killed_at_random_moments_a_bad_version_is_still_rolled_back() {
    scenario(async |s| {
        let mut kills = Kills::begin(s).await?;
        s.when().ships(&Version::crashing("2")).await?;
        kills.until(s, |s| s.phase() == Some(Phase::Failed)).await?;
        s.then().rolls_back(Cause::GuardFailed, "1").await?;
        s.when().ships(&Version::good("1")).await?;
        kills.until(s, |s| s.phase() == Some(Phase::Succeeded)).await?;
        s.when().deletes(ObjectKind::CanaryRollout, ROLLOUT).await?;
        kills.until(s, |s| s.phase().is_none()).await?;
        s.then()
            .sees("the target runs its pods itself", |view| {
                let target = view.state.parts.get(&Part::Target)?;
                let alone = view.state.parts.len() == 1 && view.state.frozen.is_empty();
                (target.ready == 3 && target.replicas == 3 && alone).then_some(())
            })
            .await?;
        kills.enough()
    });
}

#[test]
fn killed_at_random_moments_an_autoscaler_is_still_taken_over_and_given_back() {
    scenario(async |s| {
        s.given().an_operator(Election::None)?;
        s.given().a_fleet(3).await?;
        let asked = bounded(ROLLOUT, 1, 12);
        s.objects.apply(HPA, &asked).await?;
        s.given().a_rollout(&RolloutSpec::endless()).await?;
        let mut kills = Kills(0);
        // An operator waits for its answer from when it has first seen it there: none lives so long.
        kills.until(s, |s| s.log.look(|view| is_taken(&view))).await?;
        s.then().is_scaled_through(HPA, ROLLOUT, "CanaryRollout").await?;
        s.then().has_counts(3, 0).await?;
        s.when().deletes(ObjectKind::CanaryRollout, ROLLOUT).await?;
        kills.until(s, |s| s.phase().is_none()).await?;
        let left = s.objects.get(HPA, ROLLOUT).await?;
        ensure!(left.data["spec"]["scaleTargetRef"] == asked["spec"]["scaleTargetRef"], "{left:?}");
        let marks = left.metadata.annotations.unwrap_or_default();
        ensure!(!marks.contains_key("siskin.dev/scale-target"), "{marks:?}");
        let total = |state: &State| usize::try_from(state.total().unwrap_or(3)).unwrap_or(3);
        let found = extremes(&s.log.history(), Duration::ZERO, total);
        ensure!(found == (3, 3), "N was {found:?}");
        ensure!(3 <= kills.0, "only {} kills", kills.0);
        Ok(())
    });
}

/// The status says that the autoscaler is kept pointed at the rollout.
fn is_taken(view: &View<'_>) -> bool {
    view.state.rollout().is_some_and(|it| it.status.autoscaler.is_some())
}

#[test]
fn an_operator_that_ends_hands_over_at_once() {
    scenario(async |s| {
        s.given().an_operator(Election::Usual)?;
        s.given().a_fleet(3).await?;
        s.given().a_rollout(&RolloutSpec::endless()).await?;
        s.given().rest().await?;
        s.given().an_operator(Election::Usual)?;
        s.given().a_ready_operator().await?;
        s.log.note("end the leader");
        let begun = Instant::now();
        s.operators[0].terminate().await?;
        s.when().ships(&Version::good("2")).await?;
        s.then().reaches(Phase::Progressing).await?;
        let waited = begun.elapsed();
        // The Lease lasts for 15 s: whoever waited for its end was not told.
        ensure!(waited < Duration::from_secs(10), "the follower took {waited:?}");
        Ok(())
    });
}

#[test]
fn an_operator_that_dies_is_replaced_when_its_lease_is_over() {
    scenario(async |s| {
        two_operators(s).await?;
        s.log.note("kill the leader");
        s.operators[0].kill().await?;
        let begun = Instant::now();
        s.when().ships(&Version::good("2")).await?;
        s.then().reaches(Phase::Progressing).await?;
        let waited = begun.elapsed();
        // The Lease of 6 s was renewed a second before the kill at the earliest.
        ensure!(Duration::from_secs(4) < waited, "the follower did not wait: {waited:?}");
        ensure!(waited < Duration::from_secs(30), "the follower took {waited:?}");
        Ok(())
    });
}

#[test]
fn an_operator_that_hung_past_its_lease_writes_nothing_more() {
    scenario(async |s| {
        two_operators(s).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        s.log.note("the leader hangs");
        s.operators[0].dismiss();
        s.operators[0].freeze()?;
        s.when().commands("abort", "").await?;
        s.then().rolls_back(Cause::Aborted, "1").await?;
        s.log.note("the old leader goes on");
        let from = s.log.length();
        s.operators[0].thaw()?;
        let status = s.operators[0].ends(Duration::from_secs(15)).await?;
        ensure!(!status.success(), "an operator that lost its lease ends with an error");
        let changes = s.log.look(|view| {
            let written = view.history.iter().skip(from);
            written.map(ToString::to_string).filter(|it| it.contains("Deployment")).count()
        });
        ensure!(changes == 0, "the old leader wrote");
        s.then().serves("1").await
    });
}

/// As an API server does to it that is late by seconds: it ends, its Deployment starts it again, and nothing is lost.
#[test]
fn an_operator_that_lost_its_lease_is_started_again_and_goes_on() {
    scenario(async |s| {
        s.given().an_adopted_fleet_under(Election::Short, 2, &RolloutSpec::endless()).await?;
        s.given().a_canary_of(&Version::good("2")).await?;
        let first = s.operators[0].id();
        s.operators[0].freeze()?;
        // Nothing but time tells that a Lease of 6 s is over.
        tokio::time::sleep(Duration::from_secs(8)).await;
        s.operators[0].thaw()?;
        s.when().commands("promote", "/full").await?;
        s.then().promotes("2", PromotionReason::Commanded).await?;
        ensure!(s.operators[0].id() != first, "it did not end");
        Ok(())
    });
}

/// An adopted fleet under the first of two operators with a Lease of 6 s.
async fn two_operators(s: &mut Scenario) -> Result<()> {
    s.given().an_operator(Election::Short)?;
    s.given().a_fleet(3).await?;
    s.given().a_rollout(&RolloutSpec::endless()).await?;
    s.given().rest().await?;
    s.given().an_operator(Election::Short)?;
    s.given().a_ready_operator().await
}

/// Kills of the operator, each followed by the start of another one.
struct Kills(u32);

impl Kills {
    /// Fewer say little.
    const ENOUGH: u32 = 10;

    /// A fleet that is adopted while its operators are killed.
    async fn begin(s: &mut Scenario) -> Result<Self> {
        s.given().an_operator(Election::None)?;
        s.given().a_fleet(3).await?;
        s.given().a_rollout(&RolloutSpec::endless()).await?;
        let mut kills = Self(0);
        kills.until(s, |s| s.phase() == Some(Phase::Initialized)).await?;
        s.given().rest().await?;
        Ok(kills)
    }

    /// Kills at random moments, until it is so.
    async fn until(&mut self, s: &mut Scenario, so: impl Fn(&Scenario) -> bool) -> Result<()> {
        // Most lives are shorter than a start takes beside other scenarios: of thirty in a row none had looked once.
        let deadline = Instant::now() + Duration::from_secs(300);
        while !so(s) {
            ensure!(Instant::now() < deadline, "not within 300 s, after {} kills", self.0);
            s.a_random_moment().await;
            s.kill_operator(Election::None).await?;
            self.0 += 1;
        }
        Ok(())
    }

    fn enough(&self) -> Result<()> {
        ensure!(Self::ENOUGH <= self.0, "only {} kills", self.0);
        Ok(())
    }
}
