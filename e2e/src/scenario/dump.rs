//! What a person needs who has to find out why a scenario failed, printed in one go.
//! Never fails itself: what can't be read is said in its place.

use std::fmt::Write as _;

use super::history::{Entry, timeline};
use super::operator::Operator;
use crate::testbed::Testbed;

/// Lines of a log that are printed; the whole one stays in its file.
const LOG_LINES: usize = 60;

/// What is asked of kubectl.
const QUESTIONS: [&[&str]; 3] = [
    &["get", "canaryrollouts,deployments,replicasets,pods,controllerrevisions,hpa", "-o", "wide"],
    &["get", "canaryrollouts,deployments,controllerrevisions,hpa", "-o", "yaml"],
    &["get", "events", "--sort-by=.metadata.creationTimestamp"],
];

/// Prints the reason first, then objects, Events, logs and the timeline.
pub(super) fn print(
    bed: &Testbed,
    namespace: &str,
    operators: &[Operator],
    history: &[Entry],
    reason: &anyhow::Error,
) {
    let mut text = format!("\n===== {namespace} failed: {reason:#}\n");
    let ask = |question: &[&str]| {
        let words = [question, &["-n", namespace]].concat();
        bed.kubectl(&words).unwrap_or_else(|error| format!("{error:#}"))
    };
    for question in QUESTIONS {
        let _ = writeln!(text, "----- kubectl {}\n{}", question.join(" "), ask(question));
    }
    for pod in ask(&["get", "pods", "-o", "name"]).lines() {
        let log = ask(&["logs", pod, "--tail=15", "--all-containers", "--prefix"]);
        let _ = writeln!(text, "----- log of {pod}\n{log}");
    }
    for (number, operator) in operators.iter().enumerate() {
        let log = operator.log();
        let told: Vec<_> = log.lines().filter(|it| !it.contains("DEBUG")).collect();
        let last = told.len().saturating_sub(LOG_LINES);
        let _ = writeln!(
            text,
            "----- log of operator {} (whole in {})\n{}",
            number + 1,
            operator.log_file().display(),
            told[last..].join("\n")
        );
    }
    let history = timeline(history);
    let _ = writeln!(text, "----- timeline: time, revision, what\n{history}=====");
    // In one write, or scenarios that fail side by side would interleave.
    eprintln!("{text}");
}
