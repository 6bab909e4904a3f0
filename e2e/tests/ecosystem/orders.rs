//! The orders in which Deployment, `CanaryRollout` and `ScaledObject` come to a cluster, under real KEDA: in each of
//! them the fleet ends the same, and no activation of KEDA's ever makes N one.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use siskin_e2e::scenario::cases::Case;
use siskin_e2e::scenario::history::Change;
use siskin_e2e::scenario::seen::Seen;
use siskin_e2e::scenario::{Election, FakePods, ROLLOUT, RolloutSpec, Scenario, scenario};
use siskin_e2e::testbed::Artifact;

use crate::keda::{NEVER, SCALED_OBJECT, is_ready};

/// Set, it says how many random orders there are.
const ORDERS: &str = "SISKIN_E2E_ORDERS";

/// Pods of each fleet, and the least that KEDA may ask for.
const PODS: u32 = 3;

/// The annotation by which a person pauses a `ScaledObject`.
const PAUSED: &str = "autoscaling.keda.sh/paused";

/// What comes to the cluster, and happens to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Deployment,
    Rollout,
    ScaledObject,
    Adoption,
    Pause,
    Resume,
}

const WAYS: [(&str, &[Step]); 5] = [
    ("rollout-first", &[Step::Rollout, Step::ScaledObject, Step::Deployment]),
    ("scaler-first", &[Step::ScaledObject, Step::Deployment, Step::Rollout]),
    ("scaler-after", &[Step::Deployment, Step::Rollout, Step::Adoption, Step::ScaledObject]),
    // One that is paused does not answer, and is waited for.
    ("paused", &[Step::Deployment, Step::ScaledObject, Step::Pause, Step::Rollout, Step::Resume]),
    (
        "paused-later",
        &[
            Step::Deployment,
            Step::ScaledObject,
            Step::Rollout,
            Step::Adoption,
            Step::Pause,
            Step::Resume,
        ],
    ),
];

/// A row for each way, with consumers, and for each random order, with fake pods.
pub fn cases() -> Vec<Case> {
    let way = |(name, steps): (&str, &'static [Step])| {
        Case::new(format!("keda/order/{name}"), move || play(steps))
    };
    let count = std::env::var(ORDERS).ok().and_then(|it| it.parse().ok()).unwrap_or(8);
    let order = |number: u32| Case::new(format!("keda/random/{number:03}"), by_chance);
    let all = WAYS.into_iter().map(way).chain((1..=count).map(order));
    all.map(|it| it.needing(Artifact::Keda)).collect()
}

fn play(steps: &'static [Step]) -> String {
    let mut measured = String::new();
    scenario(async |s| {
        s.given().an_operator(Election::None)?;
        let object = s.scaled_object(PODS, 6, NEVER);
        for step in steps {
            takes(s, *step, &object).await?;
        }
        measured = ends(s).await?;
        Ok(())
    });
    measured
}

fn by_chance() -> String {
    let mut measured = String::new();
    scenario(async |s| {
        let how = FakePods { without_members: true, ..FakePods::default() };
        s.given().fake_consumers(PODS, how).await?;
        s.given().an_operator(Election::None)?;
        let mut object = s.scaled_object(PODS, 6, NEVER);
        if s.chance(2) == 0 {
            object["spec"]["scaleTargetRef"]["kind"] = json!("Deployment");
        }
        let mut left = vec![Step::Deployment, Step::Rollout, Step::ScaledObject];
        if s.chance(3) == 0 {
            left.extend([Step::Pause, Step::Resume]);
        }
        let mut taken = Vec::new();
        while !left.is_empty() {
            let place = usize::try_from(s.chance(u64::try_from(left.len())?))?;
            let early = match left[place] {
                Step::Pause => left.contains(&Step::ScaledObject),
                Step::Resume => left.contains(&Step::Pause),
                Step::Deployment | Step::Rollout | Step::ScaledObject | Step::Adoption => false,
            };
            if early {
                continue;
            }
            let step = left.remove(place);
            takes(s, step, &object).await?;
            taken.push(step);
            tokio::time::sleep(Duration::from_millis(s.chance(3000))).await;
        }
        let found = ends(s).await?;
        measured = format!("{taken:?}: {found}");
        Ok(())
    });
    measured
}

async fn takes(s: &mut Scenario, step: Step, object: &Value) -> Result<()> {
    s.log.note(format!("{step:?}"));
    let paused = |value: Value| json!({"metadata": {"annotations": {PAUSED: value}}});
    match step {
        Step::Deployment => s.given().a_fleet(PODS).await,
        Step::Rollout => s.given().a_rollout(&RolloutSpec::endless()).await,
        Step::ScaledObject => s.given().an_autoscaler(SCALED_OBJECT, object).await,
        Step::Adoption => s.given().rest().await,
        Step::Pause => s.objects.merge(SCALED_OBJECT, ROLLOUT, &paused(json!("true"))).await,
        Step::Resume => s.objects.merge(SCALED_OBJECT, ROLLOUT, &paused(Value::Null)).await,
    }
}

/// The one end of all orders.
async fn ends(s: &mut Scenario) -> Result<String> {
    s.then().is_scaled_through(SCALED_OBJECT, ROLLOUT, "CanaryRollout").await?;
    s.given().rest().await?;
    is_ready(s).await?;
    s.then().has_counts(PODS, 0).await?;
    let (least, most) = s.totals(Duration::ZERO);
    ensure!((least, most) == (PODS, PODS), "N was {least} to {most}");
    let activations = activations(s);
    Ok(format!("N {PODS} throughout, the drained target was activated {activations} times"))
}

/// How often somebody let the adopted target begin with one pod.
fn activations(s: &Scenario) -> usize {
    let history = s.log.history();
    let mut counts = history.iter().filter_map(|it| match &it.change {
        Change::Put(name, Seen::Deployment(it)) if name == ROLLOUT => Some(it.replicas),
        Change::Put(..) | Change::Gone(..) | Change::Action { .. } | Change::Stalled(_) => None,
    });
    let mut found = 0;
    let mut last = counts.next().unwrap_or(0);
    for count in counts {
        found += usize::from(last == 0 && count == 1);
        last = count;
    }
    found
}
