//! Rows of tables, for suites that are asked for by name: played side by side, as many as the test bed has places for, and
//! what each has measured is printed. Knows nothing of what a row is about.

use std::env;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::process::ExitCode;
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::test_run::TestRun;
use crate::testbed::Artifact;

/// One row of a table.
pub struct Case {
    /// `table/row/column`; a word of it on the command line chooses it.
    pub name: String,
    needs: Vec<Artifact>,
    play: Box<dyn FnOnce() -> String + Send>,
}

struct CaseOutcome {
    name: String,
    took: Duration,
    /// `None`: it failed, and has said why.
    measured: Option<String>,
}

impl Case {
    /// A case of this name. `play` says in words what was measured, and panics if it fails.
    #[must_use]
    pub fn new(name: String, play: impl FnOnce() -> String + Send + 'static) -> Self {
        Self { name, needs: Vec::new(), play: Box::new(play) }
    }

    /// The case with something that must be in the cache of the test bed before it is played.
    #[must_use]
    pub fn needing(mut self, artifact: Artifact) -> Self {
        self.needs.push(artifact);
        self
    }

    /// What must be in the cache of the test bed before it is played.
    #[must_use]
    pub fn needs(&self) -> &[Artifact] {
        &self.needs
    }
}

/// Plays those whose name contains one of the words of the command line; all without words.
#[must_use]
pub fn all(cases: Vec<Case>) -> ExitCode {
    let words: Vec<String> = env::args().skip(1).collect();
    match chosen(cases, &words) {
        Ok(cases) => play(cases),
        Err(over) => over,
    }
}

/// Those whose name contains one of these words; all without words.
///
/// # Errors
/// There is nothing to play: they were to be listed, and are, or no case has such a name.
pub fn chosen(mut cases: Vec<Case>, words: &[String]) -> Result<Vec<Case>, ExitCode> {
    if let Some(option) = words.iter().find(|it| it.starts_with('-') && *it != "--list") {
        eprintln!("{option} means nothing here: words that names contain, or --list");
        return Err(ExitCode::FAILURE);
    }
    let wanted: Vec<_> = words.iter().filter(|it| *it != "--list").collect();
    cases.retain(|case| wanted.is_empty() || wanted.iter().any(|it| case.name.contains(&**it)));
    if words.len() != wanted.len() {
        for case in &cases {
            println!("{}", case.name);
        }
        return Err(ExitCode::SUCCESS);
    }
    if cases.is_empty() {
        eprintln!("no case has such a name; --list shows all");
        return Err(ExitCode::FAILURE);
    }
    Ok(cases)
}

/// Plays them all, and says how each went.
#[must_use]
pub fn play(cases: Vec<Case>) -> ExitCode {
    let run = match TestRun::get() {
        Ok(run) => run,
        Err(error) => {
            eprintln!("{error:#}");
            return ExitCode::FAILURE;
        }
    };
    let begun = Instant::now();
    let outcomes = side_by_side(cases, &run);
    tell(&outcomes, begun.elapsed())
}

/// In the order of the tables, as many at once as there are places; each on a thread of its
/// name, which its namespace is named after.
fn side_by_side(cases: Vec<Case>, run: &TestRun) -> Vec<CaseOutcome> {
    let (leave, left) = mpsc::channel();
    let mut outcomes = Vec::new();
    let mut under_way = 0;
    for Case { name, play, .. } in cases {
        if under_way == run.places() {
            outcomes.extend(left.recv());
            under_way -= 1;
        }
        if run.is_over() {
            println!("NOT RUN: {name}, for the time of this run is over");
            continue;
        }
        let leave = leave.clone();
        let thread = thread::Builder::new().name(name.clone());
        let started = thread.spawn(move || {
            // Whoever waits for it has not gone.
            leave.send(played(name, play)).ok();
        });
        started.expect("a thread per place");
        under_way += 1;
    }
    drop(leave);
    outcomes.extend(left);
    outcomes
}

fn played(name: String, play: impl FnOnce() -> String) -> CaseOutcome {
    let begun = Instant::now();
    let measured = catch_unwind(AssertUnwindSafe(play)).ok();
    let took = begun.elapsed();
    let word = if measured.is_some() { "ok" } else { "FAILED" };
    let said = measured.as_deref().unwrap_or("see above");
    println!("{word} {name}, {:.0} s: {said}", took.as_secs_f64());
    CaseOutcome { name, took, measured }
}

fn tell(outcomes: &[CaseOutcome], took: Duration) -> ExitCode {
    println!();
    for CaseOutcome { name, took, measured } in outcomes {
        let measured = measured.as_deref().unwrap_or("FAILED");
        println!("| {name} | {measured} | {:.0} s |", took.as_secs_f64());
    }
    let failed = outcomes.iter().filter(|it| it.measured.is_none()).count();
    let all = outcomes.len();
    println!("\n{} of {all} went well, in {:.0} s", all - failed, took.as_secs_f64());
    if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
