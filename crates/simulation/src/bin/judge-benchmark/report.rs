//! Writes what was found: JSON with every time, a page with tables, CSV, plots.
//! No figure is left out, whoever looks bad in it.

pub mod cells;
mod csv;
mod mechanisms;
mod minute;
mod plans;
mod tables;

use std::fmt::Write;
use std::fs;
use std::path::Path;

use serde::Serialize;

use crate::arguments::Arguments;
use crate::base::BASE;
use crate::figures::Figures;
use crate::ours::ALPHA;
use crate::plan_figures::PlanFigures;
use crate::plot::detection::detection;
use crate::plot::power::power;
use crate::plot::rollbacks::rollbacks;
use crate::set::Set;
use crate::sweep::Swept;
use crate::targets;

/// All that was measured.
#[derive(Debug, Serialize)]
pub struct Results {
    /// One trial each, in the order of the catalogue.
    pub trials: Vec<Figures>,
    /// Rollouts.
    pub plans: Vec<PlanFigures>,
}

/// What is printed in any case.
pub fn summary(results: &Results) -> String {
    let Results { trials, plans } = results;
    let mut text = if trials.is_empty() { String::new() } else { minute::summary(trials) };
    text.push_str(&targets::table(trials, plans));
    text.push_str(&plans::tables(plans));
    text + &tables::tables(trials)
}

/// Writes all figures, with the time of every rollback.
///
/// # Errors
/// When the file can't be written.
pub fn json(path: &Path, results: &Results) -> Result<(), String> {
    let text = serde_json::to_string(results)
        .map_err(|error| format!("putting figures into JSON: {error}"))?;
    save(path, &text)
}

/// Writes the page, its CSV and its plots.
///
/// # Errors
/// When a file can't be written.
pub fn write(
    directory: &Path,
    arguments: &Arguments,
    results: &Results,
    swept: &[Swept],
) -> Result<(), String> {
    let figures = &results.trials;
    let is_usual = |one: &&Figures| one.set == Set::Usual;
    let usual: Vec<Figures> = figures.iter().filter(is_usual).cloned().collect();
    let files = [
        ("judge.md", page(arguments, results)),
        ("judge.csv", csv::judges(figures)),
        ("plans.csv", csv::plans(&results.plans)),
        ("power.csv", csv::power(swept)),
        ("detection.svg", detection(&usual)),
        ("false-rollbacks.svg", rollbacks(&usual)),
        ("power.svg", power(swept)),
    ];
    files.iter().try_for_each(|(name, text)| save(&directory.join(name), text))
}

/// Writes a file; an error names it.
///
/// # Errors
/// When it can't be written.
pub fn save(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("writing {}: {error}", path.display()))
}

/// The page: its text, with what follows from the figures put in.
fn page(arguments: &Arguments, results: &Results) -> String {
    let figures = &results.trials;
    let mut page = include_str!("page.md")
        .replace("{{summary}}", &minute::summary(figures))
        .replace("{{command}}", &command(arguments))
        .replace("{{better}}", &minute::better(figures));
    page.push_str(&targets::table(figures, &results.plans));
    page.push_str(&plans::tables(&results.plans));
    page.push_str(&tables::tables(figures));
    page.truncate(page.trim_end().len());
    page.push('\n');
    page
}

/// How to get the same page again.
fn command(arguments: &Arguments) -> String {
    let ends = |seeds: Vec<u64>| {
        let (first, last) = (seeds.first().copied(), seeds.last().copied());
        format!("{} to {}", first.unwrap_or(0), last.unwrap_or(0))
    };
    let mut options = format!("--seeds {}", arguments.runs);
    if arguments.tuning {
        options.push_str(" --tuning");
    }
    if arguments.sets != Set::ALL {
        let names: Vec<&str> = arguments.sets.iter().map(|set| set.name()).collect();
        let _ = write!(options, " --set {}", names.join(","));
    }
    if let Some(part) = &arguments.only {
        let _ = write!(options, " --only '{part}'");
    }
    format!(
        "```\ncargo run --release -p siskin-simulation --bin judge-benchmark -- {options} --report docs/benchmarks\n```\n\nSeeds {} of each healthy scenario (of a hard one at most 400 of them, of a fault 100), {} of each effect size, {} of each rollout; constants were only ever tried on seeds from 1, 2000000 and 4000000. α = {ALPHA}.",
        ends(arguments.seeds(&BASE)),
        ends(arguments.sweep_seeds()),
        ends(arguments.plan_seeds()),
    )
}
