//! What one round of a pass read, weighed, decided and made of it: all that is reported.
//! References only; computes nothing.

use jiff::Timestamp;
use siskin_decide::Plan;

use crate::apply::effects::Applied;
use crate::commands::Answer;
use crate::evidence::view::EvidenceView;
use crate::observe::missing_pods::Obstacle;
use crate::observe::world::World;
use crate::report::refusals::ToldRefusal;

/// One round of a pass.
#[derive(Clone, Copy, Debug)]
pub struct Round<'a> {
    pub(crate) world: &'a World,
    pub(crate) evidence: &'a EvidenceView,
    pub(crate) plan: &'a Plan,
    pub(crate) applied: &'a Applied,
    pub(crate) answers: &'a [Answer],
    /// What stands in the way, as far as it was not told lately.
    pub(crate) untold: &'a [Obstacle],
    /// Whether an autoscaler that was taken over is told of.
    pub(crate) tells_of_take: bool,
    /// Writes that the API server would not make, the first of them first.
    pub(crate) refusals: &'a [ToldRefusal],
    pub(crate) now: Timestamp,
}
