//! Recorded traces read back: in order, marked, and within their bounds.
//! What follows from judging them again is tested with the tool that does it.

mod storing;

use jiff::SignedDuration;
use siskin_analysis::observation::{Observation, PodObservation, Role};
use siskin_analysis::{Judge, RECORD_SPAN, Verdict};
use siskin_decide::testing::{self, NOW, step};
use siskin_decide::{Cause, Observed, PromotedBy, State};
use siskin_simulation::healthy_pod;
use siskin_trace::{Reader, gzip};

use super::*;
use crate::evidence::replay_ranges::KeptRanges;
use crate::evidence::rollout_evidence::{RolloutEvidence, Saved};
use crate::traces::marks::Word;
use crate::traces::recording::Extent;

/// The moment of the states that passes find here.
const AT: Millis = 10_000_000;

fn settings() -> Settings {
    Settings {
        interval: 10_000,
        warm_up: 60_000,
        false_rollback_probability: 0.01,
        minimum_evidence: siskin_analysis::MinimumEvidence::Proven,
        user: Arc::default(),
        remembered: siskin_analysis::Remembered::default(),
    }
}

fn attempt(beginning: Beginning<'_>) -> Attempt<'_> {
    Attempt { id: testing::ID, settings: settings(), beginning }
}

/// A moment with a pod; no two names are alike, so that compressing saves little.
fn seen(at: Millis) -> Observation {
    let name = format!("{:x}", u128::from(at.unsigned_abs()).pow(3).wrapping_mul(0x9e37_79b9_7f4a));
    Observation { at, group: None, pods: vec![healthy_pod(&name, Role::Canary, AT)] }
}

fn name(name: &str) -> Name {
    Name::new("shop", name)
}

fn lines(traces: &Traces, name: &Name) -> Vec<Line> {
    let bytes = traces.of(name).expect("a trace").concat();
    let reader = Reader::new(gzip::text(&bytes[..]).expect("bytes")).expect("a header");
    assert_eq!(reader.header().rollout, name.to_string());
    reader.collect::<Result<_, _>>().expect("readable to its end")
}

fn marks(traces: &Traces, name: &Name) -> Vec<Mark> {
    let all = lines(traces, name).into_iter();
    all.filter_map(|line| match line {
        Line::Mark { mark, .. } => Some(mark),
        Line::Seen(_) => None,
    })
    .collect()
}

fn ended(verdict: Verdict, reason: &str) -> Mark {
    Mark::Ended { verdict, reason: reason.to_owned() }
}

fn word(verdict: Verdict, finding: &'static str) -> Word {
    Word { verdict, finding }
}

/// One pass over this state, N = 4.
fn pass(recorder: &Recorder, seen: &Observed, word: Option<Word>) {
    recorder.follow(&AttemptSnapshot::of(&seen.state, 4, word, NOW).expect("an attempt"));
}

/// Begins a trace without a record.
fn begin(traces: &Traces, name: &Name) -> Recorder {
    let recorder = traces.recorder(name);
    recorder.begin(attempt(Beginning::Fresh), &Record::new(RECORD_SPAN), AT);
    recorder
}

fn state(traces: &Traces, name: &Name) -> Option<Extent> {
    let all = traces.list();
    all.iter().find(|it| *it.name == *name.name).map(|it| it.state)
}

#[test]
fn the_record_comes_first_then_what_was_given_in_its_order() {
    let (traces, name) = (Traces::default(), name("orders"));
    let mut record = Record::new(RECORD_SPAN);
    record.push(seen(AT));
    record.push(seen(AT + 10_000));
    let recorder = traces.recorder(&name);
    recorder.begin(attempt(Beginning::Fresh), &record, AT + 12_000);
    // Late ones too: the judge leaves them out itself.
    recorder.seen(seen(AT + 20_000));
    recorder.seen(seen(AT + 15_000));
    let begun = Line::Mark { at: AT + 12_000, mark: Mark::TrialStarted };
    let [a, b, c, d] = [0, 10_000, 20_000, 15_000].map(|it| Line::Seen(seen(AT + it).into()));
    assert_eq!(lines(&traces, &name), [a, b, begun, c, d]);
    assert_eq!(state(&traces, &name), Some(Extent::Recording));
}

#[test]
fn what_the_operator_did_is_marked_once() {
    let (traces, name) = (Traces::default(), name("orders"));
    let recorder = begin(&traces, &name);
    let doubt = Some(word(Verdict::Inconclusive, "WarmingUp"));
    let mut trial = testing::progressing();
    pass(&recorder, &trial, doubt);
    pass(&recorder, &trial, doubt);
    recorder.follow(&AttemptSnapshot::of(&trial.state, 6, doubt, NOW).expect("a trial"));
    step(&mut trial).index = 1;
    step(&mut trial).canary = 2;
    pass(&recorder, &trial, Some(word(Verdict::Fail, "CrashLoop")));
    let rollback = testing::with(
        testing::rolling_back(),
        &[|seen| {
            let State::RollingBack(it) = &mut seen.state else { panic!("{:?}", seen.state) };
            it.cause = Cause::GuardFailed;
            it.since = NOW - SignedDuration::from_secs(3);
        }],
    );
    pass(&recorder, &rollback, None);
    pass(&recorder, &rollback, None);
    recorder.seen(seen(AT));
    recorder.finish(AT);
    let step = |step, weight| Mark::StepChanged { step, weight };
    let scaled = |replicas| Mark::Scaled { replicas };
    let fail = ended(Verdict::Fail, "CrashLoop");
    let expected =
        [Mark::TrialStarted, step(1, 25), scaled(6), step(2, 50), scaled(4), fail.clone()];
    assert_eq!(marks(&traces, &name), expected);
    let all = lines(&traces, &name);
    let at = NOW.as_millisecond() - 3_000;
    assert_eq!(all.last(), Some(&Line::Mark { at, mark: fail }), "when it was decided");
    assert_eq!(state(&traces, &name), Some(Extent::Complete));
}

#[test]
fn what_a_guard_went_by_between_two_samples_fails_again() {
    let (traces, name) = (Traces::default(), name("orders"));
    let mut evidence = RolloutEvidence::new(settings().interval, traces.recorder(&name));
    let saved = Saved { analysis: None, replay: &KeptRanges::Begins, under_way: false };
    evidence.attend(Some(testing::ID), settings(), saved, NOW);
    let mut proof = seen(AT);
    proof.pods[0].crash_loop = true;
    let failed = Some(word(Verdict::Fail, "CrashLoop"));
    let attempt =
        AttemptSnapshot::of(&testing::progressing().state, 4, failed, NOW).expect("a trial");
    evidence.note(&attempt, Some(proof));
    evidence.attend(None, settings(), saved, NOW);
    let mut judge = Judge::new(settings(), &Record::new(RECORD_SPAN));
    let mut given = lines(&traces, &name).into_iter().filter_map(|line| match line {
        Line::Seen(seen) => Some(seen.observation),
        Line::Mark { .. } => None,
    });
    let seen = given.next().expect("the proof");
    judge.observe(&seen);
    assert_eq!(judge.find(seen.at, true).name(), "CrashLoop");
    assert_eq!(state(&traces, &name), Some(Extent::Complete));
}

#[test]
fn a_promotion_ends_the_trial_and_is_recorded_on() {
    let (traces, name) = (Traces::default(), name("orders"));
    let recorder = begin(&traces, &name);
    pass(&recorder, &testing::progressing(), Some(word(Verdict::Pass, "KeepsUp")));
    let passed = testing::with(
        testing::promoting(),
        &[|seen| {
            let State::Promoting(it) = &mut seen.state else { panic!("{:?}", seen.state) };
            it.promoted_by = PromotedBy::Passed;
        }],
    );
    pass(&recorder, &passed, Some(word(Verdict::Inconclusive, "NoCanary")));
    recorder.seen(seen(NOW.as_millisecond()));
    recorder.finish(AT);
    let [.., end, after] = &lines(&traces, &name)[..] else { panic!("lines") };
    assert!(matches!(end, Line::Mark { mark, .. } if *mark == ended(Verdict::Pass, "KeepsUp")));
    assert!(matches!(after, Line::Seen(_)), "guards may still stop it");
}

#[test]
fn an_attempt_that_ends_without_a_decision_says_so() {
    let (traces, name) = (Traces::default(), name("orders"));
    let recorder = begin(&traces, &name);
    recorder.finish(AT);
    recorder.finish(AT);
    let abandoned = ended(Verdict::Inconclusive, "Abandoned");
    assert_eq!(marks(&traces, &name), [Mark::TrialStarted, abandoned]);
}

#[test]
fn a_trace_that_begins_amid_an_attempt_says_so() {
    let (traces, name) = (Traces::default(), name("orders"));
    let recorder = traces.recorder(&name);
    recorder.begin(attempt(Beginning::Resumed("{}")), &Record::new(0), AT);
    assert_eq!(marks(&traces, &name), [Mark::Resumed { accounts: Some("{}".to_owned()) }]);
    assert!(traces.list()[0].resumed);
    recorder.begin(attempt(Beginning::StartedOver), &Record::new(0), AT);
    assert_eq!(marks(&traces, &name), [Mark::Resumed { accounts: None }]);
    begin(&traces, &name);
    assert!(!traces.list()[0].resumed, "the next attempt takes the place of the last");
    traces.forget(&name);
    assert!(traces.list().is_empty() && traces.of(&name).is_none());
}

#[test]
fn nothing_is_kept_of_a_rollout_without_an_attempt() {
    let (traces, name) = (Traces::default(), name("orders"));
    let recorder = traces.recorder(&name);
    recorder.seen(seen(AT));
    recorder.finish(AT);
    assert!(traces.list().is_empty());
}

#[test]
fn a_trace_at_its_bound_is_cut_and_stays_readable() {
    let bound = 3 * CHUNK_BYTES;
    let (traces, name) = (Traces::within(bound, 1 << 30), name("orders"));
    let recorder = begin(&traces, &name);
    let given = 20_000;
    for i in 0..given {
        recorder.seen(seen(AT + i * 1_000));
    }
    pass(&recorder, &testing::progressing(), Some(word(Verdict::Fail, "Stalled")));
    recorder.finish(AT + given * 1_000);
    let all = lines(&traces, &name);
    let [.., last, cut, end] = &all[..] else { panic!("{} lines", all.len()) };
    let kept = i64::try_from(all.len()).expect("few") - 3;
    assert!(1_000 < kept && kept < given, "{kept}");
    assert_eq!(*last, Line::Seen(seen(AT + (kept - 1) * 1_000).into()), "none was left out before");
    let reason = format!("the trace reached {bound} bytes");
    assert!(matches!(cut, Line::Mark { mark, .. } if *mark == Mark::Cut { reason }));
    assert!(matches!(end, Line::Mark { mark: Mark::Ended { .. }, .. }), "{end:?}");
    let listed = &traces.list()[0];
    assert_eq!(listed.state, Extent::Cut);
    let size: usize = traces.of(&name).expect("a trace").iter().map(Bytes::len).sum();
    assert!(listed.bytes == size && size <= bound, "{size} of {bound}");
}

#[test]
fn the_oldest_finished_trace_makes_room_and_then_what_is_recorded_is_cut() {
    let all = 6 * CHUNK_BYTES;
    let traces = Traces::within(1 << 30, all);
    let fill = |recorder: &Recorder, count: i64| {
        (0..count).for_each(|i| recorder.seen(seen(AT + i * 1_000)));
    };
    let [first, second, third] = ["first", "second", "third"].map(name);
    let [a, b] = [&second, &first].map(|it| begin(&traces, it));
    fill(&a, 500);
    fill(&b, 500);
    b.finish(AT);
    a.finish(AT);
    let c = begin(&traces, &third);
    let mut i = 0;
    let mut until = |gone: &Name| {
        while state(&traces, gone).is_some() && i < 1_000_000 {
            c.seen(seen(AT + i * 1_000));
            i += 1;
        }
        traces.list().iter().map(|it| it.name.to_string()).collect::<Vec<_>>()
    };
    assert_eq!(until(&first), ["second", "third"], "finished first, though begun last");
    assert_eq!(until(&second), ["third"]);
    assert_eq!(state(&traces, &third), Some(Extent::Recording));
    fill(&c, 40_000);
    assert_eq!(state(&traces, &third), Some(Extent::Cut));
    let reason = format!("all traces together reached {all} bytes");
    assert_eq!(marks(&traces, &third).last(), Some(&Mark::Cut { reason }));
    assert!(traces.list()[0].bytes <= all, "{:?}", traces.list());
}

#[test]
fn without_room_for_another_trace_it_is_cut_from_the_beginning() {
    let traces = Traces::within(1 << 20, CHUNK_BYTES + CHUNK_BYTES / 2);
    let [first, second] = ["first", "second"].map(name);
    begin(&traces, &first);
    begin(&traces, &second);
    let reason = "there was no room for another trace".to_owned();
    assert_eq!(marks(&traces, &second), [Mark::Cut { reason }]);
    assert_eq!(state(&traces, &first), Some(Extent::Recording));
}

#[test]
fn a_line_that_no_reader_accepts_cuts_the_trace() {
    let (traces, name) = (Traces::default(), name("orders"));
    let recorder = begin(&traces, &name);
    recorder.seen(seen(AT));
    recorder.seen(seen(AT + 400 * 24 * 3_600_000));
    recorder.seen(seen(AT + 1));
    let reason = "`at` is more than a year away from that of the line before".to_owned();
    let [_, _, cut] = &lines(&traces, &name)[..] else { panic!("lines") };
    assert_eq!(*cut, Line::Mark { at: AT, mark: Mark::Cut { reason } });
}

#[test]
fn the_word_that_counts_is_that_of_a_guard_that_fails() {
    assert_eq!(Word::of(None, None), None);
    let pods = [PodObservation { crash_loop: true, ..seen(AT).pods.remove(0) }];
    let guard = siskin_analysis::crash_guard(AT, &pods, true);
    assert_eq!(Word::of(None, guard.as_ref()), Some(word(Verdict::Fail, "CrashLoop")));
    let shared = siskin_analysis::crash_guard(AT, &pods, false);
    assert_eq!(Word::of(None, shared.as_ref()), None, "a doubt is the judge's to tell");
}
