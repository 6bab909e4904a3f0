//! The command as a user runs it: exit codes, verdicts, words of errors.
//! Traces come from the simulated group of the judge's own tests.

use std::fs::File;
use std::io::BufWriter;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use siskin_analysis::{Against, Check, Scope, Settings, Threshold, UserMetric, UserRule};
use siskin_simulation::trial::{HAND_OVER, judged_by, settings};
use siskin_simulation::{Shape, World};
use siskin_trace::{Header, Line, Mark, Writer};

pub(crate) const MINUTE: i64 = 60_000;

/// An empty folder for one test.
pub(crate) fn folder(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&path);
    std::fs::create_dir_all(&path).expect("a folder");
    path
}

/// Ten minutes of record and a trial in which the canary works at this part of its speed.
fn record(path: &Path, health: f64, minutes: i64) {
    record_by(path, Shape::small(), settings(Shape::small()), health, minutes);
}

fn record_by(path: &Path, shape: Shape, settings: Settings, health: f64, minutes: i64) {
    let mut world = World::new(shape, 1);
    let header = Header { rollout: "shop/orders".to_owned(), settings };
    let sink = BufWriter::new(File::create(path).expect("a file"));
    let mut writer = Writer::new(sink, &header).expect("written");
    world.run(10 * MINUTE, |_, seen| writer.write(&Line::Seen(seen.into())).expect("written"));
    writer.write(&Line::Mark { at: world.now, mark: Mark::TrialStarted }).expect("written");
    let step = Mark::StepChanged { step: 1, weight: 33 };
    writer.write(&Line::Mark { at: world.now, mark: step }).expect("written");
    world.start_trial(HAND_OVER);
    world.canary().for_each(|pod| pod.health = health);
    world.run(minutes * MINUTE, |_, seen| writer.write(&Line::Seen(seen.into())).expect("written"));
}

fn run(folder: &Path, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-siskin"));
    command.current_dir(folder).args(args).output().expect("runs")
}

fn said(output: &Output) -> (String, String) {
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    (text(&output.stdout), text(&output.stderr))
}

fn objects(text: &str) -> Vec<serde_json::Value> {
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

#[test]
fn good_and_bad_are_told_apart_and_the_unreadable_is_named() {
    let folder = folder("replay");
    record(&folder.join("good.jsonl"), 1.0, 4);
    record(&folder.join("stuck.jsonl"), 0.0, 4);
    std::fs::write(folder.join("broken.jsonl"), "{\"siskinTrace\":1,\n").expect("written");
    let files = ["good.jsonl", "broken.jsonl", "stuck.jsonl"];
    let output = run(&folder, &[&["replay", "--json"], &files[..]].concat());
    let (lines, errors) = said(&output);
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(errors, "broken.jsonl: line 1, column 17: EOF while parsing a value\n");
    let [good, stuck] = &objects(&lines)[..] else { panic!("{lines}") };
    assert_eq!((&good["file"], &good["verdict"]), (&"good.jsonl".into(), &"Pass".into()));
    assert_eq!((&stuck["verdict"], &stuck["reason"]), (&"Fail".into(), &"NoFirstCommit".into()));
    assert!(stuck["second"].as_i64().is_some_and(|it| it < 90), "{stuck}");
    let good = run(&folder, &["replay", "good.jsonl"]);
    assert_eq!(good.status.code(), Some(0));
    let (text, _) = said(&good);
    for part in
        ["good.jsonl: shop/orders", "(step 1: 33 % canary)", "Pass: canary keeps up", "SIGNAL"]
    {
        assert!(text.contains(part), "{part} in\n{text}");
    }
}

#[test]
fn a_trace_is_judged_by_other_settings_and_from_another_second() {
    let folder = folder("settings");
    record(&folder.join("good.jsonl"), 1.0, 4);
    let verdict = |args: &[&str]| {
        let output = run(&folder, &[&["replay", "good.jsonl", "--json"], args].concat());
        objects(&said(&output).0)[0].clone()
    };
    let late = verdict(&["--set", "warmUp=10m"]);
    assert_eq!((&late["verdict"], &late["reason"]), (&"Inconclusive".into(), &"WarmingUp".into()));
    assert_eq!(verdict(&["--alpha", "0.001"])["against"]["needed"], 2_000.0);
    assert_eq!(verdict(&[])["judgedSeconds"], 240);
    assert_eq!(verdict(&["--from", "700"])["judgedSeconds"], 138);
    let never = run(&folder, &["replay", "good.jsonl", "--from", "5000"]);
    assert_eq!(never.status.code(), Some(1));
    assert!(said(&never).1.contains("try --from"));
}

#[test]
fn metrics_of_the_user_are_told_by_their_names() {
    let folder = folder("user");
    let shape = Shape { metrics: true, user: [Some(0.01), None], ..Shape::small() };
    let p99 = Threshold {
        min: None,
        max: Some(0.5),
        failure_limit: 3,
        against: Against::Absolute,
        scope: Scope::Pods,
    };
    let check = Check { less_than: Some(0.05), greater_than: None, failure_limit: 3 };
    let user = [
        ("checkout-failures", UserRule::Ratio),
        ("p99", UserRule::Threshold(p99)),
        ("error_rate", UserRule::Check(check)),
    ]
    .map(|(name, rule)| UserMetric { name: name.into(), rule });
    record_by(&folder.join("user.jsonl"), shape, judged_by(shape, &user), 1.0, 4);
    let (text, errors) = said(&run(&folder, &["replay", "user.jsonl"]));
    let row = |name: &str| text.lines().find(|line| line.starts_with(name)).unwrap_or(&errors);
    assert!(row("checkout-failures").contains('×'), "{text}");
    assert!(row("p99").contains("blind: no such metric"), "nobody exports it: {text}");
    assert!(row("error_rate").contains("0 failing, 3 tolerated"), "{text}");
    let (lines, _) = said(&run(&folder, &["replay", "user.jsonl", "--json"]));
    assert_eq!(objects(&lines)[0]["blind"], serde_json::json!(["Cpu", {"User": "p99"}]));
}

#[test]
fn wrong_usage_is_told_with_what_is_wanted() {
    let folder = folder("usage");
    for (args, wanted) in [
        (
            &["replay", "a", "--set", "speed=9"][..],
            "there is no setting \"speed\"; there are interval (1s to 5m), warmUp (0s to 24h), falseRollbackProbability (above 0, at most 0.2), minimumEvidence (Proven, Observed)",
        ),
        (&["replay", "a", "--set", "warmUp"], "want field=value; there are interval ("),
        (&["replay", "a", "--set", "warmUp=2d"], "such as 1h30m or 45s"),
        (&["replay", "a", "--set", "warmUp=25h"], "want 0s to 24h"),
        (&["replay", "a", "--set", "interval=0s"], "want 1s to 5m"),
        (&["replay", "a", "--set", "falseRollbackProbability=0"], "want more than 0, at most 0.2"),
        (&["replay", "a", "--alpha", "0.5"], "want more than 0, at most 0.2"),
        (&["replay", "a", "b", "--svg", "c"], "one trace"),
        (&["replay"], "required"),
    ] {
        let output = run(&folder, args);
        assert_eq!(output.status.code(), Some(2), "{args:?}");
        assert!(said(&output).1.contains(wanted), "{args:?}: {}", said(&output).1);
    }
}

#[test]
fn every_setting_is_in_the_help_and_in_the_docs_and_changes_something() {
    let folder = folder("set");
    record(&folder.join("good.jsonl"), 1.0, 4);
    let (help, _) = said(&run(&folder, &["replay", "--help"]));
    let docs = include_str!("../../../../docs/replay.md");
    let recorded = said(&run(&folder, &["replay", "good.jsonl", "--json"])).0;
    let others = ["interval=1m", "warmUp=10m", "falseRollbackProbability=0.001"];
    for set in others {
        let (name, _) = set.split_once('=').expect("a field");
        assert!(help.contains(&format!(" {name}=")), "{name}: {help}");
        assert!(docs.contains(&format!("| `{name}` |")), "{name}");
        let (other, errors) =
            said(&run(&folder, &["replay", "good.jsonl", "--json", "--set", set]));
        assert!(errors.is_empty() && other != recorded, "{set}: {other} {errors}");
    }
}

#[test]
fn the_picture_has_both_evidences() {
    let folder = folder("picture");
    record(&folder.join("good.jsonl"), 1.0, 2);
    assert!(run(&folder, &["replay", "good.jsonl", "--svg", "good.svg"]).status.success());
    let svg = std::fs::read_to_string(folder.join("good.svg")).expect("a picture");
    assert!(svg.starts_with("<svg ") && svg.ends_with("</svg>\n"));
    assert_eq!(svg.matches("<polyline").count(), 2);
    assert!(!svg.contains("NaN") && svg.contains("rolls back from 200"));
}

#[test]
fn every_sample_is_valid() {
    let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/samples");
    for entry in std::fs::read_dir(samples).expect("samples") {
        let path = entry.expect("a file").path();
        if path.file_name().is_some_and(|name| name != "kustomization.yaml") {
            let output = run(Path::new("."), &["lint", path.to_str().expect("a name")]);
            assert!(output.status.success(), "{}", said(&output).1);
        }
    }
}

#[test]
fn what_is_wrong_in_a_rollout_is_told_with_line_and_field() {
    let folder = folder("lint");
    let good = include_str!("../../../../config/samples/01-minimal.yaml");
    let (line, _) =
        good.lines().enumerate().find(|(_, line)| line.contains("weight: 50")).expect("a step");
    let line = line + 1;
    let cases = [
        (
            "weight: 50",
            "weight: 5",
            format!(
                "line {line}: spec.strategy.steps[1]: 5 is not larger than the step before it, 10; make each step larger than the one before it"
            ),
        ),
        (
            "weight: 50",
            "wieght: 50",
            format!("line {line}: spec.strategy.steps[1].wieght: is no field of a CanaryRollout"),
        ),
        (
            "weight: 50",
            "weight: fifty",
            format!(
                "spec.strategy.steps[1].weight: invalid type: string \"fifty\", expected i32 at line {line} column 15"
            ),
        ),
        ("kind: CanaryRollout", "kind: Rollout", "has no CanaryRollout".to_owned()),
    ];
    for (from, to, expected) in cases {
        std::fs::write(folder.join("a.yaml"), good.replace(from, to)).expect("written");
        let output = run(&folder, &["lint", "a.yaml"]);
        assert_eq!(output.status.code(), Some(1), "{to}");
        assert!(said(&output).1.contains(&format!("a.yaml: {expected}\n")), "{}", said(&output).1);
    }
}

#[test]
fn what_preflight_would_refuse_of_queries_is_told_before() {
    let folder = folder("language");
    let good = include_str!("../../../../config/samples/06-prometheus.yaml");
    let cases = [
        ("{{pods}}", "{{pots}}", "metrics[0].ratio.events: at character ", "no variable `pots`"),
        ("{{pods}}", "{{pods", "metrics[0].ratio.events: at character ", "without `}}`"),
        ("sum by (pod) (", "sum by (pod) ((", "metrics[0].ratio.events: at ", "`(` is not closed"),
        ("sum by (pod) (", "max by (pod) (", "", ""),
        ("\"false\"", "false", "series.errors: at character ", "a string in quotes is needed"),
        ("checkout_consumed_total", "rate(x[1m])", "series.consumed: at character 5", "functions"),
        ("checkout_consumed_total", "''", "series.consumed: ", "is empty"),
        ("sum by (pod) (", "increase(", "metrics[0].ratio.events: ", "increase() is no counter"),
    ];
    for (from, to, path, words) in cases {
        std::fs::write(folder.join("a.yaml"), good.replacen(from, to, 1)).expect("written");
        let output = run(&folder, &["lint", "a.yaml"]);
        let (_, errors) = said(&output);
        let found = errors.contains(&format!(": spec.analysis.{path}")) && errors.contains(words);
        let right = words.is_empty();
        assert_eq!((found, output.status.success()), (!right, right), "{to}: {errors}");
        let lines = errors.lines().filter(|it| it.starts_with("a.yaml: line "));
        assert_eq!(lines.count(), usize::from(found), "once, with its line: {errors}");
    }
}
