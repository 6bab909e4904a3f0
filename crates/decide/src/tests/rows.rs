//! `decide` as a table: a case or more for each row of `docs/architecture/state-table.md`, by its
//! name there. What comes next and why is read from that page; a row without a case fails.

mod before;
mod ends;
mod moves;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use crate::testing::NOW;

use crate::observed::Observed;
use crate::plan::Plan;
use crate::revision::Cause;
use crate::state::{Rest, State};
use crate::table::decide;
use crate::tests::document::PAGE;

/// A row's name and one observation that it decides.
type Case = (&'static str, Observed);

/// Rows that only say which table goes on.
const ELSEWHERE: [&str; 2] = ["A1", "A3"];

/// Next phase and reason of every row of the page, by its name.
fn page() -> BTreeMap<&'static str, (&'static str, &'static str)> {
    let rows = PAGE.lines().filter_map(|line| {
        let cells: Vec<_> = line.split('|').map(str::trim).collect();
        let [_, name, _, _, next, reason, _] = cells[..] else { return None };
        let is_name = name.ends_with(|it: char| it.is_ascii_digit() || it == 'b');
        (is_name && !ELSEWHERE.contains(&name)).then_some((name, (next, reason)))
    });
    rows.collect()
}

/// Why a plan is what it is: what holds it, else what its transition follows from.
fn reason(seen: &Observed, plan: &Plan) -> Option<&'static str> {
    if let Some(held) = plan.held {
        return Some(held.into());
    }
    let enters =
        seen.state.phase() != plan.next.phase() || seen.state.rollout() != plan.next.rollout();
    match plan.next {
        State::RollingBack(it) if enters => Some(it.cause.into()),
        State::Promoting(it) if enters => Some(it.promoted_by.into()),
        State::AtRest(Rest::Failed { cause, .. }) if enters => Some(cause.into()),
        State::Pending
        | State::Adopting
        | State::AtRest(_)
        | State::Trial(_)
        | State::Promoting(_)
        | State::RollingBack(_)
        | State::Terminating(_) => None,
    }
}

fn names_reason(cell: &str, reason: Option<&str>) -> bool {
    let Some(reason) = reason else { return cell.is_empty() || cell.ends_with("if it is") };
    let rejects = reason.parse::<Cause>().is_ok_and(Cause::rejects);
    let listed = cell.split([',', ' ']).any(|word| word == reason);
    listed || (rejects && cell.ends_with("the mark's"))
}

fn names_phase(cell: &str, seen: &Observed, plan: &Plan) -> bool {
    let (from, to) = (seen.state.phase(), plan.next.phase());
    match cell {
        "same" => from == to,
        "the rest before" => plan.next == State::AtRest(seen.state.rest()),
        phase => phase == format!("{to:?}"),
    }
}

#[test]
fn every_row_of_the_page_decides_as_it_says() {
    let page = page();
    let cases: Vec<Case> =
        [before::cases(), moves::cases(), ends::cases()].into_iter().flatten().collect();
    let mut wrong = String::new();
    for (name, seen) in &cases {
        let plan = decide(seen, NOW);
        let (next, why) = page.get(name).unwrap_or_else(|| panic!("the page has no row {name}"));
        let found = reason(seen, &plan);
        if !names_phase(next, seen, &plan) || !names_reason(why, found) {
            writeln!(wrong, "{name}: not {next}, {why:?}, but {found:?} by {plan:?}").unwrap();
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    let decided: BTreeSet<_> = cases.iter().map(|it| it.0).collect();
    let written: BTreeSet<_> = page.keys().copied().collect();
    assert_eq!(decided, written, "rows with a case, and rows of the page");
}
