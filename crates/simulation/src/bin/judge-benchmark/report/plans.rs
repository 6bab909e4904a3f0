//! Rollouts: how many healthy versions get through the usual plan in its holds, by size and traffic.
//! A cell has three figures; the reasons are in the table of special cases and in plans.csv.

use std::fmt::Write;

use super::cells::percent;
use crate::figures::share;
use crate::ours::Sight;
use crate::plan_figures::{PlanFigures, PlanScore};

/// The grid by sight, and the special cases. Empty without rollouts.
pub fn tables(plans: &[PlanFigures]) -> String {
    if plans.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "## The usual plan\n\nTwo steps, held for 10 and 30 minutes and three times as long at most. Percent of runs that are promoted in these holds / before a\nrollout is paused, and the median time in seconds until the first step is left (–: never). Half of the capacity is spare, and the\nversion is healthy unless a line says otherwise.\n",
    );
    for (index, sight) in Sight::ALL.iter().enumerate() {
        grid(&mut text, plans, index, sight.judge());
    }
    special(&mut text, plans);
    text
}

fn grid(text: &mut String, plans: &[PlanFigures], judge: usize, name: &str) {
    let cells: Vec<&PlanFigures> = plans.iter().filter(|one| one.special.is_empty()).collect();
    let mut rates: Vec<f64> = cells.iter().map(|one| one.rate).collect();
    rates.sort_unstable_by(f64::total_cmp);
    rates.dedup();
    let heads: Vec<String> = rates.iter().map(|rate| format!("{rate} msg/s")).collect();
    let _ = writeln!(text, "\n{name}:\n\n| group | {} |", heads.join(" | "));
    let _ = writeln!(text, "|---|{}", "---|".repeat(rates.len()));
    for row in cells.chunk_by(|a, b| (a.pods, a.partitions) == (b.pods, b.partitions)) {
        let cell = |rate: &f64| {
            let one = row.iter().find(|one| one.rate.total_cmp(rate).is_eq());
            one.map_or(String::new(), |one| figures(&one.scores[judge], one.runs))
        };
        let cells: Vec<String> = rates.iter().map(cell).collect();
        let _ = writeln!(text, "| {} | {} |", row[0].size, cells.join(" | "));
    }
}

fn special(text: &mut String, plans: &[PlanFigures]) {
    let heads: Vec<&str> = Sight::ALL.iter().map(|sight| sight.judge()).collect();
    let _ = writeln!(text, "\n| case | {} | why Siskin did not promote |", heads.join(" | "));
    let _ = writeln!(text, "|---|{}---|", "---|".repeat(heads.len()));
    for one in plans.iter().filter(|one| !one.special.is_empty()) {
        let cells: Vec<String> = one.scores.iter().map(|score| figures(score, one.runs)).collect();
        let fault = if one.bad { "**bad:** " } else { "" };
        let name = &one.name;
        let ends = ends(&one.scores[0]);
        let _ = writeln!(text, "| {fault}{name} | {} | {ends} |", cells.join(" | "));
    }
    text.push('\n');
}

fn figures(score: &PlanScore, runs: usize) -> String {
    let of = |count: usize| percent(share(count, runs));
    let left = score.first_left(0.5, runs).map_or("–".to_owned(), |seconds| seconds.to_string());
    let back = if score.rolled_back > 0 {
        format!(" **rolled back {}**", of(score.rolled_back))
    } else {
        String::new()
    };
    format!("{} / {} · {left}{back}", of(score.in_holds), of(score.promoted))
}

/// Why rollouts were not promoted, the most frequent reason first.
pub fn ends(score: &PlanScore) -> String {
    let mut ends: Vec<_> = score.ends.iter().collect();
    ends.sort_by(|a, b| b.1.cmp(a.1));
    let parts: Vec<String> = ends.iter().map(|(end, times)| format!("{end} {times}")).collect();
    parts.join(", ")
}
