//! What Prometheus reads: every name, every label, and nothing that was not counted.
//! Names are an interface: dashboards and alert rules are written against them.

use std::time::Duration;

use siskin_analysis::Verdict;
use siskin_api::Phase;
use siskin_kafka::UnreadReason;
use strum::IntoEnumIterator;

use crate::process::metrics::endings::Ended;
use crate::process::metrics::shown::{End, Hold, Shown};
use crate::process::metrics::{Metrics, Publication, Storing, Written};

mod page;

/// Everything that is counted, once or more.
fn counted_once() -> Metrics {
    let metrics = Metrics::new();
    metrics.transition(Phase::RollingBack);
    metrics.effect("Delivered");
    metrics.pass(Duration::from_millis(7));
    metrics.pass_failed("Delivered");
    metrics.rollouts([Phase::Progressing, Phase::Succeeded, Phase::Succeeded]);
    metrics.replicas_conflict();
    metrics.api_write(Written::CanaryRolloutStatus);
    metrics.sample("Delivered");
    metrics.unread(UnreadReason::FencedLeaderEpoch, 3);
    metrics.sampler_crashed();
    metrics.reading("Delivered");
    metrics.trace_files(Storing::Written, 1);
    metrics.verdict(Verdict::Inconclusive);
    metrics.event(Publication::Dropped);
    metrics.leader(true);
    let promoted = Ended { outcome: "Promoted", reason: "Passed" };
    let back = Ended { outcome: "RolledBack", reason: "GuardFailed" };
    metrics.endings().can_be([promoted, back]);
    metrics.endings().ended(back, Duration::from_secs(90));
    metrics.endings().detected(Duration::from_secs(41));
    metrics.api_request("patch", Some(409));
    metrics.api_request("patch", None);
    metrics
}

#[test]
fn every_metric_has_its_name_and_label() {
    let text = counted_once().encode().unwrap();
    for line in [
        "siskin_transitions_total{phase=\"RollingBack\"} 1",
        "siskin_effects_total{effect=\"Delivered\"} 1",
        "siskin_pass_seconds_bucket{le=\"0.005\"} 0",
        "siskin_pass_seconds_bucket{le=\"0.01\"} 1",
        "siskin_pass_seconds_count 1",
        "siskin_pass_errors_total{step=\"Delivered\"} 1",
        "siskin_rollouts{phase=\"Succeeded\"} 2",
        "siskin_target_replicas_conflict_total 1",
        "siskin_api_writes_total{kind=\"CanaryRolloutStatus\"} 1",
        "siskin_samples_total{outcome=\"Delivered\"} 1",
        "siskin_partitions_unread_total{reason=\"FencedLeaderEpoch\"} 3",
        "siskin_partitions_unread_total{reason=\"NoAnswer\"} 0",
        "siskin_sampler_crashes_total 1",
        "siskin_verdicts_total{verdict=\"Inconclusive\"} 1",
        "siskin_events_total{outcome=\"Dropped\"} 1",
        "siskin_leader 1",
        "siskin_rollouts_ended_total{outcome=\"RolledBack\",reason=\"GuardFailed\"} 1",
        "siskin_rollouts_ended_total{outcome=\"Promoted\",reason=\"Passed\"} 0",
        "siskin_rollout_seconds_bucket{le=\"60.0\"} 0",
        "siskin_rollout_seconds_bucket{le=\"120.0\"} 1",
        "siskin_detection_seconds_bucket{le=\"45.0\"} 1",
        "siskin_api_requests_total{verb=\"patch\",code=\"409\"} 1",
        "siskin_api_requests_total{verb=\"patch\",code=\"none\"} 1",
        concat!("siskin_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1"),
    ] {
        assert!(text.lines().any(|it| it == line), "no {line:?} in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}

#[test]
fn a_phase_that_no_rollout_is_in_any_more_goes_to_zero() {
    let metrics = Metrics::new();
    metrics.rollouts([Phase::Progressing]);
    metrics.rollouts([Phase::Succeeded]);
    let text = metrics.encode().unwrap();
    assert!(text.contains("siskin_rollouts{phase=\"Progressing\"} 0\n"), "{text}");
    assert!(text.contains("siskin_rollouts{phase=\"Succeeded\"} 1\n"), "{text}");
}

#[test]
fn every_phase_is_shown_from_the_start() {
    let text = Metrics::new().encode().unwrap();
    let shown = text.lines().filter(|it| it.starts_with("siskin_rollouts{")).count();
    assert_eq!(shown, Phase::iter().count());
}

#[test]
fn phases_are_named_as_in_the_status() {
    for phase in Phase::iter() {
        assert_eq!(serde_json::to_value(phase).unwrap(), <&str>::from(phase));
    }
}

#[test]
fn clones_count_together() {
    let metrics = Metrics::new();
    metrics.clone().replicas_conflict();
    metrics.replicas_conflict();
    assert!(metrics.encode().unwrap().contains("siskin_target_replicas_conflict_total 2\n"));
}

#[test]
fn each_rollout_is_shown_by_the_one_that_leads() {
    let metrics = Metrics::new();
    metrics.shows(|| {
        let since = crate::clock::now() - Duration::from_secs(600);
        let held = Hold { condition: "Stalled", reason: "PreflightFailed".into(), since };
        vec![Shown {
            namespace: "shop".into(),
            name: "orders".into(),
            phase: Some(Phase::Preparing),
            verdict: Some(siskin_api::Verdict::Inconclusive),
            held: vec![held],
            ended: Some(End { how: Ended { outcome: "Promoted", reason: "Bypass" }, at: since }),
        }]
    });
    assert!(!metrics.encode().unwrap().contains("orders"), "one that waits shows none");
    metrics.leader(true);
    let text = metrics.encode().unwrap();
    let info = r#"siskin_rollout_info{namespace="shop",name="orders",phase="Preparing",verdict="Inconclusive"} 1"#;
    assert!(text.lines().any(|it| it == info), "{text}");
    let held = r#"siskin_rollout_held_seconds{namespace="shop",name="orders",condition="Stalled",reason="PreflightFailed"} "#;
    let seconds =
        text.lines().find_map(|it| it.strip_prefix(held)).expect("for how long it is held");
    let seconds: f64 = seconds.parse().expect("a number");
    assert!((600.0..660.0).contains(&seconds), "{seconds}");
    let ended = r#"siskin_rollout_ended_timestamp_seconds{namespace="shop",name="orders",outcome="Promoted",reason="Bypass"} "#;
    let at = text.lines().find_map(|it| it.strip_prefix(ended)).expect("when it ended");
    let ago = crate::clock::now().as_second() - at.parse::<i64>().expect("whole seconds");
    assert!((600..660).contains(&ago), "{ago}");
}
