//! What a memory keeps and forgets, and that its bounds hold whatever it is read from. No group is
//! watched: spells are added by hand.

use proptest::prelude::*;

use super::*;

const HOUR: Millis = 3_600_000;
const DAY: Millis = 24 * HOUR;

/// A memory of one spell that showed this commit gap.
fn with_gap(at: Millis, seconds: f64) -> PrimaryMemory {
    let mut memory = PrimaryMemory { at, ..PrimaryMemory::default() };
    memory.gaps.add(gaps(), Some(seconds));
    memory
}

/// Adds spells, each an hour after the one before it.
fn add_gaps(memory: &mut PrimaryMemory, seconds: f64, spells: i64) {
    for _ in 0..spells {
        memory.fade(memory.at + HOUR);
        memory.gaps.add(gaps(), Some(seconds));
    }
}

fn gap(memory: &PrimaryMemory) -> Option<f64> {
    memory.teaches(memory.at).commit_gap.map(seconds)
}

#[test]
fn the_largest_of_few_spells_is_usual_and_a_rare_one_of_many_is_not() {
    let mut memory = with_gap(0, 60.0);
    assert_eq!(gap(&memory).map(f64::round), Some(66.0), "the end of its step");
    add_gaps(&mut memory, 5.0, 4);
    assert!(gap(&memory) > Some(60.0), "one of five");
    add_gaps(&mut memory, 5.0, 48);
    assert!(gap(&memory) < Some(6.0), "one of two days");
    add_gaps(&mut memory, 60.0, 4);
    assert!(gap(&memory) > Some(60.0), "one of ten");
}

#[test]
fn what_was_seen_is_forgotten_in_little_more_than_a_week() {
    let memory = with_gap(0, 60.0);
    assert!(memory.teaches(7 * DAY).commit_gap.is_some());
    assert_eq!(memory.teaches(11 * DAY), Remembered::default());
    let mut slowly = memory.clone();
    (1..=11 * 24 * 60).for_each(|minute| slowly.fade(minute * 60_000));
    assert_eq!(slowly.teaches(11 * DAY), Remembered::default(), "by the minute as well");
    let mut back = memory.clone();
    back.fade(-DAY);
    assert_eq!(back, memory, "a clock that was set back changes nothing");
}

#[test]
fn the_fullest_memory_fits_into_four_kibibytes() {
    let mut memory = PrimaryMemory { at: Millis::MAX, ..PrimaryMemory::default() };
    memory.each(|peaks, scale| {
        for step in 0..=u8::MAX {
            peaks.add(scale, Some(scale.least * 1.15_f64.powi(step.into())));
        }
        for _ in 0..2_000 {
            peaks.add(scale, Some(scale.most));
        }
    });
    let saved = memory.save();
    println!("{} bytes", saved.len());
    assert!(1_000 < saved.len() && saved.len() <= MOST_BYTES, "{}", saved.len());
}

#[test]
fn what_cannot_be_read_is_as_if_it_had_been_lost() {
    let saved = with_gap(HOUR, 60.0).save();
    assert_eq!(PrimaryMemory::read(&saved, HOUR), with_gap(HOUR, 60.0));
    let later = saved.replacen('{', r#"{"addedLater":1,"#, 1);
    assert_eq!(PrimaryMemory::read(&later, HOUR), with_gap(HOUR, 60.0), "a field more");
    let long = format!("{saved}{}", " ".repeat(MOST_BYTES));
    for other in [
        "",
        "{}",
        "[]",
        "null",
        "{\"version\":1}",
        "\u{0}",
        &saved[..saved.len() - 1],
        &saved.replace("\"version\":1", "\"version\":2"),
        &saved.replace("\"gap\":[[", "\"gap\":[[1e9,1],["),
        &saved.replace("\"gap\":[[", "\"gap\":[[-1,1],["),
        &long,
    ] {
        assert_eq!(PrimaryMemory::read(other, HOUR), PrimaryMemory::default(), "{other}");
    }
    assert_eq!(PrimaryMemory::read(&saved, -HOUR), PrimaryMemory::default(), "of a time to come");
}

/// A text that looks like a memory and says anything.
fn anything() -> impl Strategy<Value = String> {
    let pair = (any::<i16>(), prop_oneof![any::<i64>(), 0..2_000_i64]);
    let list = proptest::collection::vec(pair, 0..40);
    let time = prop_oneof![any::<i64>(), 0..10 * DAY];
    let lists = [list.clone(), list.clone(), list.clone(), list];
    (0..3_u32, time, lists, ".{0,20}").prop_map(|(version, at, [a, b, c, d], junk)| {
        let lists = serde_json::json!({
            "version": version, "at": at, "gap": a, "warm": b,
            "errors": {"r": c, "b": d}, "loss": {"b": c}, "latency": junk.len(),
        });
        let mut lists = lists;
        if junk.len() % 3 != 0 {
            lists["latency"] = serde_json::json!({"r": d, "b": a});
        }
        if junk.len() % 7 == 0 { format!("{junk}{lists}") } else { lists.to_string() }
    })
}

proptest! {
    #[test]
    fn whatever_stands_there_it_is_read_without_a_panic_and_its_caps_hold(
        text in prop_oneof![anything(), ".{0,200}"],
        now in prop_oneof![any::<i64>(), 0..10 * DAY],
    ) {
        let mut memory = PrimaryMemory::read(&text, now);
        let taught = memory.teaches(now);
        prop_assert_eq!(taught, taught.capped());
        prop_assert!(memory.save().len() <= MOST_BYTES);
        prop_assert_eq!(&PrimaryMemory::read(&memory.save(), now), &memory);
        memory.fade(now);
        prop_assert!(memory.save().len() <= MOST_BYTES);
    }
}
