//! The trace format: the example in the docs line by line, round trips, and what is refused.
//! The golden file is the example that `docs/trace.md` explains.

use std::io::Cursor;
use std::sync::Arc;

use proptest::prelude::*;
use siskin_analysis::observation::{
    GroupObservation, GroupState, Histogram, MemberCount, Observation, Owner, PartitionObservation,
    PodMetrics, PodObservation, Role,
};
use siskin_analysis::{Remembered, RememberedCounts, Settings, Verdict};
use siskin_trace::{Header, LONGEST_LINE, Line, Mark, Reader, Seen, Writer};

use crate::schema::in_schema;

const EXAMPLE: &str = include_str!("golden/example.jsonl");
const DOC: &str = include_str!("../../../../docs/trace.md");

fn header() -> Header {
    let settings = Settings {
        interval: 10_000,
        warm_up: 60_000,
        false_rollback_probability: 0.01,
        minimum_evidence: siskin_analysis::MinimumEvidence::Proven,
        user: Arc::default(),
        remembered: siskin_analysis::Remembered::default(),
    };
    Header { rollout: "shop/orders".to_owned(), settings }
}

fn read(text: &[u8]) -> Result<Vec<Line>, String> {
    let reader = Reader::new(Cursor::new(text)).map_err(|it| it.to_string())?;
    reader.collect::<Result<_, _>>().map_err(|it| it.to_string())
}

fn written(lines: &[Line]) -> Vec<u8> {
    let mut writer = Writer::new(Vec::new(), &header()).expect("memory");
    for line in lines {
        writer.write(line).expect("memory");
    }
    writer.into_inner()
}

/// The error of a trace with this one line after the header.
fn refused(line: &str) -> String {
    let text = format!("{}\n{line}\n", EXAMPLE.lines().next().expect("a header"));
    read(text.as_bytes()).expect_err(line)
}

#[test]
fn the_example_is_in_the_doc_and_survives_reading_and_writing() {
    for line in EXAMPLE.lines() {
        assert!(DOC.contains(line), "not in docs/trace.md: {line}");
    }
    let lines = read(EXAMPLE.as_bytes()).expect("readable");
    assert_eq!(String::from_utf8(written(&lines)).expect("text"), EXAMPLE);
    let Line::Seen(seen) = &lines[0] else { panic!("{:?}", lines[0]) };
    assert_eq!(seen.observation.pods[0].role, Role::Primary);
    assert_eq!(lines[1], Line::Mark { at: 1_780_000_005_000, mark: Mark::TrialStarted });
}

#[test]
fn the_schema_accepts_the_example_and_refuses_what_the_reader_refuses() {
    for line in EXAMPLE.lines() {
        assert!(in_schema(line), "{line}");
    }
    for line in [
        r#"{"at":-1,"group":null,"pods":[]}"#,
        r#"{"at":1780000000000,"group":null}"#,
        r#"{"at":1780000000000,"mark":"scaled"}"#,
        r#"{"group":null,"pods":[]}"#,
        r#"{"at":1780000000000,"group":null,"pods":[{"name":"a"}]}"#,
    ] {
        assert!(!in_schema(line), "the schema accepts {line}");
        refused(line);
    }
}

#[test]
fn what_was_remembered_is_in_the_head_and_a_trace_without_it_reads_as_before() {
    let counts = RememberedCounts { ratio: 2.5, burst: 4 };
    let remembered = Remembered {
        commit_gap: Some(70_000),
        errors: Some(counts),
        latency: Some(counts),
        ..Remembered::default()
    };
    let settings = Settings { remembered, ..header().settings };
    let knowing = Header { settings, ..header() };
    let written = Writer::new(Vec::new(), &knowing).expect("memory").into_inner();
    let text = String::from_utf8(written).expect("text");
    assert!(in_schema(text.trim_end()), "{text}");
    let read = |text: &str| {
        let reader = Reader::new(Cursor::new(text.to_owned()));
        reader.map(|it| it.header().clone()).map_err(|it| it.to_string())
    };
    assert_eq!(read(&text), Ok(knowing));
    let first = EXAMPLE.lines().next().expect("a header");
    assert_eq!(read(first), Ok(header()), "recorded before there was a memory");
    for beyond in [text.replace("70000", "120001"), text.replace("2.5", "4.1")] {
        assert!(!in_schema(beyond.trim_end()), "the schema accepts {beyond}");
        let refused = read(&beyond).expect_err("beyond its cap");
        assert!(refused.starts_with("line 1: settings.remembered is"), "{refused}");
    }
}

#[test]
fn what_is_wrong_is_said_with_its_line() {
    let metrics = |fields: &str| {
        format!(
            r#"{{"at":1780000000000,"group":null,"pods":[{{"name":"a","role":"canary","created":0,"ready":true,"terminating":false,"restarts":0,"oomKills":0,"crashLoop":false,"metrics":{{{fields}}}}}]}}"#
        )
    };
    let group = |rows: &str| {
        format!(
            r#"{{"at":1780000000000,"pods":[],"group":{{"state":"Stable","epoch":1,"members":{{"primary":1,"canary":1,"external":0,"unattributed":0}},"partitions":[{rows}]}}}}"#
        )
    };
    let row = |owner: &str, end: &str| {
        group(&format!(
            r#"{{"topic":"t","partition":0,"owner":{owner},"committed":1,"logStart":0,"logEnd":{end}}}"#
        ))
    };
    let cases = [
        (r"{".to_owned(), "line 2, column 1: EOF while parsing an object"),
        ("nonsense".to_owned(), "line 2, column 2: expected ident"),
        ("{}".to_owned(), "line 2: `at` is missing"),
        (r#"{"at":1}"#.to_owned(), "line 2: `pods` is missing"),
        (
            r#"{"at":-5,"pods":[]}"#.to_owned(),
            "line 2: `at` is -5, want milliseconds from 1970 to 9999",
        ),
        (metrics(r#""errors":-1"#), "line 2: `errors` of pod a is -1, want a number not below 0"),
        (
            metrics(r#""latency":{"edges":[1,1],"counts":[1,1],"total":2}"#),
            "line 2: the latency of pod a is no histogram: want ascending edges and as many counts",
        ),
        (
            row("\"Somebody\"", "1"),
            "unknown variant `Somebody`, expected one of `Pod`, `External`, `Unattributed`, `Nobody`",
        ),
        (
            row("\"Nobody\"", "9223372036854775808"),
            "invalid value: integer `9223372036854775808`, expected i64",
        ),
    ];
    for (line, expected) in cases {
        let error = refused(&line);
        assert!(error.starts_with("line 2") && error.contains(expected), "{line}\n{error}");
    }
    let largest = row("\"Nobody\"", "9223372036854775807");
    let text = format!("{}\n{largest}\n", EXAMPLE.lines().next().expect("a header"));
    assert!(read(text.as_bytes()).is_ok(), "an offset the judge takes for unknown");
}

#[test]
fn a_trace_has_a_header_of_this_version_one_trial_and_no_gap_of_years() {
    assert!(read(b"").expect_err("empty").starts_with("the trace is empty"));
    let version = read(br#"{"siskinTrace":2}"#).expect_err("version 2");
    assert_eq!(version, "line 1: the trace has version 2, this build reads 1");
    let never =
        EXAMPLE.replace(r#""falseRollbackProbability":0.01"#, r#""falseRollbackProbability":0"#);
    let wrong = read(never.as_bytes()).expect_err("no probability");
    assert_eq!(
        wrong,
        "line 1: settings.falseRollbackProbability is 0, want more than 0, at most 0.5"
    );
    let mark = |at| Line::Mark { at, mark: Mark::TrialStarted };
    let twice = read(&written(&[mark(1), mark(2)])).expect_err("two trials");
    assert_eq!(twice, "line 3: a second `trialStarted` or `resumed`: a trace holds one trial");
    let empty = |at| Line::Seen(Observation { at, group: None, pods: Vec::new() }.into());
    let far = read(&written(&[empty(0), empty(40_000_000_000)])).expect_err("15 months");
    assert_eq!(far, "line 3: `at` is more than a year away from that of the line before");
}

#[test]
fn a_recording_that_lacks_its_beginning_or_its_end_is_readable() {
    for accounts in [None, Some("{}".to_owned())] {
        let mark = Mark::Resumed { accounts };
        let cut = Mark::Cut { reason: "full".to_owned() };
        let lines = [Line::Mark { at: 1, mark }, Line::Mark { at: 2, mark: cut }];
        let text = String::from_utf8(written(&lines)).expect("text");
        assert!(text.lines().all(in_schema), "{text}");
        assert_eq!(read(text.as_bytes()), Ok(lines.to_vec()));
        let again = text + "{\"at\":3,\"mark\":\"trialStarted\"}\n";
        let error = read(again.as_bytes()).expect_err("two beginnings");
        assert_eq!(error, "line 4: a second `trialStarted` or `resumed`: a trace holds one trial");
    }
}

#[test]
fn a_line_is_checked_before_it_is_written_as_it_is_when_it_is_read() {
    let seen = |at, created| {
        let pods = vec![PodObservation { created, ..pod("a", None) }];
        Line::Seen(Observation { at, group: None, pods }.into())
    };
    for (line, before) in [
        (seen(-1, 0), None),
        (seen(0, -1), None),
        (seen(40_000_000_000, 0), Some(0)),
        (Line::Mark { at: -1, mark: Mark::Scaled { replicas: 1 } }, None),
        (seen(1, 0), Some(2)),
    ] {
        let first = before.map(|at| seen(at, 0));
        let lines: Vec<_> = first.into_iter().chain([line.clone()]).collect();
        let wrong = line.check_after(before).map_err(|it| it.to_string());
        let refused = read(&written(&lines)).map(|_| ());
        match (wrong, refused) {
            (Err(wrong), Err(refused)) => assert!(refused.ends_with(&wrong), "{refused}: {wrong}"),
            (wrong, refused) => assert_eq!(wrong, refused, "{line:?}"),
        }
    }
}

#[test]
fn lines_have_a_longest_length_and_reading_ends_there() {
    let mut text = written(&[]);
    text.extend(std::iter::repeat_n(b' ', LONGEST_LINE + 1));
    let mut reader = Reader::new(Cursor::new(text)).expect("a header");
    let error = reader.next().expect("a line").expect_err("too long").to_string();
    assert_eq!(error, format!("line 2: is longer than {LONGEST_LINE} bytes"));
    assert!(reader.next().is_none());
}

#[test]
fn fields_and_marks_of_later_versions_are_skipped_and_blank_lines_too() {
    let mut text = String::from_utf8(written(&[])).expect("text");
    text.push_str("{\"at\":1,\"mark\":\"moonRose\",\"pods\":[]}\n\n");
    text.push_str("{\"at\":2,\"pods\":[],\"weather\":{\"rain\":true}}\n");
    let seen = Observation { at: 2, group: None, pods: Vec::new() };
    assert_eq!(read(text.as_bytes()), Ok(vec![Line::Seen(seen.into())]));
}

#[test]
fn the_primary_s_health_is_in_the_line_if_the_operator_saw_it_and_in_the_doc() {
    let observation = Observation { at: 1_780_000_010_000, group: None, pods: Vec::new() };
    for (primary_healthy, text) in [
        (Some(true), r#"{"at":1780000010000,"primaryHealthy":true,"group":null,"pods":[]}"#),
        (Some(false), r#"{"at":1780000010000,"primaryHealthy":false,"group":null,"pods":[]}"#),
        (None, r#"{"at":1780000010000,"group":null,"pods":[]}"#),
    ] {
        let line = Line::Seen(Seen { observation: observation.clone(), primary_healthy });
        let file = String::from_utf8(written(std::slice::from_ref(&line))).expect("text");
        assert_eq!(file.lines().last(), Some(text));
        assert!(in_schema(text), "{text}");
        assert_eq!(read(file.as_bytes()), Ok(vec![line]));
    }
    assert!(DOC.contains(r#"{"at":1780000010000,"primaryHealthy":false,"group":null,"pods":[]}"#));
    let wrong = r#"{"at":1,"primaryHealthy":"yes","pods":[]}"#;
    assert!(!in_schema(wrong) && refused(wrong).starts_with("line 2, column"));
}

#[test]
fn what_json_cannot_say_is_written_as_unknown() {
    let latency = Histogram { edges: Arc::from([f64::NAN]), counts: vec![1.0], total: 1.0 };
    let metrics = PodMetrics {
        consumed: Some(f64::INFINITY),
        errors: Some(2.0),
        latency: Some(latency),
        ..PodMetrics::default()
    };
    let seen = Observation { at: 2, group: None, pods: vec![pod("a", Some(metrics))] };
    let lines = read(&written(&[Line::Seen(seen.into())])).expect("readable");
    let known = PodMetrics { errors: Some(2.0), ..PodMetrics::default() };
    let seen = Observation { at: 2, group: None, pods: vec![pod("a", Some(known))] };
    assert_eq!(lines, [Line::Seen(seen.into())]);
}

fn pod(name: &str, metrics: Option<PodMetrics>) -> PodObservation {
    PodObservation {
        name: Arc::from(name),
        role: Role::Canary,
        created: 0,
        ready: true,
        terminating: false,
        restarts: 0,
        oom_kills: 0,
        crash_loop: false,
        containers: Arc::default(),
        node: None,
        metrics,
    }
}

fn owners() -> impl Strategy<Value = Owner> {
    let role = prop_oneof![Just(Role::Primary), Just(Role::Canary)];
    let ours = (".{0,8}", role).prop_map(|(name, role)| Owner::Pod { name: name.into(), role });
    prop_oneof![ours, Just(Owner::External), Just(Owner::Unattributed), Just(Owner::Nobody)]
}

fn groups() -> impl Strategy<Value = GroupObservation> {
    let offset = || proptest::option::of(any::<i64>());
    let row = ("[a-z.]{1,5}", any::<i32>(), owners(), offset(), offset(), offset()).prop_map(
        |(topic, partition, owner, committed, log_start, log_end)| PartitionObservation {
            topic: topic.into(),
            partition,
            owner,
            committed,
            log_start,
            log_end,
        },
    );
    let state = prop_oneof![
        Just(GroupState::Stable),
        Just(GroupState::Rebalancing),
        Just(GroupState::Empty)
    ];
    (state, any::<u64>(), proptest::collection::vec(row, 0..4)).prop_map(
        |(state, epoch, partitions)| GroupObservation {
            state,
            epoch,
            members: MemberCount {
                primary: 3,
                canary: 1,
                external: 0,
                unattributed: u32::MAX,
                ..MemberCount::default()
            },
            partitions,
        },
    )
}

fn lines() -> impl Strategy<Value = Line> {
    let count = || proptest::option::of(any::<u32>().prop_map(f64::from));
    let counts = (count(), count(), count(), count());
    let metrics = counts.prop_map(|(consumed, errors, working_set, cpu_seconds)| {
        let latency =
            Histogram { edges: Arc::from([0.1, 1.0]), counts: vec![1.5, 2.0], total: 3.0 };
        PodMetrics {
            consumed,
            errors,
            working_set,
            cpu_seconds,
            latency: Some(latency),
            ..PodMetrics::default()
        }
    });
    let pods = (".{0,8}", proptest::option::of(metrics)).prop_map(|(name, it)| pod(&name, it));
    let at = || 1_780_000_000_000_i64..1_780_100_000_000;
    let observations =
        (at(), proptest::option::of(groups()), proptest::collection::vec(pods, 0..3))
            .prop_map(|(at, group, pods)| Observation { at, group, pods });
    let seen = (observations, any::<Option<bool>>()).prop_map(|(observation, primary_healthy)| {
        Line::Seen(Seen { observation, primary_healthy })
    });
    let mark = (at(), any::<u32>(), ".*").prop_map(|(at, number, reason)| {
        let mark = match number % 4 {
            0 => Mark::StepChanged { step: number, weight: 50 },
            1 => Mark::Scaled { replicas: number },
            2 => Mark::Cut { reason },
            _ => Mark::Ended { verdict: Verdict::Fail, reason },
        };
        Line::Mark { at, mark }
    });
    prop_oneof![seen, mark]
}

proptest! {
    #[test]
    fn what_is_written_is_read(lines in proptest::collection::vec(lines(), 0..5)) {
        prop_assert_eq!(read(&written(&lines)), Ok(lines));
    }

    #[test]
    fn arbitrary_bytes_are_refused_without_panic(noise in proptest::collection::vec(any::<u8>(), 0..200), at in 0_usize..2_000) {
        let _ = read(&noise);
        let mut text = EXAMPLE.as_bytes().to_vec();
        let at = at % text.len();
        text.splice(at..at, noise);
        let _ = read(&text);
    }
}
