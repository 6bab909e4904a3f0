//! What the judge is meant to reach, and whether it does: fixed before it was built.
//! A target that is missed is printed like one that is met.

mod field;
mod rows;

use std::fmt::Write;

use self::rows::{Limit, met, row};
use crate::figures::{Figures, Score, interval, share};
use crate::plan_figures::PlanFigures;
use crate::set::Set;
use crate::trial::{FULL, LAG_ONLY};

/// A time within which a part of all runs is to be found.
struct Target {
    scenario: &'static str,
    judge: usize,
    part: f64,
    seconds: i64,
    limit: Limit,
}

const fn target(
    scenario: &'static str,
    judge: usize,
    part: f64,
    seconds: i64,
    limit: Limit,
) -> Target {
    Target { scenario, judge, part, seconds, limit }
}

/// From the design (judge, §7).
const TARGETS: [Target; 17] = [
    target("stall", FULL, 0.95, 60, Limit::Progress),
    target("poison pill on one partition", FULL, 0.95, 60, Limit::Progress),
    target("all messages fail", FULL, 0.95, 20, Limit::Window),
    target("errors 1 to 10 % for 60 s", FULL, 0.95, 20, Limit::Window),
    target("drops 2 % silently", FULL, 0.95, 20, Limit::InFlight),
    target("errors 1 to 2 %", FULL, 0.5, 120, Limit::Margin),
    target("errors 1 to 2 %", FULL, 0.95, 240, Limit::Margin),
    target("errors 1 to 2 %, late", FULL, 0.5, 120, Limit::Margin),
    target("errors 1 to 2 %, late", FULL, 0.95, 240, Limit::Margin),
    target("crash loop", FULL, 0.95, 90, Limit::Kubelet),
    target("30 % slower, load 0.85", LAG_ONLY, 0.5, 240, Limit::Standing),
    target("30 % slower, load 0.85", FULL, 0.5, 200, Limit::Standing),
    target("10 % capacity deficit, late", LAG_ONLY, 0.95, 900, Limit::Standing),
    target("10 % capacity deficit, late", FULL, 0.95, 900, Limit::Standing),
    target("5 % capacity deficit, load 0.95", FULL, 1.0, 1_800, Limit::Luck),
    target("rebalance storm", FULL, 0.95, 300, Limit::Window),
    target("commits 30 % without work", FULL, 0.95, 360, Limit::Phase),
];

/// Healthy canaries that may never be rolled back, whatever α says.
const NEVER: [&str; 4] =
    ["one eviction", "producer burst x2", "slow warm-up", "10 min of source outage"];

/// Healthy canaries of one scenario that may be rolled back, as a part.
const EACH: f64 = 0.01;

/// Whether these runs leave open whether a healthy scenario meets that.
pub fn leaves_open(one: &Figures) -> bool {
    let (events, runs) = one.known();
    !one.bad && interval(events, runs).1 > EACH && share(events, runs) <= EACH
}

/// The tables of targets: those that the judge was built for, and those of the field.
pub fn table(figures: &[Figures], plans: &[PlanFigures]) -> String {
    let usual: Vec<Figures> = figures.iter().filter(|one| one.set == Set::Usual).cloned().collect();
    let (mut built_on, mut in_field) = (String::new(), String::new());
    if !usual.is_empty() {
        built_for(&mut built_on, &usual);
    }
    field::rows(&mut in_field, figures, plans);
    let mut text = String::from("## Targets\n\n");
    for (words, rows) in [("What the judge was built for", built_on), ("In the field", in_field)] {
        if !rows.is_empty() {
            let _ = writeln!(text, "{words}:\n\n| target | reached | |\n|---|---|---|\n{rows}");
        }
    }
    text
}

/// Targets on the scenarios that the judge was built on.
fn built_for(text: &mut String, figures: &[Figures]) {
    for target in &TARGETS {
        if let Some(one) = figures.iter().find(|one| one.scenario == target.scenario) {
            let score = &one.judges[target.judge];
            row(
                text,
                &target.words(),
                &target.reached(score, one.runs),
                &met(target.is_met(score, one.runs), Some(target.limit)),
            );
        }
    }
    for one in figures.iter().filter(|one| NEVER.contains(&one.scenario)) {
        let all = one.judges[FULL].all();
        row(
            text,
            &format!("{}: never rolled back", one.scenario),
            &format!("{all} of {}", one.runs),
            &met(all == 0, None),
        );
    }
    let quiet = figures.iter().filter(|one| one.scenario.starts_with("low traffic"));
    let wrong: usize =
        quiet.map(|one| if one.bad { one.left.len() } else { one.judges[FULL].all() }).sum();
    row(text, "low traffic: never wrong", &format!("{wrong} wrong"), &met(wrong == 0, None));
    false_rollbacks(text, figures);
}

/// Whether a scenario has one.
#[cfg(feature = "sensitivity")]
pub fn has(scenario: &str) -> bool {
    TARGETS.iter().any(|target| target.scenario == scenario)
}

/// The part of runs found in time, as a mean over the targets.
#[cfg(feature = "sensitivity")]
pub fn in_time(figures: &[Figures]) -> f64 {
    let part = |target: &Target| {
        let one = figures.iter().find(|one| one.scenario == target.scenario)?;
        Some(share(one.judges[target.judge].within(target.seconds), one.runs))
    };
    let parts: Vec<f64> = TARGETS.iter().filter_map(part).collect();
    parts.iter().sum::<f64>() / parts.len().max(1) as f64
}

fn false_rollbacks(text: &mut String, figures: &[Figures]) {
    let good: Vec<&Figures> = figures.iter().filter(|one| !one.bad).collect();
    let bound = |one: &&&Figures| interval(one.known().0, one.known().1).1;
    if let Some(worst) = good.iter().max_by(|a, b| bound(a).total_cmp(&bound(b))) {
        let ((events, runs), high) = (worst.known(), bound(&worst));
        let reached =
            format!("{}: {events} of {runs}, at most {:.2} %", worst.scenario, 100.0 * high);
        row(
            text,
            "each healthy scenario: rolled back in at most 1 %",
            &reached,
            &met(high <= EACH, None),
        );
    }
    let (events, runs) =
        good.iter().fold((0, 0), |sum, one| (sum.0 + one.judges[FULL].all(), sum.1 + one.runs));
    let (_, high) = interval(events, runs);
    let reached = format!("{events} of {runs}, at most {:.2} %", 100.0 * high);
    row(text, "all healthy scenarios: at most 0.2 %", &reached, &met(high <= 0.002, None));
}

impl Target {
    fn words(&self) -> String {
        let judge = if self.judge == LAG_ONLY { " (lag only)" } else { "" };
        let part = 100.0 * self.part;
        format!("{}{judge}: {part:.0} % within {} s", self.scenario, self.seconds)
    }

    fn reached(&self, score: &Score, runs: usize) -> String {
        let within = 100.0 * share(score.within(self.seconds), runs);
        match score.quantile(self.part, runs) {
            Some(seconds) => format!("{seconds} s; {within:.1} % in time"),
            None => format!("{within:.1} % in time"),
        }
    }

    fn is_met(&self, score: &Score, runs: usize) -> bool {
        share(score.within(self.seconds), runs) >= self.part
    }
}
