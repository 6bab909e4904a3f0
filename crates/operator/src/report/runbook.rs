//! The runbook has every reason that people can meet, and every alert: whoever is called at night looks it up there.
//! Reads the page and, for reasons that are no variant of anything, the source.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use siskin_api::Phase;
use siskin_decide::{Cause, Held};
use siskin_kafka::SampleError;
use strum::{IntoEnumIterator, VariantNames};

use crate::cluster::refusal::RefusalReason;

const PAGE: &str = include_str!("../../../../docs/runbook.md");
const RULES: &str = include_str!("../../../../config/monitoring/rules.yaml");

/// Where reasons are written as texts.
const TELLERS: [&str; 5] = [
    "src/report",
    "src/evidence",
    "src/observe/missing_pods.rs",
    "src/observe/observer.rs",
    "src/process/events.rs",
];

/// Texts of that form in these files that are no reasons: kinds, and what a ReplicaSet or Kubernetes says.
const OTHERS: [&str; 5] =
    ["CanaryRollout", "StatusFields", "ReplicaFailure", "ReplicaSet", "PodScheduled"];

/// What stands in backquotes on the page.
fn told() -> BTreeSet<&'static str> {
    PAGE.split('`').skip(1).step_by(2).collect()
}

/// Texts in `CamelCase` of at least two words, in a file or in all files of a folder, tests aside.
fn literals(path: &Path, found: &mut BTreeSet<String>) {
    if path.is_dir() {
        let entries = fs::read_dir(path).expect("a folder of the source");
        for entry in entries {
            literals(&entry.expect("an entry").path(), found);
        }
        return;
    }
    let text = fs::read_to_string(path).expect("a file of the source");
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let of_tests = path.components().any(|it| it.as_os_str() == "tests")
        || path.file_name().is_some_and(|it| it == "tests.rs" || it == "runbook.rs");
    if !of_tests {
        let texts = code.split('"').skip(1).step_by(2).filter(|it| is_camel_case(it));
        found.extend(texts.map(str::to_owned));
    }
}

fn is_camel_case(text: &str) -> bool {
    let capitals = text.chars().filter(char::is_ascii_uppercase).count();
    2 <= capitals
        && text.starts_with(|it: char| it.is_ascii_uppercase())
        && text.chars().all(|it| it.is_ascii_alphabetic())
        && text.chars().any(|it| it.is_ascii_lowercase())
}

#[test]
fn every_reason_that_is_a_variant_is_on_the_page() {
    let variants = Held::iter()
        .map(<&str>::from)
        .chain(RefusalReason::iter().map(Into::into))
        .chain(Phase::iter().map(Into::into))
        .chain(Cause::iter().map(Into::into))
        .chain(SampleError::VARIANTS.iter().copied());
    let told = told();
    let missing: Vec<&str> = variants.filter(|it| !told.contains(it)).collect();
    assert!(missing.is_empty(), "docs/runbook.md does not have {missing:?}");
}

#[test]
fn every_reason_that_is_a_text_is_on_the_page() {
    let mut reasons = BTreeSet::new();
    for path in TELLERS {
        literals(&Path::new(env!("CARGO_MANIFEST_DIR")).join(path), &mut reasons);
    }
    assert!(reasons.contains("TargetDrained") && reasons.contains("PodsReady"), "{reasons:?}");
    let told = told();
    let missing: Vec<&String> = reasons
        .iter()
        .filter(|it| !told.contains(it.as_str()) && !OTHERS.contains(&it.as_str()))
        .collect();
    assert!(missing.is_empty(), "docs/runbook.md does not have {missing:?}");
}

#[test]
fn every_alert_leads_to_a_section_of_its_own() {
    let alerts: Vec<&str> =
        RULES.lines().filter_map(|it| it.trim().strip_prefix("- alert: ")).collect();
    assert!(8 <= alerts.len(), "{alerts:?}");
    for alert in alerts {
        let link = format!("runbook_url: docs/runbook.md#{}\n", alert.to_lowercase());
        assert!(RULES.contains(&link), "{alert} leads nowhere");
        assert!(PAGE.contains(&format!("### {alert}\n")), "docs/runbook.md has no {alert}");
    }
}
