//! A million absurd cases: no panic, no number that is none, no verdict without evidence.
//! `SISKIN_FUZZ_CASES` sets how many, `SISKIN_FUZZ_SEED` the first; a failure names its seed.

mod absurd;
mod text;

use std::io::Cursor;
use std::panic::catch_unwind;

use absurd::Case;
use siskin_analysis::{
    Assessment, Effect, Fault, Finding, Judge, Record, Verdict, primary_steady, summarize,
};
use siskin_trace::{Reader, TraceError};

/// Cases of each kind in a usual run: a second or two without optimisation.
const USUAL: u64 = 400;

/// A number from the environment.
fn set(name: &str, otherwise: u64) -> u64 {
    let Ok(text) = std::env::var(name) else { return otherwise };
    text.parse().unwrap_or_else(|_| panic!("{name} is {text}, want a number"))
}

/// Runs one check with every seed.
fn each_seed(check: fn(u64)) {
    let first = set("SISKIN_FUZZ_SEED", 1);
    let cases = set("SISKIN_FUZZ_CASES", USUAL);
    for seed in first..first + cases {
        if let Err(cause) = catch_unwind(|| check(seed)) {
            eprintln!("again with: SISKIN_FUZZ_SEED={seed} SISKIN_FUZZ_CASES=1");
            std::panic::resume_unwind(cause);
        }
    }
    println!("{cases} cases from seed {first}");
}

#[test]
fn whatever_is_observed_the_answers_are_sensible() {
    each_seed(judge);
}

/// Only the gross account had grown, the other one was heavier and knew of no rate.
#[test]
fn a_fail_tells_the_rates_of_the_account_that_grew() {
    judge(200_779);
}

#[test]
fn whatever_a_trace_says_it_is_read_or_refused_with_its_line() {
    each_seed(read);
}

fn judge(seed: u64) {
    let Case { kind, settings, seen } = Case::of(seed);
    let (before, during) = seen.split_at(seen.len() / 2);
    let mut record = Record::new(600_000);
    for one in before {
        record.push(one.clone());
    }
    let mut judge = Judge::new(settings.clone(), &record);
    for (step, one) in during.iter().enumerate() {
        judge.observe(one);
        record.push(one.clone());
        let assessment = judge.assess(one.at, true);
        assert_sensible(&assessment);
        assert_in_its_direction(&assessment);
        assert_eq!(assessment.finding, judge.find(one.at, true));
        let verdict = assessment.verdict;
        assert!(
            !kind.is_without_evidence() || verdict == Verdict::Inconclusive,
            "{kind:?} at step {step}: {assessment}"
        );
        if step % 4 == 3 {
            judge = Judge::resume(settings.clone(), &judge.save()).expect("it reads what it saved");
        }
    }
    let summary = summarize(&record);
    for role in [summary.primary, summary.canary] {
        let numbers = [role.lag_seconds, role.throughput, role.message_share];
        assert!(numbers.into_iter().flatten().all(is_number), "{role:?}");
        assert!(is_number(role.partition_share), "{role:?}");
    }
    assert!(is_number(summary.unattributed_share), "{summary:?}");
    if let Err(unsteady) = primary_steady(&record, siskin_simulation::START) {
        assert!(!unsteady.to_string().is_empty());
    }
}

fn is_number(value: f64) -> bool {
    value.is_finite() && value >= 0.0
}

fn assert_sensible(assessment: &Assessment) {
    let Assessment { against, proof, smallest_drift_seen, .. } = assessment;
    let numbers = [against.value, against.needed, proof.value, proof.needed];
    assert!(numbers.into_iter().all(is_number), "{assessment:?}");
    assert!(smallest_drift_seen.is_none_or(is_number), "{assessment:?}");
    assert_eq!(assessment.verdict, assessment.finding.verdict());
    assert!(assessment.signals.iter().all(|one| is_number(one.evidence)), "{assessment:?}");
    // Findings and effects carry numbers too: JSON has neither NaN nor infinity, so that one of
    // them would be null and not read back.
    let text = serde_json::to_string(assessment).expect("serialisable");
    let back: Assessment = serde_json::from_str(&text).expect("readable");
    assert_eq!(back.verdict, assessment.verdict);
    let words = assessment.to_string();
    assert!(!words.contains("NaN") && !words.contains("inf "), "{words}");
}

/// A canary that fails by counts is said to have the larger rate: a sentence that told the opposite
/// of the evidence would be worse than none.
fn assert_in_its_direction(assessment: &Assessment) {
    let Finding::Fault(Fault::Worse { effect, .. }) = &assessment.finding else { return };
    if let Effect::Ratio { ratio, canary, primary, .. } = effect {
        assert!(canary > primary && *ratio > 1.0, "{assessment}: {effect:?}");
    }
}

fn read(seed: u64) {
    let text = text::of(seed);
    let lines = text.split(|byte| *byte == b'\n').count() as u64;
    let error = match Reader::new(Cursor::new(&text)) {
        Ok(mut reader) => reader.find_map(Result::err),
        Err(error) => Some(error),
    };
    let line = match error {
        None => return,
        Some(TraceError::Empty) => {
            assert!(text.is_empty(), "{}", String::from_utf8_lossy(&text));
            return;
        }
        Some(TraceError::Version { .. }) => 1,
        Some(TraceError::Source { source, .. }) => panic!("memory does not fail: {source}"),
        Some(TraceError::TooLong { line }) => panic!("line {line} is not that long"),
        Some(TraceError::Unreadable { line, ref problem, .. }) => {
            assert!(!problem.is_empty());
            line
        }
        Some(TraceError::Nonsense { line, .. }) => line,
    };
    assert!((1..=lines).contains(&line), "line {line} of {lines}");
}
