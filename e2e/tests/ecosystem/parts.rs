//! What rows need of others: built where it is not in the cache, started for as long as they are played, and gone
//! afterwards, also when a person interrupts them.

use std::process::ExitCode;
use std::thread;

use anyhow::{Context as _, Result};
use siskin_e2e::scenario::cases::{self, Case};
use siskin_e2e::scenario::interrupt::Interrupt;
use siskin_e2e::scenario::test_run::TestRun;
use siskin_e2e::testbed::{Artifact, Testbed};

/// Plays only rows whose parts are in the cache, and says which are not: for machines that have no time to build them.
const CACHED: &str = "--cached";

/// By the convention of shells: 128 and the number of SIGINT.
const INTERRUPTED: i32 = 130;

/// Plays those whose name contains one of the words of the command line; all without words.
pub fn play(all: Vec<Case>) -> ExitCode {
    let (options, words): (Vec<_>, Vec<_>) = std::env::args().skip(1).partition(|it| it == CACHED);
    let chosen = match cases::chosen(all, &words) {
        Ok(chosen) => chosen,
        Err(over) => return over,
    };
    match prepared(chosen, !options.is_empty()) {
        Ok(chosen) if chosen.is_empty() => {
            println!("no row was played");
            ExitCode::SUCCESS
        }
        Ok(chosen) => with_parts(chosen).unwrap_or_else(failed),
        Err(error) => failed(error),
    }
}

#[expect(clippy::needless_pass_by_value, reason = "the end of the error's way")]
fn failed(error: anyhow::Error) -> ExitCode {
    eprintln!("ecosystem: {error:#}");
    ExitCode::FAILURE
}

/// Those that can be played: all, once what they need is built, or those for which nothing has to be.
fn prepared(mut chosen: Vec<Case>, cached: bool) -> Result<Vec<Case>> {
    let needed = needed(&chosen);
    if !cached {
        Testbed::provide(&needed)?;
        return Ok(chosen);
    }
    chosen = crate::argo::cached(chosen);
    for artifact in needed {
        if Testbed::has(artifact)? {
            continue;
        }
        let all = chosen.len();
        chosen.retain(|it| !it.needs().contains(&artifact));
        println!(
            "NOT RUN: {} rows that need {} {}, which is not in the cache; `cargo testbed provision --ecosystem` builds it",
            all - chosen.len(),
            artifact.name(),
            artifact.version()
        );
    }
    Ok(chosen)
}

fn needed(chosen: &[Case]) -> Vec<Artifact> {
    let wanted = |it: &Artifact| chosen.iter().any(|case| case.needs().contains(it));
    Artifact::ECOSYSTEM.into_iter().filter(wanted).collect()
}

fn with_parts(chosen: Vec<Case>) -> Result<ExitCode> {
    let run = TestRun::get()?;
    thread::spawn(|| {
        if let Err(error) = clear_up_when_interrupted() {
            eprintln!("ecosystem: {error:#}");
        }
    });
    let needed = needed(&chosen);
    let started = start(&run.bed, &needed);
    let outcome = started.map(|()| cases::play(chosen));
    stop(&run.bed)?;
    outcome
}

fn start(bed: &Testbed, needed: &[Artifact]) -> Result<()> {
    if needed.contains(&Artifact::Keda) {
        bed.start_keda().context("starting KEDA")?;
    }
    if needed.contains(&Artifact::KustomizeController) {
        bed.start_flux().context("starting kustomize-controller")?;
    }
    Ok(())
}

fn stop(bed: &Testbed) -> Result<()> {
    bed.stop_keda().context("ending KEDA")?;
    bed.stop_flux().context("ending kustomize-controller")
}

/// Ends this process, too: with it end the operators of its scenarios, and the next run removes what they leave.
fn clear_up_when_interrupted() -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let interrupt = Interrupt::listen()?;
        interrupt.unless(std::future::pending::<Result<()>>()).await.ok();
        anyhow::Ok(())
    })?;
    stop(&Testbed::attach()?)?;
    std::process::exit(INTERRUPTED);
}
