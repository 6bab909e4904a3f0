//! Completions: scripts of shells, and answers to kubectl's own.
//! Asks the cluster for names at most, for a moment, and says nothing when it can't.

pub(crate) mod words;

use std::fmt::Write as _;

use clap::CommandFactory as _;
use clap_complete::Shell;

use crate::completion::words::{Suggestion, Wanted};
use crate::live;
use crate::options::Options;
use crate::options::completion::CompletionShell;

/// Name of the program, as Cargo builds it and kubectl looks for it.
const PROGRAM: &str = "kubectl-siskin";

/// The program that kubectl asks.
const FOR_KUBECTL: &str = include_str!("../kubectl_complete-siskin");

/// Directive of kubectl's completion: file names may follow.
const FILES: u8 = 0;

/// Directive of kubectl's completion: nothing but what is listed may follow.
const NO_FILES: u8 = 4;

/// The script for a shell.
pub(crate) fn script(shell: CompletionShell) -> String {
    let shell = match shell {
        CompletionShell::Bash => Shell::Bash,
        CompletionShell::Zsh => Shell::Zsh,
        CompletionShell::Fish => Shell::Fish,
        CompletionShell::Kubectl => return FOR_KUBECTL.to_owned(),
    };
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Options::command(), PROGRAM, &mut script);
    String::from_utf8_lossy(&script).into_owned()
}

/// What may follow these words, the last of which is being typed, as kubectl reads it.
pub(crate) fn answer(typed: &[String]) -> String {
    let mut command = Options::command();
    command.build();
    let (suggestions, directive) = match words::wanted(&command, typed) {
        Wanted::Words(words) => (words, NO_FILES),
        Wanted::Files => (Vec::new(), FILES),
        Wanted::Rollouts(cluster) => (live::names::of(&cluster), NO_FILES),
    };
    let begun = typed.last().map_or("", String::as_str);
    let mut text = String::new();
    for Suggestion { word, about } in suggestions.iter().filter(|it| it.word.starts_with(begun)) {
        let about = about.lines().next().unwrap_or_default().replace('\t', " ");
        let _ = if about.is_empty() {
            writeln!(text, "{word}")
        } else {
            writeln!(text, "{word}\t{about}")
        };
    }
    let _ = writeln!(text, ":{directive}");
    text
}
