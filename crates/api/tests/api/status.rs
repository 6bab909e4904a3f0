//! The status on the wire: nothing unknown is written, and what is written reads back the same.
//! What stands in it, and when, is the operator's.

use std::error::Error;

use jiff::{SignedDuration, Timestamp};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, Time};
use serde_json::{Value, json};
use siskin_api::{
    AnalysisStatus, CanaryRollout, CanaryRolloutStatus, Cause, Clock, Clocks, Command,
    CommandOutcome, CommandRecord, HistoryEntry, ObservedTarget, Origin, Phase, PrintedColumns,
    ProgressStatus, RejectedRevision, ReplayRange, ReplayRangeKind, Revisions, RoleFigures,
    RolloutOutcome, Share, Verdict,
};

use crate::schema::minimal;

fn progress(since: Timestamp) -> ProgressStatus {
    ProgressStatus {
        revision: "7f9c4d".to_owned(),
        attempt: 2,
        step: Some(1),
        canary: Some(1),
        started: Some(MicroTime(since)),
        reached: Some(1),
        advanced: None,
        since: MicroTime(since),
        cause: Some(Cause::GuardFailed),
        change_id: None,
        obstacle: None,
        from: Some(Origin::Trial),
        before: None,
        promoted_by: None,
        clocks: Clocks {
            hold: Clock { spent_ms: 1500, since: Some(MicroTime(since)) },
            ..Clocks::default()
        },
        plan: None,
        ending: None,
    }
}

fn full() -> CanaryRolloutStatus {
    let since = Timestamp::UNIX_EPOCH + SignedDuration::from_micros(1_700_000_000_123_456);
    let second = Time(Timestamp::UNIX_EPOCH + SignedDuration::from_secs(1_700_000_000));
    let text = |it: &str| Some(it.to_owned());
    CanaryRolloutStatus {
        observed_generation: 3,
        phase: Some(Phase::RollingBack),
        adopted: true,
        rollout_id: text("7f9c4d-2"),
        message: text("partition orders-3 stalled"),
        summary: Some(PrintedColumns {
            step: text("2/5"),
            weight: Some(17),
            ..PrintedColumns::default()
        }),
        replicas: Some(6),
        revisions: Some(Revisions {
            trial: text("7f9c4d"),
            rejected: vec![RejectedRevision {
                revision: "7f9c4d".to_owned(),
                cause: Cause::GuardFailed,
                rollout_id: "7f9c4d-2".to_owned(),
            }],
            ..Revisions::default()
        }),
        observed_target: Some(ObservedTarget { uid: "b0c1".to_owned(), generation: 7 }),
        progress: Some(progress(since)),
        analysis: Some(AnalysisStatus {
            verdict: Some(Verdict::Fail),
            blind: vec!["latency".to_owned()],
            canary: Some(RoleFigures { lag: Some(120), ..RoleFigures::default() }),
            share: Some(Share { pods_percent: Some(17), ..Share::default() }),
            at: Some(second.clone()),
            ..AnalysisStatus::default()
        }),
        history: vec![HistoryEntry {
            rollout_id: "5b2a1e-1".to_owned(),
            change_id: None,
            revision: "5b2a1e".to_owned(),
            outcome: RolloutOutcome::Promoted,
            cause: None,
            promoted_by: None,
            by: text("ada"),
            message: None,
            excuse: None,
            started: second.clone(),
            finished: second.clone(),
        }],
        commands: vec![CommandRecord {
            command: Command::Abort,
            value: "5b2a1e-1".to_owned(),
            outcome: CommandOutcome::Stale,
            by: text("field manager kubectl-annotate"),
            at: Some(second),
        }],
        replay: vec![ReplayRange {
            topic: "orders".to_owned(),
            partition: 3,
            from: 100,
            to: 220,
            kind: ReplayRangeKind::Certain,
        }],
        ..CanaryRolloutStatus::default()
    }
}

#[test]
fn a_status_reads_back_the_same() -> Result<(), Box<dyn Error>> {
    let status = full();
    let read: CanaryRolloutStatus = serde_json::from_value(serde_json::to_value(&status)?)?;
    assert_eq!(read, status);
    Ok(())
}

#[test]
fn what_is_unknown_is_not_written() -> Result<(), Box<dyn Error>> {
    let empty = serde_json::to_value(CanaryRolloutStatus::default())?;
    assert_eq!(empty, json!({"observedGeneration": -1}));

    let written = serde_json::to_value(full())?;
    assert!(!contains_null(&written), "{written}");
    assert_eq!(written["analysis"]["canary"], json!({"lag": 120}));
    assert_eq!(written["progress"]["since"], "2023-11-14T22:13:20.123456Z");
    Ok(())
}

#[test]
fn a_status_of_an_older_operator_is_read() -> Result<(), Box<dyn Error>> {
    let read: CanaryRolloutStatus = serde_json::from_value(json!({"phase": "Succeeded"}))?;
    assert_eq!(read.phase, Some(Phase::Succeeded));
    assert_eq!(read.observed_generation, -1);
    Ok(())
}

/// The guard reads it by this path, in CEL.
#[test]
fn the_guard_finds_adopted_where_it_looks() -> Result<(), Box<dyn Error>> {
    let mut rollout = CanaryRollout::new("orders", serde_json::from_value(minimal())?);
    rollout.status = Some(full());
    assert_eq!(serde_json::to_value(rollout)?.pointer("/status/adopted"), Some(&json!(true)));
    Ok(())
}

fn contains_null(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.iter().any(contains_null),
        Value::Object(fields) => fields.values().any(contains_null),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}
