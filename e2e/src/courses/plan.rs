//! Which courses are played, and how many at the same time.
//! Plays none.

/// Which templates, and how.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Courses; each has two templates.
    pub courses: u64,
    /// The templates of a course follow from this and its number.
    pub seed: u64,
    /// Courses under way at the same time.
    pub at_once: usize,
}

/// Where the Deployments of a suite come from.
#[derive(Clone, Copy, Debug)]
pub enum Deployments {
    /// They are generated.
    Generated(Plan),
    /// They were written by hand, in the shapes that people write.
    Written,
}

/// One course in so many is promoted by a trial whose pods are members of a group; the others by a person's word.
const TRIALS: u64 = 50;

/// The first of them: a sample has one.
const FIRST_TRIAL: u64 = 10;

impl Plan {
    /// Whether the course of this number is promoted by a trial.
    pub(super) fn is_tried(number: u64) -> bool {
        number % TRIALS == FIRST_TRIAL
    }
}
