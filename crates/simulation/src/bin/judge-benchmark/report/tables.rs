//! The two tables: healthy canaries rolled back, and faults found.
//! One row per scenario, one column per judge.

use std::fmt::Write;

use crate::figures::{Figures, Score, interval, share};
use crate::trial::JUDGES;

/// Both tables.
pub fn tables(figures: &[Figures]) -> String {
    let good: Vec<&Figures> = figures.iter().filter(|one| !one.bad).collect();
    let bad: Vec<&Figures> = figures.iter().filter(|one| one.bad).collect();
    let mut text = String::from(
        "## Healthy canaries rolled back\n\n![False rollbacks by scenario and judge](false-rollbacks.svg)\n\nPercent of runs, with the 95 % interval (Clopper–Pearson).\n\n",
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
    text.push_str("\n## Faults found, and after how long\n\n![Time to detection by fault and judge](detection.svg)\n\nMedian / 95th percentile in seconds from the onset, over **all** runs (–: fewer were found within the trial), and the percentage found. `!` marks judges that rolled back before the onset in more than 1 % of runs.\n\n");
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

/// Percent with its interval.
pub fn rate(events: usize, runs: usize) -> String {
    let (low, high) = interval(events, runs);
    format!("{} ({}–{})", percent(share(events, runs)), percent(low), percent(high))
}

/// Two figures of a percentage, so far as they say something.
pub fn percent(share: f64) -> String {
    let percent = 100.0 * share;
    if percent == 0.0 || percent >= 9.95 {
        format!("{percent:.0}")
    } else if percent >= 0.995 {
        format!("{percent:.1}")
    } else {
        format!("{percent:.2}")
    }
}

/// Median, 95th percentile and percentage of a fault.
pub fn times(score: &Score, runs: usize) -> String {
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
