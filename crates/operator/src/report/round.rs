//! What one round of a pass read, weighed, decided and made of it: all that is reported.
//! References only; computes nothing.

use jiff::Timestamp;
use siskin_decide::Plan;

use crate::apply::effects::Applied;
use crate::commands::Answer;
use crate::evidence::view::EvidenceView;
use crate::observe::world::World;

/// One round of a pass.
#[derive(Clone, Copy, Debug)]
pub struct Round<'a> {
    /// What was read.
    pub world: &'a World,
    /// What the evidence says.
    pub evidence: &'a EvidenceView,
    /// What was decided.
    pub plan: &'a Plan,
    /// What became of it.
    pub applied: &'a Applied,
    /// Answers to commands.
    pub answers: &'a [Answer],
    /// When.
    pub now: Timestamp,
}
