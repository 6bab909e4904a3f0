//! Targets in the field: rollouts that get through, hard healthy canaries, faults that are expected.
//! A target that is missed says where, in figures.

use super::rows::{met, row};
use crate::catalogue::faults::{EXPECTED, TOTAL};
use crate::figures::{Figures, interval, share};
use crate::mechanism::Mechanism;
use crate::plan_figures::PlanFigures;
use crate::report::cells::percent;
use crate::set::Set;
use crate::show::POLL;
use crate::trial::FULL;

/// Part of the rollouts that are to be promoted in their holds, and at all where there is less to see.
const IN_HOLDS: f64 = 0.95;
const AT_ALL: f64 = 0.9;
/// Messages per second and pod from which there is enough to see.
const ENOUGH: f64 = 1.0;
/// Hard healthy canaries that may be rolled back: of each scenario, of one where only an exchange of
/// roles could tell the data from the version (the canary's share), and of all but those.
const EACH: f64 = 0.01;
const DATA: f64 = 0.17;
const POOLED: f64 = 0.002;
/// Part of the runs in which an expected fault is to be found, and in how many seconds.
const FOUND: f64 = 0.95;
const WITHIN: i64 = 600;
/// Seconds in which a total failure is to be found, or batches if that is more.
const TOTAL_WITHIN: i64 = 20;
const BATCHES: f64 = 2.5;

/// Medians of the faults that Siskin found before these targets were set, in seconds.
const BEFORE: [(&str, i64); 26] = [
    ("stall", 60),
    ("poison pill on one partition", 60),
    ("30 % slower, load 0.85", 200),
    ("30 % slower, load 0.60", 200),
    ("15 % slower, load 0.92", 200),
    ("10 % capacity deficit, late", 30),
    ("capacity leak 1 %/min, load 0.85", 780),
    ("errors 1 to 2 %", 110),
    ("errors 1 to 2 %, late", 80),
    ("errors 1 to 10 % for 60 s", 20),
    ("all messages fail", 20),
    ("rebalance storm", 220),
    ("memory +30 MiB/min", 730),
    ("drops 2 % silently", 20),
    ("commits 30 % without work", 340),
    ("crash loop", 60),
    ("hot partition", 250),
    ("compacted topic, drops 2 % silently", 20),
    ("counted by batches, drops 2 %", 560),
    ("exactly-once, aborts in a loop", 100),
    ("retry storm", 50),
    ("slow node under the canary", 260),
    ("low traffic: stall", 60),
    ("low traffic: 30 % slower", 1_050),
    ("low traffic: all messages fail", 90),
    ("low traffic: crash loop", 60),
];

/// Rows of the table of targets, for what was run of them.
pub fn rows(text: &mut String, trials: &[Figures], plans: &[PlanFigures]) {
    rollouts(text, plans);
    hard(text, trials);
    before(text, trials);
    expected(text, trials);
    total(text, trials);
}

fn rollouts(text: &mut String, plans: &[PlanFigures]) {
    let (bad, healthy): (Vec<&PlanFigures>, Vec<&PlanFigures>) =
        plans.iter().partition(|one| one.bad);
    let (enough, little): (Vec<&PlanFigures>, Vec<&PlanFigures>) =
        healthy.into_iter().partition(|one| one.special.is_empty() && one.rate_per_pod() >= ENOUGH);
    let in_holds = |one: &PlanFigures| one.scores[FULL].in_holds;
    let promoted = |one: &PlanFigures| one.scores[FULL].promoted;
    let words =
        "the usual plan completed in its holds, from 1 message a second and pod: 95 % of runs";
    share_of(text, words, IN_HOLDS, &enough, in_holds);
    let words = "less traffic, cron, rare commits: promoted before maxHold, 90 % of runs";
    share_of(text, words, AT_ALL, &little, promoted);
    if !bad.is_empty() {
        let through: usize = bad.iter().map(|one| promoted(one)).sum();
        let reached = format!("{through} of {}", runs(&bad));
        row(
            text,
            "bad versions: never promoted by the usual plan",
            &reached,
            &met(through == 0, None),
        );
    }
}

/// A part of all runs of some rollouts, and the case with the smallest part.
fn share_of(
    text: &mut String,
    words: &str,
    least: f64,
    cases: &[&PlanFigures],
    count: impl Fn(&PlanFigures) -> usize,
) {
    let part = |one: &&&PlanFigures| share(count(one), one.runs);
    let Some(worst) = cases.iter().min_by(|a, b| part(a).total_cmp(&part(b))) else { return };
    let all = share(cases.iter().map(|one| count(one)).sum(), runs(cases));
    let below = cases.iter().filter(|one| part(one) < least).count();
    let reached = format!(
        "{} %; {below} of {} cases are below, as {} ({} %)",
        percent(all),
        cases.len(),
        worst.name,
        percent(part(&worst)),
    );
    row(text, words, &reached, &met(all >= least, None));
}

fn runs(cases: &[&PlanFigures]) -> usize {
    cases.iter().map(|one| one.runs).sum()
}

fn hard(text: &mut String, trials: &[Figures]) {
    let healthy: Vec<&Figures> =
        trials.iter().filter(|one| one.set == Set::Hard && !one.bad).collect();
    let (data, hard): (Vec<&Figures>, Vec<&Figures>) =
        healthy.into_iter().partition(|one| one.mechanism == Mechanism::Data);
    each(text, "each hard healthy scenario: rolled back in at most 1 %", EACH, &hard);
    each(text, "each of those with other data: at most the canary's share", DATA, &data);
    if hard.is_empty() {
        return;
    }
    let sum = |of: fn(&Figures) -> usize| hard.iter().map(|one| of(one)).sum();
    let (events, runs) = (sum(|one| one.judges[FULL].all()), sum(|one| one.runs));
    let high = interval(events, runs).1;
    let reached = format!("{events} of {runs}, at most {} %", percent(high));
    row(text, "all hard healthy scenarios: at most 0.2 %", &reached, &met(high <= POOLED, None));
}

fn each(text: &mut String, words: &str, most: f64, scenarios: &[&Figures]) {
    let rate = |one: &Figures| share(one.known().0, one.known().1);
    let over: Vec<String> = scenarios
        .iter()
        .filter(|one| rate(one) > most)
        .map(|one| format!("{} ({} %)", one.scenario, percent(rate(one))))
        .collect();
    if !scenarios.is_empty() {
        let reached =
            format!("{} of {} are above: {}", over.len(), scenarios.len(), over.join("; "));
        row(text, words, reached.trim_end_matches(": "), &met(over.is_empty(), None));
    }
}

fn before(text: &mut String, trials: &[Figures]) {
    let mut known = 0;
    let mut lost = Vec::new();
    for (name, median) in BEFORE {
        let Some(one) = find(trials, name) else { continue };
        known += 1;
        let score = &one.judges[FULL];
        let now = score.quantile(0.5, one.runs);
        if !score.finds(one.runs) || now.is_none_or(|now| now > median + POLL) {
            let found = percent(share(score.rolled_back, one.runs));
            let now = now.map_or("–".to_owned(), |now| now.to_string());
            lost.push(format!("{name} ({now} s, not {median}; {found} %)"));
        }
    }
    if known > 0 {
        let words = "faults found before: none lost, none slower by more than one poll";
        let reached = format!("{} of {known} are: {}", lost.len(), lost.join("; "));
        row(text, words, reached.trim_end_matches(": "), &met(lost.is_empty(), None));
    }
}

fn expected(text: &mut String, trials: &[Figures]) {
    for one in EXPECTED.iter().filter_map(|name| find(trials, name)) {
        let found = share(one.judges[FULL].within(WITHIN), one.runs);
        let reached = format!("{} % in time", percent(found));
        let words = format!("{}: 95 % within {WITHIN} s", one.scenario);
        row(text, &words, &reached, &met(found >= FOUND, None));
    }
}

fn total(text: &mut String, trials: &[Figures]) {
    for (name, batch) in TOTAL {
        let Some(one) = find(trials, name) else { continue };
        let within = TOTAL_WITHIN.max((BATCHES * f64::from(batch)) as i64);
        let p95 = one.judges[FULL].quantile(FOUND, one.runs);
        let reached = p95.map_or("–".to_owned(), |seconds| format!("{seconds} s"));
        let words = format!("{name}: 95 % within {within} s");
        row(text, &words, &reached, &met(p95.is_some_and(|seconds| seconds <= within), None));
    }
}

fn find<'a>(trials: &'a [Figures], name: &str) -> Option<&'a Figures> {
    trials.iter().find(|one| one.scenario == name)
}
