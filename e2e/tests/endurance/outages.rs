//! Prometheus and Kafka out of reach, for a moment, for a minute, for longer than `maxHold`, in each
//! stage of a rollout: nothing is promoted on what is missing, nothing rolled back for it, and the
//! rollout goes on when the source is back.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::{Value, json};
use siskin_api::{Phase, PromotionReason, Verdict};
use siskin_e2e::scenario::cases::Case;
use siskin_e2e::scenario::event_log::View;
use siskin_e2e::scenario::seen::Part;
use siskin_e2e::scenario::{RolloutSpec, Scenario, Source, Version, scenario};

use crate::figures;
use crate::knobs::{adopted, patient};

const SOURCES: [Source; 2] = [Source::Kafka, Source::Prometheus];
const STAGES: [Stage; 5] =
    [Stage::Preparing, Stage::First, Stage::Later, Stage::Proven, Stage::Promoting];

/// Records a second: enough to prove within two minutes that errors are no more frequent.
const RATE: u32 = 240;

/// What is left to prove when the source is back, on a busy machine.
const WITHIN: Duration = Duration::from_secs(300);

/// When the source goes away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Before the version is shipped: preflight can't ask.
    Preparing,
    /// In the hold of the first of two steps.
    First,
    /// In the hold of the second.
    Later,
    /// In the hold of the last step, when all is proven and only time is missing.
    Proven,
    /// When the primary takes the version.
    Promoting,
}

/// For how long it is away, and what the user chose for lack of evidence.
#[derive(Clone, Copy, Debug)]
struct Length {
    name: &'static str,
    seconds: u64,
    max_hold: u64,
    on_inconclusive: &'static str,
}

/// `maxHold` is longer than the hold of any stage, and than what its proof takes: were it not, the
/// user's choice would be followed with every source there.
const LENGTHS: [Length; 4] = [
    Length { name: "1s", seconds: 1, max_hold: 300, on_inconclusive: "Rollback" },
    Length { name: "60s", seconds: 60, max_hold: 300, on_inconclusive: "Promote" },
    Length { name: "beyond-promote", seconds: 120, max_hold: 90, on_inconclusive: "Promote" },
    Length { name: "beyond-rollback", seconds: 120, max_hold: 90, on_inconclusive: "Rollback" },
];

/// Each source, length and stage.
pub fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for length in LENGTHS {
        for stage in STAGES {
            for source in SOURCES {
                let name = format!("outage/{source:?}/{}/{stage:?}", length.name);
                let play = move || play(source, length, stage);
                cases.push(Case::new(name.to_lowercase(), play));
            }
        }
    }
    cases
}

fn play(source: Source, length: Length, stage: Stage) -> String {
    let mut measured = String::new();
    scenario(async |s| {
        let proxy = s.given().a_proxy_to(source)?;
        if counts_errors(source, length, stage) {
            s.given().a_rate(RATE);
        }
        let spec = spec(s, &proxy, source, length, stage);
        adopted(s, &spec).await?;
        s.given().a_record_of(Duration::from_secs(15)).await?;
        if stage == Stage::Preparing {
            s.when().loses(source).await?;
            if 1 < length.seconds {
                s.then().says_status("SourcesReachable", "False").await?;
            }
            s.when().ships(&Version::good("2")).await?;
        } else {
            s.when().ships(&Version::good("2")).await?;
            comes_to(s, stage).await?;
            s.when().loses(source).await?;
        }
        away(s, length, stage).await?;
        s.when().regains(source)?;
        let back = std::time::Instant::now();
        s.then().promotes_within(WITHIN, "2", PromotionReason::Passed).await?;
        let rolled_back = figures::times(s, Phase::RollingBack);
        ensure!(rolled_back == 0, "rolled back {rolled_back} times for an outage");
        measured = format!("promoted {:.0} s after it was back", back.elapsed().as_secs_f64());
        Ok(())
    });
    measured
}

/// Two steps, or one whose hold is longer than what its proof takes.
fn spec(s: &Scenario, proxy: &str, source: Source, length: Length, stage: Stage) -> RolloutSpec {
    let steps = match stage {
        Stage::Preparing | Stage::First | Stage::Later => {
            json!([{"weight": 34, "hold": "10s"}, {"weight": 67, "hold": "10s"}])
        }
        Stage::Proven => json!([{"weight": 34, "hold": "60s"}]),
        Stage::Promoting => json!([{"weight": 34, "hold": "5s"}]),
    };
    let spec = patient(&steps)
        .strategy("maxHold", format!("{}s", length.max_hold))
        .strategy("onInconclusive", length.on_inconclusive);
    let address = match source {
        Source::Kafka => s.run.bed.prometheus_url(),
        Source::Prometheus => format!("http://{proxy}"),
    };
    let spec = spec.analysis("prometheus", json!({"address": address}));
    if !counts_errors(source, length, stage) {
        return spec;
    }
    let series = json!({"consumed": "consumed_total", "errors": "errors_total"});
    spec.analysis("series", series)
}

/// Whether errors are a signal, too, whose proof takes thousands of records: where there is time.
fn counts_errors(source: Source, length: Length, stage: Stage) -> bool {
    source == Source::Prometheus && stage == Stage::First && length.seconds < length.max_hold
}

async fn comes_to(s: &mut Scenario, stage: Stage) -> Result<()> {
    let what = format!("the stage {stage:?}");
    s.then().sees_within(&what, WITHIN, |view| is_at(&view, stage).then_some(())).await
}

fn is_at(view: &View<'_>, stage: Stage) -> bool {
    let Some(rollout) = view.state.rollout() else { return false };
    let progress = rollout.status.progress.as_ref();
    let holds =
        |step| progress.is_some_and(|it| it.step == Some(step) && it.clocks.hold.since.is_some());
    let verdict = rollout.status.analysis.as_ref().and_then(|it| it.verdict);
    match stage {
        Stage::Preparing => rollout.status.phase == Some(Phase::Preparing),
        Stage::First => holds(0),
        Stage::Later => holds(1),
        Stage::Proven => holds(0) && verdict == Some(Verdict::Pass),
        Stage::Promoting => rollout.status.phase == Some(Phase::Promoting),
    }
}

/// The outage: nothing moves forward on what was known before it, and nothing back.
async fn away(s: &mut Scenario, length: Length, stage: Stage) -> Result<()> {
    let before = place(s);
    tokio::time::sleep(Duration::from_secs(length.seconds)).await;
    let long = 1 < length.seconds;
    if long && stage != Stage::Promoting {
        s.then().says_status("SourcesReachable", "False").await?;
        ensure!(place(s) == before || stage == Stage::Preparing, "{before} became {}", place(s));
    }
    let phase = s.phase();
    let held = match stage {
        // Its evidence was complete; whether pods get Ready without the source is their matter.
        Stage::Promoting => matches!(phase, Some(Phase::Promoting | Phase::Succeeded)),
        Stage::Preparing if long => {
            phase == Some(Phase::Preparing)
                && s.log.look(|view| view.state.count(Part::Canary)) == 0
        }
        Stage::First | Stage::Later | Stage::Proven if length.max_hold < length.seconds => {
            phase == Some(Phase::Paused)
        }
        Stage::First | Stage::Later | Stage::Proven if long => phase == Some(Phase::Progressing),
        // What is sampled once a second may have been sampled all the same.
        Stage::Preparing | Stage::First | Stage::Later | Stage::Proven => {
            phase != Some(Phase::RollingBack)
        }
    };
    ensure!(held, "after {} s without it the phase is {phase:?}", length.seconds);
    Ok(())
}

/// Step and counts.
fn place(s: &Scenario) -> Value {
    s.log.look(|view| {
        let counts = [Part::Primary, Part::Canary].map(|it| view.state.count(it));
        let progress = view.state.rollout().and_then(|it| it.status.progress.as_ref());
        json!({"step": progress.and_then(|it| it.step), "counts": counts})
    })
}
