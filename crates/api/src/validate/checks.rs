//! Checks by name: their bounds, and that what they are computed from is read at all.
//! What the schema and its rules say; reads no metric.

use crate::metrics::{Check, CheckName, SeriesField};
use crate::rollout::Analysis;
use crate::units::Decimal;
use crate::validate::found::Found;

const CHECKS: &str = "spec.analysis.checks";

pub(super) fn check(found: &mut Found, it: &Analysis) {
    if !it.checks.is_empty() && it.prometheus.is_none() && it.scrape.is_none() {
        let problem = "says nothing of where the pods' metrics are read";
        found.refuse(CHECKS, problem, "set spec.analysis.prometheus or spec.analysis.scrape");
    }
    for (index, one) in it.checks.iter().enumerate() {
        let path = format!("{CHECKS}[{index}]");
        let name = one.name.as_str();
        if it.checks.iter().take(index).any(|other| other.name == one.name) {
            let problem = format!("{name} is there twice");
            found.refuse(format!("{path}.name"), problem, "set both bounds in one check");
        }
        if it.metrics.iter().any(|metric| metric.name == name) {
            let problem = format!("{name} is a metric of spec.analysis.metrics, too");
            found.refuse(format!("{path}.name"), problem, "give that metric another name");
        }
        check_series(found, &path, it, one.name);
        check_bounds(found, &path, one);
        found.check_range(&format!("{path}.failureLimit"), one.failure_limit, 0..=100);
    }
}

/// Checks that the series of a check are named: without them it would never have a value, and no
/// version would ever pass.
fn check_series(found: &mut Found, path: &str, it: &Analysis, name: CheckName) {
    let named = |field| it.series.as_ref().is_some_and(|series| series.names(field));
    let missing = name.needs().iter().filter(|field| !named(**field));
    let missing: Vec<_> = missing.map(|field| field_path(*field)).collect();
    if !missing.is_empty() {
        let all = missing.join(" and ");
        let problem = format!("{} can't be computed without {all}", name.as_str());
        found.refuse(path, problem, format!("set {all}, or a preset that has it"));
    }
}

const fn field_path(field: SeriesField) -> &'static str {
    match field {
        SeriesField::Consumed => "spec.analysis.series.consumed",
        SeriesField::Processed => "spec.analysis.series.processed",
        SeriesField::Errors => "spec.analysis.series.errors",
        SeriesField::Latency => "spec.analysis.series.latency",
    }
}

fn check_bounds(found: &mut Found, path: &str, it: &Check) {
    let (less, greater) = (it.less_than, it.greater_than);
    if less.is_none() && greater.is_none() {
        found.refuse(path, "has no bound", "set lessThan, greaterThan, or both");
    }
    if let Some((greater, less)) = greater.zip(less).filter(|(greater, less)| less <= greater) {
        let problem = format!("{greater} is not less than lessThan, {less}");
        found.refuse(format!("{path}.greaterThan"), problem, "make it less than lessThan");
    }
    let share = match it.name {
        CheckName::ErrorRate | CheckName::SuccessRate | CheckName::MemoryUsage => true,
        CheckName::LatencyP99 => false,
    };
    let (zero, one) = (Decimal::ZERO, Decimal::WHOLE);
    let remedy = if share { "shares are from 0 to 1: 5 % is 0.05" } else { "give it in seconds" };
    if let Some(less) = less.filter(|it| *it <= zero || (share && one < *it)) {
        let problem = format!("{less} is no upper bound of this value");
        found.refuse(format!("{path}.lessThan"), problem, remedy);
    }
    if let Some(greater) = greater.filter(|it| *it < zero || (share && one <= *it)) {
        let problem = format!("{greater} is no lower bound of this value");
        found.refuse(format!("{path}.greaterThan"), problem, remedy);
    }
}
