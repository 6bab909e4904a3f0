//! What waits to be stored: it counts into the memory of all traces, and goes first.
//! Files are the archive's.

use super::*;
use crate::traces::recording::CHUNK_BYTES;

/// Traces that are to be stored, with memory for so many bytes.
fn archived(all: usize) -> Traces {
    let (traces, _) = Traces::archived();
    traces.lock().limits = TraceLimits { each: 1 << 30, all };
    traces
}

fn fill(recorder: &Recorder, count: i64) {
    (0..count).for_each(|i| recorder.seen(seen(AT + i * 1_000)));
}

#[test]
fn without_a_directory_nothing_waits() {
    let (traces, name) = (Traces::default(), name("orders"));
    fill(&begin(&traces, &name), 10);
    begin(&traces, &name);
    assert!(traces.lock().outgoing.is_none());
    assert_eq!(traces.given_up(), 0);
}

#[test]
fn a_transcript_is_what_is_recorded_so_far() {
    let (traces, name) = (archived(1 << 30), name("orders"));
    let recorder = begin(&traces, &name);
    assert!(traces.unstored(Unstored::All).is_empty(), "nothing is judged yet");
    fill(&recorder, 10);
    assert!(traces.unstored(Unstored::Ended).is_empty());
    let [first] = &traces.unstored(Unstored::All)[..] else { panic!("one") };
    let transcript = traces.transcript(first).expect("it is there");
    let bytes = transcript.members.concat();
    assert_eq!(bytes, traces.of(&name).expect("it is there").concat());
    fill(&recorder, 1);
    traces.stored(&transcript);
    assert_eq!(traces.unstored(Unstored::All).len(), 1, "a line came meanwhile");
    assert_eq!(lines(&traces, &name).len(), 12);
    traces.stored(&traces.transcript(first).expect("it is there"));
    assert!(traces.unstored(Unstored::All).is_empty());
}

#[test]
fn what_waits_takes_no_more_memory_than_there_is_and_what_goes_is_counted() {
    let traces = archived(6 * CHUNK_BYTES);
    let [orders, bills] = ["orders", "bills"].map(name);
    let first = begin(&traces, &orders);
    fill(&first, 500);
    first.finish(AT);
    let second = begin(&traces, &orders);
    second.finish(AT);
    assert_eq!(traces.unstored(Unstored::Ended).len(), 2);
    fill(&begin(&traces, &bills), 40_000);
    assert_eq!(traces.given_up(), 2, "both, for the one that is recorded");
    assert_eq!(traces.given_up(), 0, "told once");
    let [left] = &traces.unstored(Unstored::All)[..] else { panic!("one") };
    assert_eq!(left.name, bills);
}
