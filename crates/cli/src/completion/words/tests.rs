//! Command lines as they are typed, and what may follow.
//! The commands are those of this program.

use clap::CommandFactory as _;

use super::{Wanted, wanted};
use crate::options::Options;

fn after(typed: &[&str]) -> Wanted {
    let mut command = Options::command();
    command.build();
    let typed: Vec<String> = typed.iter().map(|&it| it.to_owned()).collect();
    wanted(&command, &typed)
}

fn words(typed: &[&str]) -> Vec<String> {
    match after(typed) {
        Wanted::Words(words) => words.into_iter().map(|it| it.word).collect(),
        Wanted::Files | Wanted::Rollouts(_) => panic!("{typed:?}: no words"),
    }
}

#[test]
fn commands_flags_and_values_follow_where_they_fit() {
    let has = |typed: &[&str], word: &str| words(typed).iter().any(|it| it == word);
    for word in ["list", "status", "doctor", "trace", "completion", "abort", "lint"] {
        assert!(has(&[""], word), "{word}");
    }
    assert!(!has(&[""], "__complete"));
    assert_eq!(words(&["trace", ""])[..2], ["get", "list"]);
    for (typed, word) in [
        (&["status", "-"][..], "--watch"),
        (&["status", "orders", "-n", "shop", "--"], "--context"),
        (&["-"], "--version"),
        (&["trace", "get", "--f"], "--force"),
        (&["list", "-o", ""], "json"),
        (&["list", "-A", "-o", ""], "yaml"),
        (&["list", "--output="], "--output=name"),
        (&["completion", ""], "kubectl"),
    ] {
        assert!(has(typed, word), "{word} after {typed:?}");
    }
    for typed in
        [&["list", ""][..], &["status", "orders", ""], &["list", "-n", ""], &["nothing", ""]]
    {
        assert_eq!(words(typed), [""; 0], "{typed:?}");
    }
}

#[test]
fn names_and_files_follow_where_they_are_asked_for() {
    for typed in [
        &["lint", ""][..],
        &["replay", "a", ""],
        &["list", "--kubeconfig", ""],
        &["trace", "get", "a", "-o", ""],
    ] {
        assert!(matches!(after(typed), Wanted::Files), "{typed:?}");
    }
    for typed in [
        &["status", "-n", "shop", "--context=two", "--as", "ada", ""][..],
        &["trace", "get", "-nshop", "--context", "two", "--as=ada", "or"],
        &["abort", "-yn=shop", "--context", "two", "--as", "ada", "--", ""],
    ] {
        let Wanted::Rollouts(cluster) = after(typed) else { panic!("{typed:?}") };
        assert_eq!(cluster.namespace.as_deref(), Some("shop"), "{typed:?}");
        assert_eq!(cluster.context.as_deref(), Some("two"), "{typed:?}");
        assert_eq!(cluster.as_user.as_deref(), Some("ada"), "{typed:?}");
    }
}
