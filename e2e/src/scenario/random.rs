//! What is left to chance: the names of scenarios, and the moments at which operators are killed.
//! Nothing here is secret, and nothing is reproducible: the cluster's own timing is not, either.

use std::hash::{BuildHasher, RandomState};

/// Room for the random part, and for what is made of the name, within the 63 characters of a label.
const LONGEST: usize = 40;

/// A namespace for the test of this thread: libtest names its threads after the tests.
pub(super) fn namespace() -> String {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("scenario");
    let test = test.rsplit("::").next().unwrap_or(test);
    format!("{}-{:04x}", label(test), random(1 << 16))
}

/// A number below `bound`. Keys of hash maps are random, which is randomness enough here.
pub(super) fn random(bound: u64) -> u64 {
    RandomState::new().hash_one(()) % bound
}

fn label(text: &str) -> String {
    let text: String = text.chars().take(LONGEST).map(letter).collect();
    text.trim_matches('-').to_owned()
}

fn letter(letter: char) -> char {
    if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '-' }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_test_becomes_a_label() {
        assert_eq!(label("_A_good::version_"), "a-good--version");
        assert!(label(&"x".repeat(100)).len() <= LONGEST);
    }

    #[test]
    fn two_scenarios_of_one_name_differ() {
        let mut names: Vec<_> = (0..8).map(|_| namespace()).collect();
        names.dedup();
        assert!(1 < names.len(), "{names:?}");
    }
}
