//! The sets of scenarios, so that one can be run without the others.
//! Only names; what is in them, `catalogue` says.

use serde::Serialize;

/// Scenarios that are run, or left out, together.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub enum Set {
    /// What the judge was built on: faults, and healthy canaries.
    Usual,
    /// Healthy canaries that are hard to tell from bad ones.
    Hard,
    /// Faults that an engineer on call expects to be found.
    Faults,
    /// Rollouts of two steps, until they are through.
    Plans,
}

impl Set {
    /// All, in the order of the report.
    pub const ALL: [Self; 4] = [Self::Usual, Self::Hard, Self::Faults, Self::Plans];

    /// On the command line.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Usual => "usual",
            Self::Hard => "hard",
            Self::Faults => "faults",
            Self::Plans => "plans",
        }
    }

    /// In headings.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Usual => "what the judge was built on",
            Self::Hard => "hard to tell from bad ones",
            Self::Faults => "expected in the field",
            Self::Plans => "rollouts",
        }
    }

    /// Reads names with commas between them.
    pub fn parse_list(words: &str) -> Option<Vec<Self>> {
        let one = |word: &str| Self::ALL.into_iter().find(|set| set.name() == word);
        words.split(',').map(one).collect()
    }
}
