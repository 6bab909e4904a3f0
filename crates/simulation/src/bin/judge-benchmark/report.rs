//! Writes what was found: JSON with every time, a page with tables, CSV, plots.
//! No figure is left out, whoever looks bad in it.

mod csv;
mod minute;
mod tables;

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::arguments::Arguments;
use crate::figures::Figures;
use crate::plot::detection::detection;
use crate::plot::power::power;
use crate::plot::rollbacks::rollbacks;
use crate::sweep::Swept;
use crate::targets;
use crate::trial::ALPHA;

/// What is printed in any case.
pub fn summary(figures: &[Figures]) -> String {
    format!("{}{}{}", minute::summary(figures), targets::table(figures), tables::tables(figures))
}

/// Writes all figures, with the time of every rollback.
///
/// # Errors
/// When the file can't be written.
pub fn json(path: &Path, figures: &[Figures]) -> Result<(), String> {
    let text = serde_json::to_string(figures)
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
    figures: &[Figures],
    swept: &[Swept],
) -> Result<(), String> {
    let files = [
        ("judge.md", page(arguments, figures)),
        ("judge.csv", csv::judges(figures)),
        ("power.csv", csv::power(swept)),
        ("detection.svg", detection(figures)),
        ("false-rollbacks.svg", rollbacks(figures)),
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
fn page(arguments: &Arguments, figures: &[Figures]) -> String {
    let mut page = include_str!("page.md")
        .replace("{{summary}}", &minute::summary(figures))
        .replace("{{command}}", &command(arguments))
        .replace("{{better}}", &minute::better(figures));
    page.push_str(&targets::table(figures));
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
    if let Some(part) = &arguments.only {
        let _ = write!(options, " --only '{part}'");
    }
    format!(
        "```\ncargo run --release -p siskin-simulation --bin judge-benchmark -- {options} --report docs/benchmarks\n```\n\nSeeds {} of each scenario, {} of each effect size; constants were only ever tried on seeds from 1. α = {ALPHA}.",
        ends(arguments.seeds()),
        ends(arguments.sweep_seeds()),
    )
}
