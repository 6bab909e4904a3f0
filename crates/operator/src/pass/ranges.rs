//! The object with the replay ranges, written before anything follows from a plan: what the group had
//! committed before a canary came must not depend on this process.

use jiff::Timestamp;
use siskin_decide::{Effect, Plan};

use crate::apply::writer::ApplyFailed;
use crate::evidence::replay_ranges::ReplayView;
use crate::evidence::view::EvidenceView;
use crate::observe::world::World;
use crate::pass::Passes;

impl Passes {
    /// Asks for a sample where the plan moves a canary, and writes its ranges where they are due. A
    /// write that is refused holds nothing up: the status says so.
    pub(super) async fn keep_ranges(
        &self,
        world: &World,
        evidence: &EvidenceView,
        plan: &Plan,
        now: Timestamp,
    ) -> Result<(), ApplyFailed> {
        let moves = plan.effects.iter().any(|it| matches!(it, Effect::Canary { .. }));
        let leaves = evidence.replay.as_ref().is_some_and(ReplayView::awaits_last_sample);
        if moves || leaves {
            self.evidence.hasten(world);
        }
        let Some(replay) = &evidence.replay else { return Ok(()) };
        let Some(id) = world.state.attempt_with_canary() else { return Ok(()) };
        let ended = plan.next.rollout().is_none();
        let Some(object) = replay.object(world, id, ended) else { return Ok(()) };
        let mut tried = object.written;
        if let Err(error) = self.writer.write_ranges(world, &object.config_map).await {
            if error.ends_the_pass() {
                return Err(error);
            }
            tracing::warn!(rollout = %world.name, error = error.told(), "replay ranges are not kept");
            tried.failed = Some(error.told());
        }
        self.evidence.note_written(world, tried, now);
        Ok(())
    }
}
