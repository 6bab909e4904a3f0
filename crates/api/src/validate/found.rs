//! What is wrong with a spec, collected: each with its field, the problem and a remedy.
//! Collects and compares with ranges; knows no field of a spec.

use std::fmt::Display;
use std::ops::RangeInclusive;

/// One thing that is wrong with a spec.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {problem}; {remedy}")]
pub struct SpecError {
    /// Path of the field: `spec.strategy.steps[1].weight`.
    pub field: String,
    /// What is wrong.
    pub problem: String,
    /// What to do about it.
    pub remedy: String,
}

/// Violations found so far, in the order of the fields.
#[derive(Debug, Default)]
pub(super) struct Found(Vec<SpecError>);

impl Found {
    /// Notes one violation.
    pub(super) fn refuse(
        &mut self,
        field: impl Into<String>,
        problem: impl Into<String>,
        remedy: impl Into<String>,
    ) {
        let (field, problem, remedy) = (field.into(), problem.into(), remedy.into());
        self.0.push(SpecError { field, problem, remedy });
    }

    /// Refuses a value outside `range`; an absent value is fine.
    pub(super) fn check_range<T: PartialOrd + Display>(
        &mut self,
        field: &str,
        value: impl Into<Option<T>>,
        range: RangeInclusive<T>,
    ) {
        if let Some(value) = value.into().filter(|it| !range.contains(it)) {
            let remedy = format!("choose one from {} to {}", range.start(), range.end());
            self.refuse(field, format!("{value} is out of range"), remedy);
        }
    }

    /// Every violation, or none.
    pub(super) fn into_result(self) -> Result<(), Vec<SpecError>> {
        if self.0.is_empty() { Ok(()) } else { Err(self.0) }
    }
}
