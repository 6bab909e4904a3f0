//! The one transfer primitive: the next spec counts on the way of units from one role to another,
//! within I1 (never below `min_ready` ready by a write of ours) and I3 (never above the ceiling).

/// One side of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Side {
    /// `spec.replicas` now.
    pub(crate) spec: u32,
    /// Available pods that count as healthy.
    pub(crate) available: u32,
    /// Pods on their way out: still members of the group.
    pub(crate) terminating: u32,
    /// `spec.replicas` at the end.
    pub(crate) goal: u32,
}

/// Bounds of every single move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Ready pods of both sides together are not brought below this.
    pub(crate) min_ready: u32,
    /// Spec counts of both sides together are not brought above this.
    pub(crate) ceiling: u32,
    /// Members of the group, terminating ones included, are not brought above this.
    pub(crate) members: Option<u32>,
}

/// `spec.replicas` of both sides after one move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Moved {
    pub(crate) from: u32,
    pub(crate) to: u32,
}

/// The next move. Absolute: asked again with the same input it answers the same, and asked again
/// after each change it ends at both goals if pods become ready.
///
/// Shrinks first: pods that are not ready cost nothing, ready ones only what is above `min_ready`.
/// Then grows into the room that is left.
pub(crate) fn transfer(from: Side, to: Side, limits: Limits) -> Moved {
    let ready = from.healthy() + to.healthy();
    let mut spare = ready.saturating_sub(limits.min_ready);
    let leave_to = to.shrink(&mut spare);
    let leave_from = from.shrink(&mut spare);
    let (to_spec, from_spec) = (to.spec - leave_to, from.spec - leave_from);

    let members = from.members() + to.members();
    let room = limits.ceiling.saturating_sub(to_spec + from_spec);
    let mut room = limits.members.map_or(room, |it| room.min(it.saturating_sub(members)));
    let join_to = Side { spec: to_spec, ..to }.grow(&mut room);
    let join_from = Side { spec: from_spec, ..from }.grow(&mut room);
    Moved { from: from_spec + join_from, to: to_spec + join_to }
}

impl Limits {
    /// What is left of the bounds beside a third side that does not move.
    pub(crate) fn beside(self, third: Side) -> Self {
        Self {
            min_ready: self.min_ready.saturating_sub(third.healthy()),
            ceiling: self.ceiling.saturating_sub(third.spec),
            members: self.members.map(|it| it.saturating_sub(third.members())),
        }
    }
}

impl Side {
    /// Ready pods that will still be there: a shrinking Deployment gives up unready ones first.
    const fn healthy(self) -> u32 {
        if self.available < self.spec { self.available } else { self.spec }
    }

    const fn members(self) -> u32 {
        self.spec + self.terminating
    }

    fn shrink(self, spare: &mut u32) -> u32 {
        let surplus = self.spec.saturating_sub(self.goal);
        let unready = surplus.min(self.spec - self.healthy());
        let ready = (surplus - unready).min(*spare);
        *spare -= ready;
        unready + ready
    }

    fn grow(self, room: &mut u32) -> u32 {
        let missing = self.goal.saturating_sub(self.spec).min(*room);
        *room -= missing;
        missing
    }
}

#[cfg(test)]
mod tests;
