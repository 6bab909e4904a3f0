//! What a reader should know after one minute: one line per judge, and where others are better.
//! Every word that depends on a figure is made from it.

use std::fmt::Write;

use super::cells::{percent, rate, times};
use crate::figures::{Figures, Score, share};
use crate::ours::ALPHA;
use crate::trial::JUDGES;

/// Siskin, with metrics: what the others are compared with.
const SISKIN: usize = 0;
/// Judges of ours.
const OURS: usize = 2;

/// One line per judge.
pub fn summary(figures: &[Figures]) -> String {
    let (bad, good): (Vec<&Figures>, Vec<&Figures>) = figures.iter().partition(|one| one.bad);
    let mut text = format!(
        "## In one minute\n\n| judge | healthy scenarios in which it rolls back more than {} % (of {}) | healthy canaries rolled back, % | faults it finds in 95 % of runs or more (of {}) | its usual time to find these |\n|---|---|---|---|---|\n",
        100.0 * ALPHA,
        good.len(),
        bad.len(),
    );
    for (judge, name) in JUDGES.iter().enumerate() {
        let often = good.iter().filter(|one| share(one.judges[judge].all(), one.runs) > ALPHA);
        let found = bad.iter().filter(|one| one.judges[judge].finds(one.runs));
        let (found, time) = (found.clone().count(), usual(judge, found.copied()));
        let _ = writeln!(
            text,
            "| {name} | {} | {} | {found} | {} |",
            often.count(),
            pooled(&good, judge),
            time.map_or("–".to_owned(), |seconds| format!("{seconds} s")),
        );
    }
    text.push_str("\nThe usual time is the median, over those faults, of the median times from the onset.\n\n");
    text
}

/// The median over scenarios of a judge's median times; the lower one of two.
fn usual<'a>(judge: usize, found: impl Iterator<Item = &'a Figures>) -> Option<i64> {
    let mut times: Vec<i64> =
        found.filter_map(|one| one.judges[judge].quantile(0.5, one.runs)).collect();
    times.sort_unstable();
    times.get(times.len().saturating_sub(1) / 2).copied()
}

fn pooled(good: &[&Figures], judge: usize) -> String {
    let events = good.iter().map(|one| one.judges[judge].all()).sum();
    rate(events, good.iter().map(|one| one.runs).sum())
}

/// Where another judge finds a fault that Siskin misses, or finds it sooner; and where it rolls
/// back fewer healthy canaries.
pub fn better(figures: &[Figures]) -> String {
    let mut text = String::from(
        "## Where others are better\n\nFaults that another judge finds in 95 % of runs or more, and sooner than Siskin or where Siskin doesn't.\nAs elsewhere: median / 95th percentile in seconds, and the percentage found.\n\n| fault | Siskin | better |\n|---|---|---|\n",
    );
    let mut rows = 0;
    for one in figures.iter().filter(|one| one.bad) {
        let better: Vec<String> = rivals(one)
            .filter(|score| is_better(score, &one.judges[SISKIN], one.runs))
            .map(|score| format!("{} {}", score.judge, times(score, one.runs)))
            .collect();
        if !better.is_empty() {
            let siskin = times(&one.judges[SISKIN], one.runs);
            let _ = writeln!(text, "| {} | {siskin} | {} |", one.scenario, better.join("; "));
            rows += 1;
        }
    }
    if rows == 0 {
        text.push_str("| none | | |\n");
    }
    text.push('\n');
    text.push_str(&milder(figures));
    text
}

/// Healthy scenarios where Siskin rolls back more than another judge, beyond what it may.
fn milder(figures: &[Figures]) -> String {
    let mut parts = Vec::new();
    for one in figures.iter().filter(|one| !one.bad) {
        let ours = one.judges[SISKIN].all();
        let milder: Vec<&str> =
            rivals(one).filter(|score| score.all() < ours).map(|score| score.judge).collect();
        if share(ours, one.runs) > ALPHA && !milder.is_empty() {
            let siskin = percent(share(ours, one.runs));
            parts.push(format!("{} ({siskin} %; fewer: {})", one.scenario, milder.join(", ")));
        }
    }
    let most = 100.0 * ALPHA;
    if parts.is_empty() {
        return format!(
            "In no healthy scenario does Siskin roll back more than {most} % and another judge less than Siskin.\n"
        );
    }
    format!(
        "Healthy scenarios in which Siskin rolls back more than {most} %, and another judge less than Siskin: {}.\n",
        parts.join("; ")
    )
}

fn rivals(one: &Figures) -> impl Iterator<Item = &Score> {
    one.judges.iter().skip(OURS)
}

fn is_better(rival: &Score, siskin: &Score, runs: usize) -> bool {
    let sooner = match (rival.quantile(0.5, runs), siskin.quantile(0.5, runs)) {
        (Some(theirs), Some(ours)) => theirs < ours,
        (Some(_), None) => true,
        (None, _) => false,
    };
    rival.finds(runs) && (sooner || !siskin.finds(runs))
}
