//! Large fleets of consumers that take long to start: adopted, promoted through steps, aborted, handed back; and a node
//! with many of them dies in a hold. Their pods exist in the API only, their members of the group are real.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::{Value, json};
use siskin_api::{Cause, Phase, PromotionReason};
use siskin_e2e::scenario::cases::Case;
use siskin_e2e::scenario::event_log::View;
use siskin_e2e::scenario::history::{Change, State, extremes};
use siskin_e2e::scenario::objects::ObjectKind;
use siskin_e2e::scenario::seen::{Part, Seen};
use siskin_e2e::scenario::{Election, FakePods, ROLLOUT, RolloutSpec, Scenario, Version, scenario};

/// Time from a pod's creation until it is Ready.
const START: Duration = Duration::from_secs(30);

/// Records a second: each of a hundred consumers commits something in each window of the judge.
const RATE: u32 = 400;

/// Hold of each step: long enough for the proof, and taken off the figures.
const HOLD: &str = "20s";

/// Fleets of these sizes, each through its whole life.
const SIZES: [u32; 2] = [60, 100];

/// Plays a story with a fleet of this size and says what was measured.
type Story = fn(u32) -> String;

/// A row per size and story.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for pods in SIZES {
        let stories: [(&str, Story); 3] =
            [("promoted", promoted), ("aborted", aborted), ("dead-node", dead_node)];
        for (name, play) in stories {
            let name = format!("fleet/{pods}/{name}");
            cases.push(Case::new(name, move || play(pods)));
        }
    }
    cases
}

/// A fleet under load that is adopted by this spec, with the defaults of everything that is not about steps.
async fn adopted(s: &mut Scenario, pods: u32, steps: &Value) -> Result<Duration> {
    s.given().fake_consumers(2 * pods, FakePods::starting_in(START)).await?;
    s.given().partitions(2 * pods);
    s.given().a_rate(RATE);
    // Its operator has no Lease: on a busy machine it would lose it once, and nobody would start it again.
    s.given().an_operator(Election::None)?;
    s.given().a_fleet(pods).await?;
    let begun = s.log.elapsed();
    let spec =
        RolloutSpec::steps(steps).strategy("progressDeadline", "10m").strategy("maxHold", "30m");
    s.given().a_rollout(&spec).await?;
    s.then()
        .sees_within("the fleet is adopted", starts(14), |view| {
            let total = view.state.total()?;
            let rest = view.state.rollout()?.status.phase == Some(Phase::Initialized);
            (rest && view.state.adopted() && serving(view.state) == usize::try_from(total).ok()?)
                .then_some(())
        })
        .await?;
    s.given().a_record().await?;
    Ok(s.log.elapsed().saturating_sub(begun))
}

/// So many starts, one after the other, with a machine in mind that is busy.
fn starts(count: u32) -> Duration {
    START * count * 2
}

/// In starts, as figures are told.
fn in_starts(time: Duration) -> f64 {
    time.as_secs_f64() / START.as_secs_f64()
}

/// Pods that serve: Ready, and not on their way out.
fn serving(state: &State) -> usize {
    state.pods.values().filter(|it| it.part.is_some() && it.ready && !it.terminating).count()
}

/// Adopted, promoted by weights of 10 and 50, and handed back; never fewer than may be missing.
fn promoted(pods: u32) -> String {
    let mut measured = String::new();
    scenario(async |s| {
        let steps = json!([{"weight": 10, "hold": HOLD}, {"weight": 50, "hold": HOLD}]);
        let adoption = adopted(s, pods, &steps).await?;
        let shipped = s.log.elapsed();
        s.when().ships(&Version::good("2")).await?;
        s.then().promotes_within(starts(20), "2", PromotionReason::Passed).await?;
        let whole = s.log.elapsed().saturating_sub(shipped);
        let settling = settled(s).context("both steps settled")?;
        let deleted = s.log.elapsed();
        s.when().deletes(ObjectKind::CanaryRollout, ROLLOUT).await?;
        s.then()
            .sees_within("the target runs its pods itself", starts(14), |view| {
                let target = view.state.parts.get(&Part::Target)?;
                let alone = view.state.parts.len() == 1 && view.state.rollouts.is_empty();
                (target.ready == pods && target.replicas == pods && alone).then_some(())
            })
            .await?;
        let hand_back = s.log.elapsed().saturating_sub(deleted);
        // The target's maxUnavailable is the default.
        let least_allowed = usize::try_from(pods - pods / 4)?;
        let (least, _) = extremes(&s.log.history(), shipped, serving);
        ensure!(least_allowed <= least, "only {least} of {pods} served");
        measured = format!(
            "in starts of {} s: adopted {:.1}, the step of 50 % settled {:.1}, all of it {:.1} with two holds of {HOLD}, handed back {:.1}; {least} served at least",
            START.as_secs(),
            in_starts(adoption),
            in_starts(settling),
            in_starts(whole),
            in_starts(hand_back),
        );
        Ok(())
    });
    measured
}

/// From the beginning of the second step until its hold begins.
fn settled(s: &Scenario) -> Option<Duration> {
    let history = s.log.history();
    let at = |right: &dyn Fn(&siskin_api::ProgressStatus) -> bool| {
        history.iter().find_map(|entry| match &entry.change {
            Change::Put(_, Seen::Rollout(it)) => {
                it.status.progress.as_ref().filter(|it| right(it)).map(|_| entry.at)
            }
            Change::Put(..) | Change::Gone(..) | Change::Action { .. } | Change::Stalled(_) => None,
        })
    };
    let begins = at(&|it| it.step == Some(1))?;
    let holds = at(&|it| it.step == Some(1) && it.clocks.hold.since.is_some())?;
    Some(holds.saturating_sub(begins))
}

/// Half of the fleet is on trial and is aborted: the canary goes by one write, and the primary comes back.
fn aborted(pods: u32) -> String {
    let mut measured = String::new();
    scenario(async |s| {
        let steps = json!([{"weight": 50, "hold": "30m"}]);
        adopted(s, pods, &steps).await?;
        s.when().ships(&Version::good("2")).await?;
        s.then().sees_within("a settled canary of half", starts(6), |view| on_trial(&view)).await?;
        let from = s.log.elapsed();
        s.when().commands("abort", "").await?;
        s.then()
            .sees("the canary is at 0, the primary at N", |view| {
                let whole = view.state.count(Part::Primary) == pods;
                (whole && view.state.count(Part::Canary) == 0).then_some(())
            })
            .await?;
        let reaction = s.log.elapsed().saturating_sub(from);
        s.then().rolls_back_within(starts(6), Cause::Aborted, "1").await?;
        measured = format!("canary at 0 and primary at N after {:.2} s", reaction.as_secs_f64());
        Ok(())
    });
    measured
}

fn on_trial(view: &View<'_>) -> Option<()> {
    let progress = view.state.rollout()?.status.progress.as_ref()?;
    (progress.step.is_some() && progress.clocks.hold.since.is_some()).then_some(())
}

/// A node with pods of both roles dies in a hold: the trial waits for the canary's new pods, and passes.
fn dead_node(pods: u32) -> String {
    let mut measured = String::new();
    scenario(async |s| {
        let steps = json!([{"weight": 10, "hold": "60s"}]);
        adopted(s, pods, &steps).await?;
        s.when().ships(&Version::good("2")).await?;
        s.then().sees_within("a settled canary", starts(6), |view| on_trial(&view)).await?;
        let node = s.when().a_fake_node_dies().await?;
        let lost = s.log.look(|view| usize::try_from(pods).map(|it| it - serving(view.state)));
        s.then().promotes_within(starts(20), "2", PromotionReason::Passed).await?;
        s.when().a_fake_node_returns(node).await?;
        let lost = lost?;
        measured = format!("promoted, though {lost} of {pods} pods were lost with their node");
        Ok(())
    });
    measured
}
