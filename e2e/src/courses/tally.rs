//! What became of all courses, in figures and words.
//! Plays nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use anyhow::Error;

use super::course::Played;
use crate::manifests::Field;

/// Failures that are told in full.
const TOLD: usize = 10;
/// Refused fields that are told.
const FIELDS_TOLD: usize = 60;
/// Percent of the Deployments that the API server may refuse, whole or in part: of more the generator knows too little.
const MOST_REFUSED: u64 = 10;
/// Longest account of a failure, in characters.
const LONGEST: usize = 2_000;
/// Longest account of a refusal, in characters.
const LONGEST_REFUSAL: usize = 240;

/// What became of all courses.
#[derive(Debug, Default)]
pub struct Tally {
    templates: u32,
    trials: u32,
    /// Deployments that the API server was asked about, and those that it took in part.
    asked: u32,
    mended: u32,
    /// Courses that could not begin.
    refused: Vec<String>,
    /// How often the API server refused a field, and what it said the first time.
    refusals: BTreeMap<String, (u32, String)>,
    failed: BTreeMap<String, Error>,
    reached: BTreeSet<Field>,
    all: BTreeSet<Field>,
}

impl Tally {
    /// No course yet; all of these fields are to be reached.
    pub(super) fn new(all: BTreeSet<Field>) -> Self {
        Self { all, ..Self::default() }
    }

    pub(super) fn add(&mut self, name: &str, outcome: Result<Played, Error>) {
        match outcome {
            Ok(played) => {
                self.templates += played.templates;
                self.trials += u32::from(played.was_tried);
                self.asked += played.asked;
                self.mended += played.mended;
                self.refused.extend(played.refused);
                self.reached.extend(played.fields);
                for it in played.refusals {
                    self.refusals.entry(it.field).or_insert((0, it.words)).0 += 1;
                }
            }
            Err(error) => {
                eprintln!("FAILED {name}: {}", cut(&format!("{error:#}"), LONGEST));
                self.failed.insert(name.to_owned(), error);
            }
        }
    }

    /// Whether every course that began ended well, the API server took nearly all Deployments as they were made, and every
    /// field was reached that had its turn twice.
    #[must_use]
    pub fn is_well(&self) -> bool {
        let refused = u32::try_from(self.refused.len()).unwrap_or(u32::MAX);
        let refused = u64::from(self.mended) + u64::from(refused);
        let few = 100 * refused <= MOST_REFUSED * u64::from(self.asked);
        let all = u32::try_from(self.all.len()).unwrap_or(u32::MAX);
        let reached = self.asked < all.saturating_mul(2) || self.all.is_subset(&self.reached);
        self.failed.is_empty() && 0 < self.templates && few && reached
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (name, error) in self.failed.iter().take(TOLD) {
            writeln!(f, "FAILED {name}: {}", cut(&format!("{error:#}"), LONGEST))?;
        }
        for seed in &self.refused {
            writeln!(f, "could not be mended: {seed}")?;
        }
        let mut refusals: Vec<_> = self.refusals.iter().collect();
        refusals.sort_by_key(|it| std::cmp::Reverse(it.1.0));
        for (field, told) in refusals.iter().take(FIELDS_TOLD) {
            writeln!(f, "refused {} times: {field}: {}", told.0, cut(&told.1, LONGEST_REFUSAL))?;
        }
        write!(
            f,
            "{} templates adopted, changed, promoted ({} courses by a trial), handed back and found unchanged; {} courses \
             failed; of {} Deployments {} were refused by the API server in part, {} altogether",
            self.templates,
            self.trials,
            self.failed.len(),
            self.asked,
            self.mended,
            self.refused.len(),
        )?;
        if self.all.is_empty() {
            return Ok(());
        }
        let missing: Vec<_> = self.all.difference(&self.reached).map(ToString::to_string).collect();
        let reached = self.all.len() - missing.len();
        write!(f, "; {reached} of {} fields reached, not: {}", self.all.len(), missing.join(" "))
    }
}

fn cut(text: &str, longest: usize) -> String {
    text.chars().take(longest).collect()
}

#[cfg(test)]
mod tests {
    use anyhow::anyhow;

    use super::*;

    fn played(mended: u32) -> Played {
        Played { templates: 2, asked: 2, mended, ..Played::default() }
    }

    #[test]
    fn courses_are_well_that_end_so_and_none_is_not() {
        let mut tally = Tally::default();
        assert!(!tally.is_well(), "nothing was played");
        tally.add("one", Ok(played(0)));
        assert!(tally.is_well());
        tally.add("two", Err(anyhow!("its template is another")));
        assert!(!tally.is_well());
        assert!(tally.to_string().contains("FAILED two: its template is another"));
    }

    #[test]
    fn a_field_that_had_its_turn_twice_is_to_be_reached() {
        let field = |name: &str| Field { owner: "PodSpec".into(), name: name.into() };
        let mut tally = Tally::new(["hostname", "os"].map(field).into());
        let of = |name: &str| Played { fields: [field(name)].into(), ..played(0) };
        tally.add("one", Ok(of("os")));
        assert!(tally.is_well(), "it is another one's turn");
        tally.add("two", Ok(of("os")));
        assert!(!tally.is_well());
        tally.add("three", Ok(of("hostname")));
        assert!(tally.is_well());
    }

    #[test]
    fn too_many_refusals_are_a_fault_of_the_generator() {
        let mut tally = Tally::default();
        (0..9).for_each(|_| tally.add("taken", Ok(played(0))));
        tally.add("refused", Ok(played(2)));
        assert!(tally.is_well(), "two of twenty");
        let refused = vec!["t7, seed 7".into()];
        tally.add("refused", Ok(Played { asked: 1, refused, ..Played::default() }));
        assert!(!tally.is_well(), "three of twenty-one");
        assert!(tally.to_string().contains("could not be mended: t7, seed 7"));
    }
}
