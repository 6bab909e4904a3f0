//! What `lint` says about what a rollout can find: its whole text, and its words for bad flags.
//! The files are the samples, so that the documentation can be followed.

use std::path::Path;
use std::process::{Command, Output};

/// Runs `lint` at the root of the repository.
fn lint(args: &[&str]) -> Output {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-siskin"));
    command.current_dir(root).arg("lint").args(args).output().expect("runs")
}

fn said(args: &[&str]) -> String {
    let output = lint(args);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).expect("text")
}

fn refused(args: &[&str]) -> (Option<i32>, String) {
    let output = lint(args);
    (output.status.code(), String::from_utf8(output.stderr).expect("text"))
}

const MINIMAL: &str = "config/samples/01-minimal.yaml";
const SMALL: [&str; 8] =
    [MINIMAL, "--consumers", "3", "--partitions", "12", "--rate", "50", "--metrics"];

const AUTOSCALED: &str = "config/samples/05-autoscaled.yaml";
const QUIET: [&str; 4] = ["--partitions", "24", "--rate", "1"];

#[test]
fn a_small_group_passes_on_what_is_observed_before_all_is_proven() {
    assert_eq!(said(&SMALL), include_str!("golden/lint-small.txt"));
}

#[test]
fn a_large_group_finds_little_effects() {
    let args = ["config/samples/04-secured-kafka.yaml", "--consumers", "24", "--metrics"];
    let traffic = ["--partitions", "200", "--rate", "20000"];
    assert_eq!(said(&[&args[..], &traffic].concat()), include_str!("golden/lint-large.txt"));
}

#[test]
fn at_low_traffic_a_version_passes_by_its_messages() {
    let args = [&[AUTOSCALED, "--consumers", "6"], &QUIET[..]].concat();
    assert_eq!(said(&args), include_str!("golden/lint-quiet.txt"));
}

#[test]
fn the_number_of_consumers_is_that_of_the_file() {
    let sample = include_str!("../../../../config/samples/05-autoscaled.yaml");
    let file = Path::new(env!("CARGO_TARGET_TMPDIR")).join("six.yaml");
    std::fs::write(&file, sample.replacen("\nspec:\n", "\nspec:\n  replicas: 6\n", 1))
        .expect("written");
    let name = file.to_str().expect("text");
    let expected = include_str!("golden/lint-quiet.txt").replace(AUTOSCALED, name);
    assert_eq!(said(&[&[name], &QUIET[..]].concat()), expected);
}

#[test]
fn the_only_consumer_is_said_to_be_replaced() {
    let words = "one consumer: the canary replaces it";
    let of = |consumers| said(&[&[MINIMAL, "--consumers", consumers], &QUIET[..]].concat());
    assert_eq!([of("1").contains(words), of("2").contains(words)], [true, false]);
}

#[test]
fn without_a_group_it_says_how_to_describe_one() {
    assert_eq!(
        said(&[MINIMAL]),
        format!(
            "{MINIMAL}: 1 valid\nto estimate what its steps can find: --partitions P --rate R [--consumers N] [--metrics]\n"
        )
    );
}

#[test]
fn the_documentation_shows_a_real_run() {
    let docs = include_str!("../../../../docs/replay.md");
    let command = format!("$ kubectl-siskin lint {}\n", SMALL.join(" "));
    let run = format!("{command}{}", include_str!("golden/lint-small.txt"));
    assert!(docs.contains(&run), "docs/replay.md lacks\n{run}");
}

#[test]
fn a_bad_flag_is_told_with_its_name_value_and_range() {
    let cases: [(&[&str], &str); 8] = [
        (&["--rate", "0"], "'0' for '--rate <R>': want messages per second, above 0, at most"),
        (&["--rate", "inf"], "'inf' for '--rate <R>': want messages per second, above 0, at most"),
        (&["--partitions", "0"], "'0' for '--partitions <P>': want a whole number, 1 to 1000000"),
        (&["--consumers", "0"], "'0' for '--consumers <N>': want a whole number, 1 to 1000"),
        (&["--commit-interval", "0s"], "'0s' for '--commit-interval <DURATION>': want 1s to 1h"),
        (
            &["--error-rate", "2"],
            "'2' for '--error-rate <PART>': want a part of all messages, 0 to",
        ),
        (
            &["--slow-share", "0.5"],
            "'0.5' for '--slow-share <PART>': want a part of all messages, ",
        ),
        (&["--rate", "5"], "--partitions <P>"),
    ];
    for (flags, wanted) in cases {
        let (code, words) = refused(&[&[MINIMAL], flags].concat());
        assert_eq!(code, Some(2), "{flags:?}");
        assert!(words.contains(wanted), "{flags:?}: {words}");
    }
}

#[test]
fn a_file_without_replicas_needs_the_flag() {
    let (code, words) = refused(&[MINIMAL, "--partitions", "12", "--rate", "50"]);
    assert_eq!(code, Some(1));
    let wanted = "shop/orders-enricher: spec.replicas is not set, so an estimate needs --consumers, 1 to 1000\n";
    assert_eq!(words, format!("{MINIMAL}: {wanted}"));
}
