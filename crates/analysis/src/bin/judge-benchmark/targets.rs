//! What the judge is meant to reach, and whether it does: fixed before it was built.
//! A target that is missed is printed like one that is met.

use std::fmt::Write;

use crate::figures::{Figures, Score, interval, share};

/// Siskin with metrics, and with offsets alone.
const FULL: usize = 0;
const LAG_ONLY: usize = 1;

/// A time within which a part of all runs is to be found.
struct Target {
    scenario: &'static str,
    judge: usize,
    part: f64,
    seconds: i64,
}

const fn target(scenario: &'static str, judge: usize, part: f64, seconds: i64) -> Target {
    Target { scenario, judge, part, seconds }
}

/// From the design (judge, §7).
const TARGETS: [Target; 17] = [
    target("stall", FULL, 0.95, 60),
    target("poison pill on one partition", FULL, 0.95, 60),
    target("all messages fail", FULL, 0.95, 20),
    target("errors 1 to 10 % for 60 s", FULL, 0.95, 20),
    target("drops 2 % silently", FULL, 0.95, 20),
    target("errors 1 to 2 %", FULL, 0.5, 120),
    target("errors 1 to 2 %", FULL, 0.95, 240),
    target("errors 1 to 2 %, late", FULL, 0.5, 120),
    target("errors 1 to 2 %, late", FULL, 0.95, 240),
    target("crash loop", FULL, 0.95, 90),
    target("30 % slower, load 0.85", LAG_ONLY, 0.5, 240),
    target("30 % slower, load 0.85", FULL, 0.5, 200),
    target("10 % capacity deficit, late", LAG_ONLY, 0.95, 900),
    target("10 % capacity deficit, late", FULL, 0.95, 900),
    target("5 % capacity deficit, load 0.95", FULL, 1.0, 1_800),
    target("rebalance storm", FULL, 0.95, 300),
    target("commits 30 % without work", FULL, 0.95, 360),
];

/// Healthy canaries that may never be rolled back, whatever α says.
const NEVER: [&str; 4] =
    ["one eviction", "producer burst x2", "slow warm-up", "10 min of source outage"];

/// The table of targets.
pub fn table(figures: &[Figures]) -> String {
    let mut text = String::from("## Targets\n\n| target | reached | |\n|---|---|---|\n");
    for target in &TARGETS {
        if let Some(one) = figures.iter().find(|one| one.scenario == target.scenario) {
            let score = &one.judges[target.judge];
            row(
                &mut text,
                &target.words(),
                &target.reached(score, one.runs),
                target.is_met(score, one.runs),
            );
        }
    }
    for one in figures.iter().filter(|one| NEVER.contains(&one.scenario)) {
        let all = one.judges[FULL].all();
        row(
            &mut text,
            &format!("{}: never rolled back", one.scenario),
            &format!("{all} of {}", one.runs),
            all == 0,
        );
    }
    let quiet = figures.iter().filter(|one| one.scenario.starts_with("low traffic"));
    let wrong: usize =
        quiet.map(|one| if one.bad { one.passed } else { one.judges[FULL].all() }).sum();
    row(&mut text, "low traffic: never wrong", &format!("{wrong} wrong"), wrong == 0);
    false_rollbacks(&mut text, figures);
    text.push('\n');
    text
}

fn false_rollbacks(text: &mut String, figures: &[Figures]) {
    let good: Vec<&Figures> = figures.iter().filter(|one| !one.bad).collect();
    let all = |one: &&&Figures| one.judges[FULL].all();
    if let Some(worst) = good.iter().max_by_key(all) {
        let events = worst.judges[FULL].all();
        let (_, high) = interval(events, worst.runs);
        let reached = format!(
            "{}: {events} of {}, at most {:.1} %",
            worst.scenario,
            worst.runs,
            100.0 * high
        );
        row(text, "each healthy scenario: rolled back in at most 1 %", &reached, high <= 0.01);
    }
    let (events, runs) =
        good.iter().fold((0, 0), |sum, one| (sum.0 + one.judges[FULL].all(), sum.1 + one.runs));
    let (_, high) = interval(events, runs);
    let reached = format!("{events} of {runs}, at most {:.2} %", 100.0 * high);
    row(text, "all healthy scenarios: at most 0.2 %", &reached, high <= 0.002);
}

fn row(text: &mut String, target: &str, reached: &str, met: bool) {
    let met = if met { "met" } else { "**missed**" };
    let _ = writeln!(text, "| {target} | {reached} | {met} |");
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
