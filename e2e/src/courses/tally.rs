//! What became of all courses, in figures and words.
//! Plays nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::Error;

use super::course::Played;

/// Failures that are told in full.
const TOLD: usize = 10;
/// Longest account of one, in characters.
const LONGEST: usize = 2_000;

/// What became of all courses.
#[derive(Debug, Default)]
pub struct Tally {
    templates: u32,
    refused: Vec<String>,
    failed: BTreeMap<u64, Error>,
    reached: BTreeSet<String>,
    all: BTreeSet<String>,
}

impl Tally {
    pub(super) fn new(all: BTreeSet<String>) -> Self {
        Self { all, ..Self::default() }
    }

    pub(super) fn add(&mut self, number: u64, outcome: Result<Played, Error>) {
        match outcome {
            Ok(played) => {
                self.templates += played.templates;
                self.refused.extend(played.refused);
                self.reached.extend(played.fields);
            }
            Err(error) => {
                eprintln!("FAILED {}", cut(&format!("{error:#}")));
                self.failed.insert(number, error);
            }
        }
    }

    /// Whether every course that began ended well.
    #[must_use]
    pub fn is_well(&self) -> bool {
        self.failed.is_empty() && 0 < self.templates
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (number, error) in self.failed.iter().take(TOLD) {
            writeln!(f, "FAILED course {number}: {}", cut(&format!("{error:#}")))?;
        }
        for words in self.refused.iter().take(TOLD) {
            writeln!(f, "refused: {}", cut(words))?;
        }
        let missing: Vec<_> = self.all.difference(&self.reached).map(String::as_str).collect();
        writeln!(f, "fields not reached: {}", missing.join(" "))?;
        let (reached, all) = (self.reached.len(), self.all.len());
        write!(
            f,
            "{} templates adopted, changed, promoted, handed back and found unchanged; {} courses failed; {} templates \
             refused by the API server; {reached} of {all} fields reached",
            self.templates,
            self.failed.len(),
            self.refused.len(),
        )
    }
}

fn cut(text: &str) -> String {
    text.chars().take(LONGEST).collect()
}
