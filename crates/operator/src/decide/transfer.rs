//! The one transfer primitive: the next spec counts on the way of units from one role to another,
//! within I1 (never below `min_ready` ready by a write of ours) and I3 (never above the ceiling).

/// One side of a transfer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Side {
    /// `spec.replicas` now.
    pub spec: u32,
    /// Ready pods that count as healthy.
    pub ready: u32,
    /// Pods on their way out: still members of the group.
    pub terminating: u32,
    /// `spec.replicas` at the end.
    pub goal: u32,
}

/// Bounds of every single move.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Ready pods of both sides together are not brought below this.
    pub min_ready: u32,
    /// Spec counts of both sides together are not brought above this.
    pub ceiling: u32,
    /// Members of the group, terminating ones included, are not brought above this.
    pub members: Option<u32>,
}

/// Next spec counts of `(from, to)`. Absolute: asked again with the same input it answers the same,
/// and asked again after each change it ends at both goals if pods become ready.
///
/// Shrinks first: pods that are not ready cost nothing, ready ones only what is above `min_ready`.
/// Then grows into the room that is left.
#[must_use]
pub fn transfer(from: Side, to: Side, limits: Limits) -> (u32, u32) {
    let ready = from.healthy() + to.healthy();
    let mut spare = ready.saturating_sub(limits.min_ready);
    let leave_to = to.shrink(&mut spare);
    let leave_from = from.shrink(&mut spare);
    let (to_spec, from_spec) = (to.spec - leave_to, from.spec - leave_from);

    let members = from.spec + to.spec + from.terminating + to.terminating;
    let room = limits.ceiling.saturating_sub(to_spec + from_spec);
    let mut room = limits.members.map_or(room, |it| room.min(it.saturating_sub(members)));
    let join_to = Side { spec: to_spec, ..to }.grow(&mut room);
    let join_from = Side { spec: from_spec, ..from }.grow(&mut room);
    (from_spec + join_from, to_spec + join_to)
}

impl Side {
    /// Ready pods that will still be there: a shrinking Deployment gives up unready ones first.
    const fn healthy(self) -> u32 {
        if self.ready < self.spec { self.ready } else { self.spec }
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
mod tests {
    use super::*;

    const fn side(spec: u32, ready: u32, goal: u32) -> Side {
        Side { spec, ready, terminating: 0, goal }
    }
    const SURGE: Limits = Limits { min_ready: 6, ceiling: 7, members: None };

    #[test]
    fn surge_first_adds_a_unit_before_it_takes_one() {
        assert_eq!(transfer(side(6, 6, 5), side(0, 0, 1), SURGE), (6, 1));
        assert_eq!(transfer(side(6, 6, 5), side(1, 0, 1), SURGE), (6, 1), "waits for ready");
        assert_eq!(transfer(side(6, 6, 5), side(1, 1, 1), SURGE), (5, 1));
    }

    #[test]
    fn drain_first_takes_a_unit_and_waits_until_it_has_left_the_group() {
        let limits = Limits { min_ready: 5, ceiling: 6, members: Some(6) };
        assert_eq!(transfer(side(6, 6, 5), side(0, 0, 1), limits), (5, 0));
        let leaving = Side { terminating: 1, ..side(5, 5, 5) };
        assert_eq!(transfer(leaving, side(0, 0, 1), limits), (5, 0));
        assert_eq!(transfer(side(5, 5, 5), side(0, 0, 1), limits), (5, 1));
    }

    #[test]
    fn a_broken_side_is_given_up_at_once() {
        assert_eq!(transfer(side(3, 0, 0), side(3, 3, 6), SURGE), (0, 6));
    }

    #[test]
    fn the_only_pod_is_replaced_by_surge() {
        let one = Limits { min_ready: 1, ceiling: 2, members: None };
        assert_eq!(transfer(side(1, 1, 0), side(0, 0, 1), one), (1, 1));
        assert_eq!(transfer(side(1, 1, 0), side(1, 1, 1), one), (0, 1));
    }

    #[test]
    fn every_transfer_of_healthy_pods_ends_at_its_goals_within_the_limits() {
        for total in 1..12_u32 {
            for moved in 0..=total {
                for (surge, slack) in [(1, 0), (0, 1), (1, 2)] {
                    let limits = Limits {
                        min_ready: total.saturating_sub(slack),
                        ceiling: total + surge,
                        members: None,
                    };
                    let (mut from, mut to) = (side(total, total, total - moved), side(0, 0, moved));
                    for _ in 0..=2 * total {
                        let (a, b) = transfer(from, to, limits);
                        assert!(a + b <= limits.ceiling);
                        assert!(limits.min_ready <= a.min(from.ready) + b.min(to.ready));
                        (from, to) = (side(a, a, from.goal), side(b, b, to.goal));
                    }
                    assert_eq!((from.spec, to.spec), (total - moved, moved));
                }
            }
        }
    }
}
