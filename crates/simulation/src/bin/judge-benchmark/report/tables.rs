//! The two tables of each set: healthy canaries rolled back, and faults found.
//! One row per scenario, one column per judge.

use std::fmt::Write;

use super::cells::{percent, rate, times};
use super::mechanisms;
use crate::figures::{Figures, quantile, share};
use crate::set::Set;
use crate::trial::{FULL, JUDGES, STRONGER};

/// False rollbacks by mechanism, and both tables of every set, each first with the judges that tools
/// have and then with the stronger ones.
pub fn tables(figures: &[Figures]) -> String {
    let mut text = mechanisms::table(figures);
    for set in Set::ALL {
        let of_set = figures.iter().filter(|one| one.set == set);
        let (bad, good): (Vec<&Figures>, Vec<&Figures>) = of_set.partition(|one| one.bad);
        if !good.is_empty() {
            healthy(&mut text, set, &good);
        }
        if !bad.is_empty() {
            faults(&mut text, set, &bad);
        }
    }
    text
}

/// Siskin and the judges that tools have; Siskin and the stronger ones.
fn columns() -> [Vec<usize>; 2] {
    [(0..STRONGER).collect(), std::iter::once(FULL).chain(STRONGER..JUDGES.len()).collect()]
}

fn healthy(text: &mut String, set: Set, good: &[&Figures]) {
    let _ = write!(text, "## Healthy canaries rolled back: {}\n\n", set.title());
    if set == Set::Usual {
        text.push_str("![False rollbacks by scenario and judge](false-rollbacks.svg)\n\n");
    }
    text.push_str("Percent of runs, with the 95 % interval (Clopper–Pearson). Siskin leaves a hold of 10m: percent of runs within the trial, and the\nmedian time in seconds.\n\n");
    let runs: usize = good.iter().map(|one| one.runs).sum();
    for judges in columns() {
        head(text, &judges, "Siskin leaves a hold of 10m");
        for one in good {
            let cells = judges.iter().map(|judge| rate(one.judges[*judge].all(), one.runs));
            row(text, one.scenario, cells, &left(one));
        }
        let pooled = judges
            .iter()
            .map(|judge| rate(good.iter().map(|one| one.judges[*judge].all()).sum(), runs));
        row(text, "**all**", pooled, "");
        text.push('\n');
    }
}

fn faults(text: &mut String, set: Set, bad: &[&Figures]) {
    let _ = write!(text, "## Faults found, and after how long: {}\n\n", set.title());
    if set == Set::Usual {
        text.push_str("![Time to detection by fault and judge](detection.svg)\n\n");
    }
    text.push_str("Median / 95th percentile in seconds from the onset, over **all** runs (–: fewer were found within the trial), and the percentage\nfound. `!` marks judges that rolled back before the onset in more than 1 % of runs.\n\n");
    for judges in columns() {
        head(text, &judges, "Siskin's reasons");
        for one in bad {
            let cells = judges.iter().map(|judge| times(&one.judges[*judge], one.runs));
            row(text, one.scenario, cells, &reasons(one));
        }
        text.push('\n');
    }
}

/// How many runs leave a hold of ten minutes, and when.
fn left(one: &Figures) -> String {
    let part = percent(share(one.left.len(), one.runs));
    let seconds = quantile(&one.left, 0.5, one.runs);
    seconds.map_or(part.clone(), |seconds| format!("{part} · {seconds}"))
}

fn head(text: &mut String, judges: &[usize], last: &str) {
    let names: Vec<&str> = judges.iter().map(|judge| JUDGES[*judge]).collect();
    let _ = writeln!(text, "| scenario | {} | {last} |", names.join(" | "));
    let _ = writeln!(text, "|---|{}---|", "---|".repeat(judges.len()));
}

fn row(text: &mut String, name: &str, cells: impl Iterator<Item = String>, last: &str) {
    let cells: Vec<String> = cells.collect();
    let _ = writeln!(text, "| {name} | {} | {last} |", cells.join(" | "));
}

fn reasons(figures: &Figures) -> String {
    let mut reasons: Vec<_> = figures.reasons.iter().collect();
    reasons.sort_by(|a, b| b.1.cmp(a.1));
    let parts = reasons.iter().map(|(reason, times)| format!("{reason} {times}"));
    let mut parts: Vec<String> = parts.collect();
    if !figures.left.is_empty() {
        parts.push(format!("**left a hold of 10m {}**", figures.left.len()));
    }
    parts.join(", ")
}
