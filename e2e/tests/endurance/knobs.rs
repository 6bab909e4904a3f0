//! Every fault knob of the sample worker, under both group protocols, with the real Prometheus: found
//! by the right signal, and told with the right reason.

use std::time::Duration;

use anyhow::Result;
use serde_json::{Value, json};
use siskin_api::Cause;
use siskin_e2e::scenario::cases::Case;
use siskin_e2e::scenario::{Election, RolloutSpec, Scenario, Version, scenario};

use crate::figures;

/// Names of the group protocols, as the worker has them.
pub const PROTOCOLS: [&str; 2] = ["classic", "consumer"];

/// What is learned of the pods' metrics from before the trial: several scrapes of each.
const RECORD: Duration = Duration::from_secs(75);

/// A fault, and what must be said of it.
struct Knob {
    name: &'static str,
    /// Settings of the bad version.
    settings: &'static [(&'static str, &'static str)],
    cause: Cause,
    /// Part of the reason; any of them.
    told: &'static [&'static str],
    /// The memory limit of its pods.
    memory: Option<&'static str>,
    /// Whether the pods' metrics are asked for at all.
    metrics: bool,
    within: Duration,
}

const fn found(
    name: &'static str,
    settings: &'static [(&'static str, &'static str)],
    told: &'static [&'static str],
) -> Knob {
    let within = Duration::from_secs(240);
    let cause = Cause::AnalysisFailed;
    Knob { name, settings, cause, told, memory: None, metrics: true, within }
}

const fn guarded(
    name: &'static str,
    settings: &'static [(&'static str, &'static str)],
    told: &'static [&'static str],
) -> Knob {
    Knob { cause: Cause::GuardFailed, ..found(name, settings, told) }
}

const STUCK: &[&str] = &["is stuck: canary pod"];
const CRASHES: &[&str] = &["CrashLoopBackOff", "restarted 2 times"];

/// The slowest first, so that nobody waits for it alone in the end.
const KNOBS: [Knob; 13] = [
    // A pod's memory is not looked at in its first three minutes, and then once a minute.
    Knob {
        memory: Some("1Gi"),
        within: Duration::from_secs(1_200),
        ..found("leak", &[("LEAK", "60000")], &["memory of the canary"])
    },
    // Latency has three minutes of grace: caches fill.
    Knob {
        within: Duration::from_secs(600),
        ..found("slow", &[("WORK_PER_MESSAGE", "12ms")], &["latency of the canary"])
    },
    Knob {
        within: Duration::from_secs(600),
        ..found("skips", &[("COMMIT_WITHOUT_PROCESSING", "0.5")], &["yield of the canary"])
    },
    // In the first two minutes after pods came, members may come and go.
    Knob {
        within: Duration::from_secs(600),
        ..found("leaves", &[("LEAVE_EVERY", "400")], &["churn of the canary"])
    },
    // Half of what arrives is worked off.
    Knob {
        metrics: false,
        within: Duration::from_secs(600),
        ..found("too-slow", &[("WORK_PER_MESSAGE", "100ms")], &["falls behind on"])
    },
    found("errors", &[("ERROR_SHARE", "0.3")], &["errors of the canary"]),
    found("drops", &[("DROP_SHARE", "0.3")], &["loss of the canary"]),
    guarded("stall-on-key", &[("STALL_ON", "poison")], STUCK),
    guarded("stall-share", &[("STALL_SHARE", "0.02")], STUCK),
    guarded("stall-consumer", &[("STALL_ON", "poison"), ("STALL_SCOPE", "consumer")], STUCK),
    guarded("crash-at-start", &[("CRASH_AT_START", "true")], CRASHES),
    guarded("crash-after", &[("CRASH_AFTER", "100")], CRASHES),
    Knob {
        memory: Some("96Mi"),
        ..guarded("killed", &[("LEAK", "2000000")], &["for running out of memory"])
    },
];

/// Each knob under each protocol.
pub fn cases() -> Vec<Case> {
    let rows = KNOBS.iter().flat_map(|knob| PROTOCOLS.map(|protocol| (knob, protocol)));
    let case = |(knob, protocol): (&'static Knob, &'static str)| {
        Case::new(format!("knob/{}/{protocol}", knob.name), move || play(knob, protocol))
    };
    rows.map(case).collect()
}

fn play(knob: &'static Knob, protocol: &'static str) -> String {
    let mut measured = String::new();
    scenario(async |s| {
        let spec = spec(knob, s);
        s.given().a_setting("GROUP_PROTOCOL", protocol);
        if let Some(limit) = knob.memory {
            s.given().a_memory_limit(limit);
        }
        adopted(s, &spec).await?;
        s.given().a_record_of(RECORD).await?;
        let bad = knob.settings.iter();
        let bad = bad.fold(Version::good("2"), |it, (name, value)| it.knob(name, value));
        s.when().ships(&bad).await?;
        s.then().rolls_back_within(knob.within, knob.cause, "1").await?;
        let reason = s.then().ends_because(knob.told).await?;
        measured = match figures::found_after(s) {
            Some((time, since)) => format!("{:.0} s {since}: {reason}", time.as_secs_f64()),
            None => reason,
        };
        Ok(())
    });
    measured
}

fn spec(knob: &Knob, s: &Scenario) -> RolloutSpec {
    let steps = json!([{"weight": 34, "hold": "30m"}]);
    let spec = patient(&steps).strategy("maxHold", "30m");
    if !knob.metrics {
        return spec;
    }
    by_metrics(spec, &s.run.bed.prometheus_url())
}

/// An adopted fleet of three. Its operator has no Lease: on a machine that is busy for hours it would
/// lose it once, and end for its kubelet to start it again, which nobody does here.
pub async fn adopted(s: &mut Scenario, spec: &RolloutSpec) -> Result<()> {
    s.given().an_adopted_fleet_under(Election::None, 3, spec).await
}

/// These steps, with the default deadline: a pod that starts late on a busy machine, or a member that
/// comes and goes, is not what these rows are about.
pub fn patient(steps: &Value) -> RolloutSpec {
    RolloutSpec::steps(steps).strategy("progressDeadline", "10m")
}

/// Judged also by all that the sample worker exports.
pub fn by_metrics(spec: RolloutSpec, prometheus: &str) -> RolloutSpec {
    let series = json!({
        "consumed": "consumed_total",
        "processed": "processed_total",
        "errors": "errors_total",
        "latency": "processing_seconds",
    });
    spec.analysis("prometheus", json!({"address": prometheus})).analysis("series", series)
}
