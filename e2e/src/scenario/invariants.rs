//! The invariants of `docs/architecture.md`, judged from outside over what happened in a scenario.
//! Pure, and blind to the operator's code: a rule that the operator shared could not catch it.

mod counts;
mod creation;
mod moment;
mod phases;
mod promotions;
mod rejected;
mod templates;
#[cfg(test)]
mod tests;

use std::fmt::{self, Display, Formatter};
use std::time::Duration;

use super::history::{Entry, State};
use moment::{Moment, Past};

/// Something that must never happen, and did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// Which invariant.
    pub rule: Rule,
    /// The cluster's revision at which it was broken.
    pub revision: u64,
    /// When that was seen, since the scenario began.
    pub at: Duration,
    /// What happened, with the numbers.
    pub text: String,
}

/// The invariants of `docs/architecture.md`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// No write of Siskin's brings ready consumers below N − maxUnavailable.
    I1Available,
    /// The canary's count never exceeds the step's.
    I2CanaryCount,
    /// The counts together never exceed min(N + surge, maxConsumers).
    I3Ceiling,
    /// The target's template is never written.
    I4Template,
    /// A rejected revision has no pods a minute later.
    I5Rejected,
    /// Each object once, again only as a repair.
    I6Creation,
    /// Phases move along declared edges only.
    I7Phases,
    /// Nothing is promoted on missing data.
    I8Promotion,
}

/// Everything that broke an invariant, in the order of the history.
pub fn violations(history: &[Entry]) -> Vec<Violation> {
    let mut sorted: Vec<_> = history.iter().collect();
    sorted.sort_by_key(|it| it.revision);
    let (mut state, mut past, mut found) = (State::default(), Past::of(&sorted), Vec::new());
    for entry in sorted {
        let before = state.clone();
        state.apply(entry);
        past.note(&before, entry, &state);
        let moment = Moment { before: &before, entry, after: &state, past: &past };
        for (rule, check) in RULES {
            let Some(text) = check(&moment) else { continue };
            // What stays wrong is told once.
            if !found.iter().any(|it: &Violation| it.rule == rule && it.text == text) {
                let (revision, at) = (entry.revision, entry.at);
                found.push(Violation { rule, revision, at, text });
            }
        }
    }
    found
}

/// What a rule says to one moment: nothing, if all is well.
type Check = fn(&Moment<'_>) -> Option<String>;

const RULES: [(Rule, Check); 9] = [
    (Rule::I1Available, counts::available),
    (Rule::I1Available, counts::one_after_the_other),
    (Rule::I2CanaryCount, counts::canary),
    (Rule::I3Ceiling, counts::ceiling),
    (Rule::I4Template, templates::untouched),
    (Rule::I5Rejected, rejected::gone),
    (Rule::I6Creation, creation::once),
    (Rule::I7Phases, phases::declared),
    (Rule::I8Promotion, promotions::on_evidence),
];

impl Display for Violation {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { rule, revision, at, text } = self;
        write!(f, "{rule:?} at {:.2} s, revision {revision}: {text}", at.as_secs_f64())
    }
}
