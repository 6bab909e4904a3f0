//! All scenarios of the benchmark, in sets, in the order of the tables.
//! Only lists; what a scenario is, and what its parts stand for, `scenario` says.

pub mod faults;
pub mod hard;
pub mod plans;
pub mod usual;

use crate::scenario::Scenario;
use crate::set::Set;

/// The scenarios of a set that are one trial each.
pub fn trials(set: Set) -> Vec<Scenario> {
    match set {
        Set::Usual => usual::scenarios(),
        Set::Hard => hard::scenarios(),
        Set::Faults => faults::scenarios(),
        Set::Plans => Vec::new(),
    }
}
