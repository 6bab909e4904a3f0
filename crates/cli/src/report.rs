//! A judged trace in words: the timeline, the table of signals, or one line of JSON.
//! Only formats; what it says was found elsewhere.

use std::fmt::Write;

use serde_json::json;
use siskin_analysis::{Against, Effect, GroupSummary, ShortNumber, Signal, SignalReport, Verdict};
use siskin_trace::Mark;

use crate::judged::{JudgedTrace, TimelineEvent};
use crate::table;

/// The timeline, and the table as it stood at the end.
pub(crate) fn text(file: &str, it: &JudgedTrace) -> String {
    let mut out = format!("{file}: {}\n\n", it.rollout);
    for entry in &it.timeline {
        let said = match &entry.event {
            TimelineEvent::Found(finding) => format!("{}: {finding}", finding.verdict()),
            TimelineEvent::Marked(mark) => format!("({})", marked(mark)),
        };
        let _ = writeln!(out, "{:>7} s  {said}", entry.second);
    }
    let JudgedTrace { last, seconds, .. } = it;
    let _ = writeln!(out, "\n{} after {seconds} s: {}\n", last.verdict, last.finding);
    let mut rows = vec![
        ["SIGNAL", "PRIMARY", "CANARY", "DIFFERENCE", "EVIDENCE", "ACTION"].map(str::to_owned),
    ];
    rows.extend(last.signals.iter().map(|signal| row(signal, it)));
    rows.extend(last.blind.iter().map(|signal| {
        let cells = [&signal.to_string(), "-", "-", "-", "-", "blind: no such metric"];
        cells.map(str::to_owned)
    }));
    out += &table::text(&rows);
    for note in &last.notes {
        let _ = writeln!(out, "note: {note}");
    }
    out.push('\n');
    out
}

/// One line: file, rollout, verdict, second, reason, message, evidence and its need, proof, notes,
/// and how much of the trial was recorded.
pub(crate) fn json(file: &str, it: &JudgedTrace) -> String {
    let last = &it.last;
    let notes: Vec<String> = last.notes.iter().map(ToString::to_string).collect();
    let line = json!({
        "file": file,
        "rollout": it.rollout,
        "verdict": last.verdict,
        "second": it.since(),
        "reason": last.finding.name(),
        "message": last.finding.to_string(),
        "judgedSeconds": it.seconds,
        "against": last.against,
        "proof": last.proof,
        "blind": last.blind,
        "resumed": it.has(|mark| matches!(mark, Mark::Resumed { .. })),
        "cut": it.has(|mark| matches!(mark, Mark::Cut { .. })),
        "notes": notes,
    });
    format!("{line}\n")
}

fn marked(mark: &Mark) -> String {
    match mark {
        Mark::TrialStarted => "the trial starts".to_owned(),
        Mark::StepChanged { step, weight } => format!("step {step}: {weight} % canary"),
        Mark::Scaled { replicas } => format!("scaled to {replicas} pods"),
        Mark::Ended { verdict, reason } => format!("recorded end: {verdict}, {reason}"),
        Mark::Resumed { accounts: Some(_) } => {
            "the recording begins here: what went before is in the accounts".to_owned()
        }
        Mark::Resumed { accounts: None } => {
            "the recording begins here: what went before was lost".to_owned()
        }
        Mark::Cut { reason } => format!("the recording was cut: {reason}"),
    }
}

fn row(signal: &SignalReport, it: &JudgedTrace) -> [String; 6] {
    let [primary, canary, difference] = match (&signal.effect, &signal.signal) {
        (Some(effect), _) => figures(effect),
        (None, Signal::Lag) => lag(&it.summary),
        (None, _) => ["-", "-", "-"].map(str::to_owned),
    };
    let [evidence, action] = if signal.weight > 0.0 {
        by_evidence(signal, it)
    } else {
        by_count(signal.effect.as_ref())
    };
    [signal.signal.to_string(), primary, canary, difference, evidence, action]
}

/// Evidence of a signal within the error budget, and what follows from it.
fn by_evidence(signal: &SignalReport, it: &JudgedTrace) -> [String; 2] {
    let needed = it.last.against.needed / signal.weight;
    let action = match (signal.proven, it.last.verdict) {
        (_, Verdict::Fail) if signal.evidence >= needed => "rolls back",
        (Some(true), _) => "proven",
        (Some(false), _) => "not proven yet: holds",
        (None, _) if signal.evidence > 1.0 + 1e-6 => "suspected: holds",
        (None, _) => "none",
    };
    let evidence = format!("{:.3} of {needed:.0}", signal.evidence.min(1e9));
    [evidence, action.to_owned()]
}

/// Failing readings of a user's threshold, and what follows from them.
fn by_count(effect: Option<&Effect>) -> [String; 2] {
    match effect {
        Some(Effect::Bounded { failing, limit, .. }) => {
            let action = if failing > limit { "rolls back" } else { "none" };
            [format!("{failing} failing, {limit} tolerated"), action.to_owned()]
        }
        Some(
            Effect::Ratio { .. }
            | Effect::CpuTime { .. }
            | Effect::PerHour { .. }
            | Effect::Skipped { .. }
            | Effect::Repeated { .. }
            | Effect::Growth { .. },
        )
        | None => ["-", "no reading yet: holds"].map(str::to_owned),
    }
}

fn lag(summary: &GroupSummary) -> [String; 3] {
    let behind = |seconds: Option<f64>| seconds.map_or("-".to_owned(), |it| format!("{it:.1} s"));
    let (primary, canary) = (summary.primary.lag_seconds, summary.canary.lag_seconds);
    let more = primary.zip(canary).map(|(primary, canary)| format!("{:+.1} s", canary - primary));
    [behind(primary), behind(canary), more.unwrap_or_else(|| "-".to_owned())]
}

/// Cells of an effect: primary, canary, and their difference.
fn figures(effect: &Effect) -> [String; 3] {
    match *effect {
        Effect::Ratio { ratio, low, high, canary, primary } => {
            let high = high.map_or("…".to_owned(), |high| format!("{high:.2}"));
            [
                format!("{:.2} %", 100.0 * primary),
                format!("{:.2} %", 100.0 * canary),
                format!("×{ratio:.2} [{low:.2}, {high}]"),
            ]
        }
        Effect::CpuTime { ratio, low, high, canary, primary } => {
            let high = high.map_or("…".to_owned(), |high| format!("{high:.2}"));
            let millis = |seconds: f64| format!("{} ms", ShortNumber(1_000.0 * seconds));
            [millis(primary), millis(canary), format!("×{ratio:.2} [{low:.2}, {high}]")]
        }
        Effect::PerHour { events, rate, normal } => {
            [format!("{normal:.1} /h"), format!("{rate:.1} /h"), format!("{events:.0} events")]
        }
        Effect::Skipped { share } | Effect::Repeated { share } => {
            ["-".to_owned(), "-".to_owned(), format!("{:+.1} %", 100.0 * share)]
        }
        Effect::Growth { bytes_per_minute, .. } => {
            let mebibytes = bytes_per_minute / 1_048_576.0;
            ["-".to_owned(), format!("{mebibytes:+.1} MiB/min"), "-".to_owned()]
        }
        Effect::Bounded { value, primary, against, .. } => {
            let primary = primary.map_or("-".to_owned(), |it| ShortNumber(it).to_string());
            match against {
                Against::Absolute => [primary, ShortNumber(value).to_string(), "-".to_owned()],
                Against::Primary | Against::Before => {
                    [primary, "-".to_owned(), format!("×{}", ShortNumber(value))]
                }
            }
        }
    }
}
