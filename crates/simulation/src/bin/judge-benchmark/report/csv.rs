//! The figures as CSV, for whoever wants to plot them in another way.
//! One line per scenario or size, and judge.

use std::fmt::Write;

use crate::figures::{Figures, Score, interval, share};
use crate::plan_figures::PlanFigures;
use crate::report::plans::ends;
use crate::sweep::Swept;

/// All scenarios.
pub fn judges(figures: &[Figures]) -> String {
    let mut text = String::from(
        "scenario,bad,judge,runs,rolled_back,before_onset,median_s,p95_s,within_15_min,low,high\n",
    );
    for one in figures {
        for score in &one.judges {
            let (low, high) = interval(score.all(), one.runs);
            let _ = writeln!(
                text,
                "\"{}\",{},\"{}\",{},{},{},{},{},{},{low:.5},{high:.5}",
                one.scenario,
                one.bad,
                score.judge,
                one.runs,
                score.rolled_back,
                score.early,
                seconds(score, 0.5, one.runs),
                seconds(score, 0.95, one.runs),
                score.within(900),
            );
        }
    }
    text
}

/// All rollouts.
pub fn plans(plans: &[PlanFigures]) -> String {
    let mut text = String::from(
        "case,bad,pods,partitions,msg_per_s,judge,runs,in_holds,promoted,rolled_back,first_left_median_s,first_left_p95_s,ends\n",
    );
    for one in plans {
        for score in &one.scores {
            let left = |part: f64| {
                score.first_left(part, one.runs).map_or(String::new(), |it| it.to_string())
            };
            let PlanFigures { name, bad, pods, partitions, rate, runs, .. } = one;
            let _ = writeln!(
                text,
                "\"{name}\",{bad},{pods},{partitions},{rate},\"{}\",{runs},{},{},{},{},{},\"{}\"",
                score.judge,
                score.in_holds,
                score.promoted,
                score.rolled_back,
                left(0.5),
                left(0.95),
                ends(score),
            );
        }
    }
    text
}

/// All effect sizes.
pub fn power(swept: &[Swept]) -> String {
    let mut text =
        String::from("effect,size,judge,runs,rolled_back,power,low,high,median_s,p95_s\n");
    for family in swept {
        for point in &family.points {
            let runs = point.figures.runs;
            for score in &point.figures.judges {
                let (low, high) = interval(score.all(), runs);
                let _ = writeln!(
                    text,
                    "\"{}\",{},\"{}\",{runs},{},{:.5},{low:.5},{high:.5},{},{}",
                    family.key,
                    point.size,
                    score.judge,
                    score.all(),
                    share(score.all(), runs),
                    seconds(score, 0.5, runs),
                    seconds(score, 0.95, runs),
                );
            }
        }
    }
    text
}

/// Empty: fewer are ever found.
fn seconds(score: &Score, part: f64, runs: usize) -> String {
    score.quantile(part, runs).map_or(String::new(), |seconds| seconds.to_string())
}
