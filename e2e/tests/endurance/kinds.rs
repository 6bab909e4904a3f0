//! Kinds of consumers that other people have: slow to warm up, quiet, working by batches, dear in CPU, and
//! one whose harm only a figure of the whole shows.

use std::time::Duration;

use anyhow::Result;
use serde_json::json;
use siskin_api::{Cause, PromotionReason};
use siskin_e2e::scenario::cases::Case;
use siskin_e2e::scenario::{RolloutSpec, Scenario, Version, scenario};

use crate::figures;
use crate::knobs::{adopted, by_metrics, patient};

/// What is learned from before the trial.
const RECORD: Duration = Duration::from_secs(120);

/// A consumer, a new version of it, and what becomes of that.
struct Kind {
    name: &'static str,
    /// Settings of both versions.
    usual: &'static [(&'static str, &'static str)],
    /// Settings of the new one alone.
    new: &'static [(&'static str, &'static str)],
    /// Records a second; three pods share them.
    rate: u32,
    spec: fn(&Scenario) -> RolloutSpec,
    end: End,
    within: Duration,
}

/// How the trial ends.
enum End {
    Promoted,
    RolledBack(Cause, &'static str),
}

const fn minutes(count: u64) -> Duration {
    Duration::from_secs(60 * count)
}

fn kinds() -> Vec<Kind> {
    let healthy = |name, rate, within| Kind {
        name,
        usual: &[("WORK_PER_MESSAGE", "5ms")],
        new: &[],
        rate,
        spec: usual_plan,
        end: End::Promoted,
        within,
    };
    let failed = |name, cause, told| Kind {
        end: End::RolledBack(cause, told),
        spec: endless,
        ..healthy(name, 300, minutes(10))
    };
    vec![
        // Half of its speed for five minutes, which is enough for what arrives.
        Kind {
            new: &[("WARM_UP", "5m"), ("WARM_UP_COST", "2")],
            spec: |s| usual_plan(s).strategy("warmUp", "6m"),
            ..healthy("warms-up", 240, minutes(40))
        },
        healthy("quiet", 2, minutes(40)),
        Kind {
            usual: &[("COUNT_EVERY", "30s"), ("COMMIT_INTERVAL", "30s")],
            new: &[("ERROR_SHARE", "1.0")],
            ..failed("batches-fail", Cause::AnalysisFailed, "errors of the canary")
        },
        Kind {
            new: &[("WORK_KIND", "busy")],
            within: minutes(15),
            ..failed("costs-cpu", Cause::AnalysisFailed, "CPU")
        },
        Kind {
            new: &[("DROP_SHARE", "0.9")],
            spec: by_the_whole,
            ..failed("harms-the-whole", Cause::GuardFailed, "processed-per-second")
        },
    ]
}

/// A row each.
pub fn cases() -> Vec<Case> {
    let case = |kind: Kind| Case::new(format!("kind/{}", kind.name), move || play(&kind));
    kinds().into_iter().map(case).collect()
}

fn play(kind: &Kind) -> String {
    let mut measured = String::new();
    scenario(async |s| {
        for (name, value) in kind.usual {
            s.given().a_setting(name, value);
        }
        s.given().a_rate(kind.rate);
        let spec = (kind.spec)(s);
        adopted(s, &spec).await?;
        s.given().a_record_of(RECORD).await?;
        let new = kind.new.iter();
        let new = new.fold(Version::good("2"), |it, (name, value)| it.knob(name, value));
        let begun = std::time::Instant::now();
        s.when().ships(&new).await?;
        match kind.end {
            End::Promoted => {
                s.then().promotes_within(kind.within, "2", PromotionReason::Passed).await?;
                measured = format!("promoted after {:.0} s", begun.elapsed().as_secs_f64());
            }
            End::RolledBack(cause, told) => {
                s.then().rolls_back_within(kind.within, cause, "1").await?;
                measured = found(s, told).await?;
            }
        }
        Ok(())
    });
    measured
}

async fn found(s: &mut Scenario, told: &'static str) -> Result<String> {
    let reason = s.then().ends_because(&[told]).await?;
    Ok(match figures::found_after(s) {
        Some((time, since)) => format!("{:.0} s {since}: {reason}", time.as_secs_f64()),
        None => reason,
    })
}

/// Two steps with the holds of a cautious team, judged by all that the worker exports.
fn usual_plan(s: &Scenario) -> RolloutSpec {
    let steps = json!([{"weight": 34, "hold": "5m"}, {"weight": 67, "hold": "5m"}]);
    with_cpu(patient(&steps).strategy("maxHold", "15m"), &s.run.bed.prometheus_url())
}

fn endless(s: &Scenario) -> RolloutSpec {
    with_cpu(one_step(), &s.run.bed.prometheus_url())
}

/// Judged by lag, and by one figure that knows no pod.
fn by_the_whole(s: &Scenario) -> RolloutSpec {
    let query = r#"sum(rate(processed_total{namespace="{{namespace}}"}[{{window}}]))"#;
    let threshold = json!({"query": query, "min": "0.8", "against": "Before", "scope": "Global"});
    let metrics = json!([{"name": "processed-per-second", "threshold": threshold}]);
    let prometheus = json!({"address": s.run.bed.prometheus_url()});
    one_step().analysis("prometheus", prometheus).analysis("metrics", metrics)
}

fn one_step() -> RolloutSpec {
    patient(&json!([{"weight": 34, "hold": "30m"}])).strategy("maxHold", "30m")
}

/// The test bed has no cAdvisor: the worker tells its CPU itself.
fn with_cpu(spec: RolloutSpec, prometheus: &str) -> RolloutSpec {
    by_metrics(spec, prometheus).series("cpu", "process_cpu_seconds_total")
}
