//! False rollbacks pooled by what makes a healthy canary look bad, over all sets. Scenarios in which
//! nothing happens are one line, and not in the sum: every judge looks good over those.

use std::fmt::Write;

use super::cells::rate;
use crate::figures::Figures;
use crate::mechanism::Mechanism;
use crate::trial::JUDGES;

/// One line per mechanism; empty without healthy scenarios.
pub fn table(figures: &[Figures]) -> String {
    let healthy: Vec<&Figures> = figures.iter().filter(|one| !one.bad).collect();
    if healthy.is_empty() {
        return String::new();
    }
    let mut text = String::from(
        "## Healthy canaries rolled back, by mechanism\n\nPercent of all runs of its scenarios, with the 95 % interval (Clopper–Pearson). The last line leaves out the first.\n\n",
    );
    let _ = writeln!(text, "| mechanism | scenarios | {} |", JUDGES.join(" | "));
    let _ = writeln!(text, "|---|---|{}", "---|".repeat(JUDGES.len()));
    for mechanism in Mechanism::ALL {
        let of_it: Vec<&Figures> =
            healthy.iter().filter(|one| one.mechanism == mechanism).copied().collect();
        line(&mut text, mechanism.words(), &of_it);
    }
    let others: Vec<&Figures> =
        healthy.into_iter().filter(|one| one.mechanism != Mechanism::Chance).collect();
    line(&mut text, "**all but chance**", &others);
    text.push('\n');
    text
}

fn line(text: &mut String, words: &str, scenarios: &[&Figures]) {
    if scenarios.is_empty() {
        return;
    }
    let runs = scenarios.iter().map(|one| one.runs).sum();
    let cell = |judge: usize| rate(scenarios.iter().map(|one| one.judges[judge].all()).sum(), runs);
    let cells: Vec<String> = (0..JUDGES.len()).map(cell).collect();
    let _ = writeln!(text, "| {words} | {} | {} |", scenarios.len(), cells.join(" | "));
}
