//! The record of an attempt, through its object and back, and when the object is written.
//! What an interval between two samples is to the canary is tested where it is told apart.

use siskin_analysis::observation::{
    GroupState, MemberCount, Observation, Owner, PartitionObservation,
};
use siskin_api::annotations::replay;
use siskin_decide::testing::ID;
use siskin_kafka::PodIdentity;
use siskin_simulation::healthy_pod;

use super::object::kept;
use super::*;
use crate::apply::effects::tests::world;

const T0: Timestamp = Timestamp::constant(1_800_000_000, 0);

fn after(seconds: i64) -> Timestamp {
    T0 + SignedDuration::from_secs(seconds)
}

/// So many partitions of one owner, each committed up to this offset.
fn group(role: Role, committed: i64, partitions: i32) -> GroupObservation {
    let name = if role == Role::Canary { "orders-canary-a" } else { "orders-primary-b" };
    let partition = |partition| PartitionObservation {
        topic: "orders".into(),
        partition,
        owner: Owner::Pod { name: name.into(), role },
        committed: Some(committed),
        log_start: Some(0),
        log_end: Some(committed + 1),
    };
    let canary_pods = u32::from(role == Role::Canary);
    GroupObservation {
        state: GroupState::Stable,
        epoch: u64::from(canary_pods),
        members: MemberCount { canary_pods, ..MemberCount::default() },
        partitions: (0..partitions).map(partition).collect(),
    }
}

fn canary() -> PodObservation {
    healthy_pod("orders-canary-a", Role::Canary, 0)
}

fn gone(at: Timestamp) -> GonePod {
    let identity = PodIdentity {
        name: "orders-canary-a".into(),
        ips: vec![],
        host_network: false,
        node_ips: vec![],
        terminating: true,
        gone: true,
        ready: false,
        role: Some(Role::Canary),
    };
    GonePod { identity, at: at.as_millisecond() }
}

/// A record whose primary has committed up to 100, and whose canary from there up to 150.
fn under_way(partitions: i32) -> ReplayRecord {
    let mut record = Record::new(0);
    record.push(Observation {
        at: T0.as_millisecond(),
        group: Some(group(Role::Primary, 100, partitions)),
        pods: vec![],
    });
    let mut ranges = ReplayRecord::of(&KeptRanges::Begins, &record, T0).expect("it begins");
    for (second, committed) in [(10, 110), (20, 150)] {
        let (seen, at) = (group(Role::Canary, committed, partitions), after(second));
        ranges.observe(&seen, &[canary()], &Lives::default(), at.as_millisecond());
    }
    ranges
}

fn view(ranges: &ReplayRecord, leaves: bool, second: i64) -> ReplayView {
    ranges.view("orders-replay-ranges".to_owned(), leaves, after(second))
}

fn written(ranges: &mut ReplayRecord, second: i64) {
    let object = view(ranges, false, second).object(&world(), ID, false).expect("it is due");
    ranges.note_written(object.written, after(second));
}

#[test]
fn another_process_goes_on_from_the_object() {
    let ranges = under_way(2);
    let object = view(&ranges, false, 20).object(&world(), ID, false).expect("it is due at once");
    let list = &object.config_map.data.as_ref().expect("data")["t.orders"];
    assert!(
        list.starts_with("0 100 110 possible\n0 110 150 certain\n0 150 151 touched\n1 "),
        "{list}"
    );
    let kept = kept(Some(&object.config_map), "1", ID, true);
    assert!(matches!(kept, KeptRanges::Kept(_)));
    let mut resumed = ReplayRecord::of(&kept, &Record::new(0), after(30)).expect("it is kept");
    let seen = group(Role::Primary, 170, 2);
    resumed.observe(&seen, &[], &Lives::default(), after(40).as_millisecond());
    let shown = view(&resumed, true, 40);
    assert!(shown.is_closed && shown.summary(true).complete);
    assert_eq!((shown.first[2].from, shown.first[2].to), (150, 170), "what nobody saw is possible");
    assert_eq!(shown.first[2].kind, ReplayRangeKind::Possible);
}

#[test]
fn an_object_of_another_attempt_or_of_somebody_else_is_not_gone_on_from() {
    let object = view(&under_way(1), false, 20).object(&world(), ID, false).expect("it is due");
    let found = Some(&object.config_map);
    let earlier = siskin_decide::testing::EARLIER;
    assert!(matches!(kept(found, "1", earlier, false), KeptRanges::Begins));
    assert!(matches!(kept(found, "1", earlier, true), KeptRanges::Lost), "it is under way");
    assert!(matches!(kept(found, "2", ID, true), KeptRanges::Lost));
    assert!(matches!(kept(None, "1", ID, false), KeptRanges::Begins));
    let mut edited = object.config_map.clone();
    edited.data.as_mut().expect("data").insert("t.orders".to_owned(), "0 x 110 certain".to_owned());
    assert!(matches!(kept(Some(&edited), "1", ID, false), KeptRanges::Lost));
}

#[test]
fn an_attempt_ends_complete_only_with_a_sample_begun_after_the_canary_had_gone() {
    let mut ranges = under_way(1);
    let shown = view(&ranges, true, 21);
    assert!(shown.awaits_last_sample() && !shown.summary(true).complete);
    let message = shown.summary(true).message.expect("why");
    assert!(message.contains("no answer after the canary had left"), "{message}");
    // Its poll began before the pod was gone: it may have committed since.
    let lives = Lives { gone: vec![gone(after(25))], ..Lives::default() };
    let seen = group(Role::Primary, 170, 1);
    ranges.observe(&seen, &[], &lives, after(24).as_millisecond());
    assert!(view(&ranges, true, 26).awaits_last_sample());
    ranges.observe(&seen, &[], &lives, after(26).as_millisecond());
    let shown = view(&ranges, true, 27);
    assert!(shown.is_closed && shown.summary(true).complete);
    assert!(!shown.summary(false).complete, "not before its end");
}

#[test]
fn the_object_is_written_first_last_and_now_and_then_between() {
    let mut ranges = under_way(1);
    written(&mut ranges, 20);
    let due = |ranges: &ReplayRecord, leaves, second| {
        view(ranges, leaves, second).object(&world(), ID, leaves).is_some()
    };
    assert!(!due(&ranges, false, 40), "nothing was seen since");
    ranges.observe(&group(Role::Canary, 160, 1), &[canary()], &Lives::default(), 0);
    assert!(!due(&ranges, false, 29) && due(&ranges, false, 30));
    assert!(due(&ranges, true, 21), "the last one waits for nothing");
    let last = view(&ranges, true, 22).object(&world(), ID, true).expect("due");
    let data = last.config_map.data.expect("data");
    assert_eq!(last.config_map.binary_data, None, "nobody goes on from it");
    assert!(data[replay::SUMMARY_KEY].contains(r#""complete":false"#), "{data:?}");
    ranges.note_written(last.written, after(22));
    assert!(!due(&ranges, true, 23));
}

#[test]
fn a_write_that_was_refused_is_told_and_tried_again() {
    let mut ranges = under_way(1);
    let mut tried = view(&ranges, false, 20).object(&world(), ID, false).expect("due").written;
    tried.failed = Some("could not create ConfigMap: forbidden".to_owned());
    ranges.note_written(tried, after(20));
    let summary = view(&ranges, false, 21).summary(false);
    assert_eq!(summary.config_map, None);
    assert!(summary.message.expect("told").contains("forbidden"));
}

#[test]
fn ten_thousand_partitions_fit_into_one_object() {
    let ranges = under_way(10_000);
    let shown = view(&ranges, false, 20);
    assert_eq!((shown.first.len(), shown.is_truncated()), (SHOWN_RANGES, true));
    let object = shown.object(&world(), ID, false).expect("due");
    let data = object.config_map.data.expect("data");
    let record = object.config_map.binary_data.expect("a record")[replay::RECORD_KEY].0.len();
    let bytes = record + data.iter().map(|(key, value)| key.len() + value.len()).sum::<usize>();
    let lines = data["t.orders"].lines().count();
    println!("{lines} ranges, {bytes} bytes, {record} of them to go on from");
    assert!(10_000 <= lines && bytes < 1_000_000, "{lines} ranges, {bytes} bytes");
    assert_eq!(object.written.bytes, bytes);
}
