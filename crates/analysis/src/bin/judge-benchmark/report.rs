//! Writes what was found: JSON with every time, a page with tables, a CSV, plots.
//! No figure is left out, whoever looks bad in it.

use std::fmt::Write;
use std::fs;
use std::path::Path;

use crate::arguments::Arguments;
use crate::figures::{Figures, Score, interval, share};
use crate::plot::plot;
use crate::targets;
use crate::trial::{ALPHA, JUDGES};

/// Scenarios that are plotted: a gross fault, a subtle one, an overload, two healthy ones.
const PLOTTED: [&str; 6] = [
    "stall",
    "errors 1 to 2 %",
    "30 % slower, load 0.85",
    "drops 2 % silently",
    "identical",
    "skewed and reshuffled",
];

/// Writes everything that was asked for, and a summary to the standard output.
///
/// # Errors
/// When a file can't be written.
pub fn write(arguments: &Arguments, figures: &[Figures]) -> Result<(), String> {
    print!("{}{}", targets::table(figures), tables(figures));
    if let Some(path) = &arguments.json {
        let text = serde_json::to_string(figures).map_err(|error| error.to_string())?;
        save(path, &text)?;
    }
    if let Some(directory) = &arguments.report {
        save(&directory.join("judge.md"), &page(arguments, figures))?;
        save(&directory.join("judge.csv"), &csv(figures))?;
        for one in figures.iter().filter(|one| PLOTTED.contains(&one.scenario)) {
            save(&directory.join(format!("{}.svg", file_name(one.scenario))), &plot(one))?;
        }
    }
    Ok(())
}

fn save(path: &Path, text: &str) -> Result<(), String> {
    fs::write(path, text).map_err(|error| format!("writing {}: {error}", path.display()))
}

fn file_name(scenario: &str) -> String {
    let plain: String =
        scenario.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '-' }).collect();
    let words: Vec<&str> = plain.split('-').filter(|word| !word.is_empty()).collect();
    words.join("-")
}

fn page(arguments: &Arguments, figures: &[Figures]) -> String {
    let seeds = arguments.seeds();
    let (first, last) = (seeds.first().copied().unwrap_or(0), seeds.last().copied().unwrap_or(0));
    let mut page = String::from(include_str!("page.md"));
    let _ = writeln!(
        page,
        "\n```\ncargo run --release -p siskin-analysis --bin judge-benchmark -- --seeds {} --report docs/benchmarks\n```\n\nSeeds {first} to {last} of each scenario; constants were only ever tried on seeds from 1. α = {ALPHA}.\n",
        arguments.runs
    );
    page.push_str(&targets::table(figures));
    page.push_str(&tables(figures));
    page.push_str("## Plots\n\n");
    for one in figures.iter().filter(|one| PLOTTED.contains(&one.scenario)) {
        let _ = writeln!(page, "![{0}]({1}.svg)", one.scenario, file_name(one.scenario));
    }
    page
}

fn tables(figures: &[Figures]) -> String {
    let good: Vec<&Figures> = figures.iter().filter(|one| !one.bad).collect();
    let bad: Vec<&Figures> = figures.iter().filter(|one| one.bad).collect();
    let mut text = String::from(
        "## Healthy canaries rolled back\n\nPercent of runs, with the 95 % interval (Clopper–Pearson).\n\n",
    );
    head(&mut text, &JUDGES, "passed by Siskin");
    for one in &good {
        let cells = one.judges.iter().map(|score| rate(score.all(), one.runs));
        row(&mut text, one.scenario, cells, &percent(share(one.passed, one.runs)));
    }
    let runs: usize = good.iter().map(|one| one.runs).sum();
    let pooled = (0..JUDGES.len()).map(|index| {
        let all: usize = good.iter().map(|one| one.judges[index].all()).sum();
        rate(all, runs)
    });
    row(&mut text, "**all**", pooled, "");
    text.push_str("\n## Faults found, and after how long\n\nMedian / 95th percentile in seconds from the onset, over **all** runs (–: fewer were found within the trial), and the percentage found. `!` marks judges that rolled back before the onset in more than 1 % of runs.\n\n");
    head(&mut text, &JUDGES, "Siskin's reasons");
    for one in &bad {
        let cells = one.judges.iter().map(|score| times(score, one.runs));
        row(&mut text, one.scenario, cells, &reasons(one));
    }
    text.push('\n');
    text
}

fn head(text: &mut String, judges: &[&str], last: &str) {
    let _ = writeln!(text, "| scenario | {} | {last} |", judges.join(" | "));
    let _ = writeln!(text, "|---|{}---|", "---|".repeat(judges.len()));
}

fn row(text: &mut String, name: &str, cells: impl Iterator<Item = String>, last: &str) {
    let cells: Vec<String> = cells.collect();
    let _ = writeln!(text, "| {name} | {} | {last} |", cells.join(" | "));
}

fn rate(events: usize, runs: usize) -> String {
    let (low, high) = interval(events, runs);
    format!("{} ({}–{})", percent(share(events, runs)), percent(low), percent(high))
}

fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent == 0.0 || percent >= 9.95 {
        format!("{percent:.0}")
    } else if percent >= 0.995 {
        format!("{percent:.1}")
    } else {
        format!("{percent:.2}")
    }
}

fn times(score: &Score, runs: usize) -> String {
    let seconds =
        |part: f64| score.quantile(part, runs).map_or("–".to_owned(), |s| s.to_string());
    let early = if share(score.early, runs) > 0.01 { " !" } else { "" };
    let found = percent(share(score.rolled_back, runs));
    format!("{} / {} ({found} %){early}", seconds(0.5), seconds(0.95))
}

fn reasons(figures: &Figures) -> String {
    let mut reasons: Vec<_> = figures.reasons.iter().collect();
    reasons.sort_by(|a, b| b.1.cmp(a.1));
    let parts = reasons.iter().map(|(reason, times)| format!("{reason} {times}"));
    let mut parts: Vec<String> = parts.collect();
    if figures.passed > 0 {
        parts.push(format!("**passed {}**", figures.passed));
    }
    parts.join(", ")
}

fn csv(figures: &[Figures]) -> String {
    let mut text = String::from(
        "scenario,bad,judge,runs,rolled_back,before_onset,median_s,p95_s,within_15_min,low,high\n",
    );
    for one in figures {
        for score in &one.judges {
            let (low, high) = interval(score.all(), one.runs);
            let seconds =
                |part: f64| score.quantile(part, one.runs).map_or(String::new(), |s| s.to_string());
            let _ = writeln!(
                text,
                "\"{}\",{},\"{}\",{},{},{},{},{},{},{low:.5},{high:.5}",
                one.scenario,
                one.bad,
                score.judge,
                one.runs,
                score.rolled_back,
                score.early,
                seconds(0.5),
                seconds(0.95),
                score.within(900),
            );
        }
    }
    text
}
