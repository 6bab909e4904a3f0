//! The one transfer primitive: the next spec counts on the way of units from one role to another,
//! within I1 (never below `min_ready` ready by a write of ours) and I3 (never above the ceiling).

/// One side of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Side {
    /// `spec.replicas` now.
    pub(crate) spec: u32,
    /// Pods that are Ready: consumers, available or not.
    pub(crate) ready: u32,
    /// Available pods that count as healthy; of a Deployment that rolls, those that its own
    /// controller has to keep.
    pub(crate) available: u32,
    /// Pods on their way out: still members of the group.
    pub(crate) terminating: u32,
    /// `spec.replicas` at the end.
    pub(crate) goal: u32,
    /// Whether its own controller replaces pods: which of them a smaller count takes is not known.
    pub(crate) rolls: bool,
}

/// Available and Ready pods that a move may take.
#[derive(Clone, Copy)]
struct Spare {
    available: u32,
    ready: u32,
}

/// Bounds of every single move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Limits {
    /// Available pods of both sides together that are wanted: N, or what is left of it. Nobody
    /// gives up more than that without need.
    pub(crate) wanted: u32,
    /// Available pods of both sides together are not brought below this.
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
/// after each change it ends at both goals if pods become available.
///
/// Shrinks first: pods that are not Ready cost nothing, of the others goes what is above `wanted`,
/// and below it only as many, down to `min_ready`, as the growing side would find no room for under
/// the ceiling. A pod that is Ready and not available yet is a consumer, and no rest for another:
/// both are counted. Then grows into the room that is left.
pub(crate) fn transfer(from: Side, to: Side, limits: Limits) -> Moved {
    let (from, to) = shrink(from, to, limits.wanted, u32::MAX);
    let room = limits.ceiling.saturating_sub(from.spec + to.spec);
    let short = (from.missing() + to.missing()).saturating_sub(room);
    let (smaller_from, smaller_to) = shrink(from, to, limits.min_ready, short);

    let members = from.members() + to.members();
    let room = limits.ceiling.saturating_sub(smaller_from.spec + smaller_to.spec);
    let mut room = limits.members.map_or(room, |it| room.min(it.saturating_sub(members)));
    let join_to = smaller_to.grow(&mut room);
    let join_from = smaller_from.grow(&mut room);
    Moved { from: smaller_from.spec + join_from, to: smaller_to.spec + join_to }
}

/// Both sides without what they can spare: at most `most` Ready pods, and none that would leave
/// fewer than `least` of them Ready, or available.
fn shrink(from: Side, to: Side, least: u32, most: u32) -> (Side, Side) {
    let above = |sum: u32| sum.saturating_sub(least).min(most);
    let mut spare = Spare {
        available: above(from.healthy() + to.healthy()),
        ready: above(from.serving() + to.serving()),
    };
    let to = to.shrink(&mut spare);
    (from.shrink(&mut spare), to)
}

impl Limits {
    /// What is left of the bounds beside a third side that does not move.
    pub(crate) fn beside(self, third: Side) -> Self {
        Self {
            wanted: self.wanted.saturating_sub(third.healthy()),
            min_ready: self.min_ready.saturating_sub(third.healthy()),
            ceiling: self.ceiling.saturating_sub(third.spec),
            members: self.members.map(|it| it.saturating_sub(third.members())),
        }
    }
}

impl Side {
    /// Available pods that will still be there: a shrinking Deployment gives up others first.
    pub(crate) const fn healthy(self) -> u32 {
        if self.available < self.spec { self.available } else { self.spec }
    }

    /// Ready pods that will still be there.
    pub(crate) fn serving(self) -> u32 {
        self.ready.min(self.spec).max(self.healthy())
    }

    /// Pods of this side that are members of the group, or will be.
    pub(crate) const fn members(self) -> u32 {
        self.spec + self.terminating
    }

    const fn missing(self) -> u32 {
        self.goal.saturating_sub(self.spec)
    }

    /// This side with fewer pods; those that leave are members until they are gone. A Deployment
    /// takes those first that are not Ready, then those that are not available; one that rolls may
    /// take any.
    fn shrink(self, spare: &mut Spare) -> Self {
        let surplus = self.spec.saturating_sub(self.goal);
        let (healthy, serving) = (self.healthy(), self.serving());
        let unready = if self.rolls { 0 } else { surplus.min(self.spec - serving) };
        let young = |left: u32, spare: u32| left.min(serving - healthy).min(spare);
        let first = if self.rolls { 0 } else { young(surplus - unready, spare.ready) };
        spare.ready -= first;
        let left = surplus - unready - first;
        let taken = left.min(healthy).min(spare.available).min(spare.ready);
        (spare.available, spare.ready) = (spare.available - taken, spare.ready - taken);
        // Of one that rolls: when nothing is left of what it has to keep.
        let both = spare.ready.min(spare.available);
        let last = if self.rolls && taken == healthy { young(left - taken, both) } else { 0 };
        (spare.available, spare.ready) = (spare.available - last, spare.ready - last);
        let is_spent = self.rolls && taken + last == serving;
        let rest = if is_spent { left - taken - last } else { 0 };
        let gone = unready + first + taken + last + rest;
        Self {
            spec: self.spec - gone,
            ready: serving - first - taken - last,
            available: healthy - taken,
            terminating: self.terminating + gone,
            ..self
        }
    }

    fn grow(self, room: &mut u32) -> u32 {
        let missing = self.missing().min(*room);
        *room -= missing;
        missing
    }
}

#[cfg(test)]
mod tests;
