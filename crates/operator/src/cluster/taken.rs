//! What the cluster makes of the children that Siskin writes: policies may change a value of them.
//! Answers by the content of question and answer; what they are made of is not known here.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;

/// Answers that are kept; more than this many are forgotten together, and asked for again.
const MAX_ANSWERS: usize = 4_000;

/// What was asked for, and what is there: digests of both.
pub(crate) type MadeOf = (u64, u64);

/// Answers, by digests of what was asked for and of what is there. Clones share them.
#[derive(Clone, Debug, Default)]
pub struct Taken(Arc<Mutex<HashMap<MadeOf, bool>>>);

impl Taken {
    /// Whether this is what the cluster makes of that; `None` where nobody has asked yet.
    pub(crate) fn answer(&self, question: MadeOf) -> Option<bool> {
        self.0.lock().get(&question).copied()
    }

    /// Keeps an answer: that of a dry run, or of a write.
    pub(crate) fn note(&self, question: MadeOf, answer: bool) {
        let mut answers = self.0.lock();
        if MAX_ANSWERS <= answers.len() {
            answers.clear();
        }
        answers.insert(question, answer);
    }
}
