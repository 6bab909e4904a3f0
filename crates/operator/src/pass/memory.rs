//! What this process remembers of its own writes to a rollout: bounds their rate, and fences those
//! of an older leader. Nothing that a decision depends on.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use siskin_decide::{Effect, Plan, State};

use crate::name::Name;
use crate::observe::missing_pods::Obstacle;
use crate::observe::world::World;
use crate::pass::refusals::Refusals;
use crate::pass::repairs::{Postponed, Repairs};
use crate::per_rollout::PerRollout;
use crate::report::refusals::ToldRefusal;

/// The shortest time between two drains of one target.
const DRAIN_AGAIN: Duration = Duration::from_secs(5);

/// The shortest time between two takes of one autoscaler: whatever points it back does so at its own
/// pace.
const TAKE_AGAIN: Duration = Duration::from_secs(5);
/// An autoscaler that was taken again is told of once in this time.
const TAKEN_TOLD_FOR: Duration = Duration::from_secs(3_600);

/// An obstacle is told again after this time: an Event lives for an hour.
const TOLD_FOR: Duration = Duration::from_secs(600);
/// Obstacles that are told within that time: whoever needs more of them looks at the pods.
const MOST_TOLD: usize = 8;
/// A write of an older leader that is still on its way arrives before: the API server ends a request
/// after 60 s.
const LONGEST_REQUEST: Duration = Duration::from_secs(60);

/// What a process remembers between passes. Clones share it.
#[derive(Clone, Default)]
pub struct Memory(PerRollout<OwnWrites>);

#[derive(Default)]
struct OwnWrites {
    /// Whether this leader has taken the rollout over, or found it at rest.
    fenced: bool,
    /// When the target was last drained again.
    drained: Option<Instant>,
    /// When an autoscaler was last pointed at the rollout.
    taken: Option<Instant>,
    /// When that was last told.
    taken_told: Option<Instant>,
    repairs: Repairs,
    /// Obstacles that were told, and when.
    told: HashMap<String, Instant>,
    /// Since when an object could not be stamped.
    unfenced: Option<Instant>,
    refusals: Refusals,
}

impl Memory {
    /// Whether an older leader may still have writes on their way: until every object is stamped,
    /// a conflict halfway included.
    pub(super) fn must_fence(&self, name: &Name, state: &State) -> bool {
        self.0.with(name, |it| {
            it.fenced |= matches!(state, State::Pending | State::AtRest(_));
            !it.fenced
        })
    }

    /// Notes that every object is stamped.
    pub(super) fn fenced(&self, name: &Name) {
        self.0.with(name, |it| it.fenced = true);
    }

    /// Whether stamps that are refused again and again need not be waited for any longer: no write of
    /// an older leader can be under way any more.
    pub(super) fn goes_on_unfenced(&self, name: &Name) -> bool {
        self.0.with(name, |it| {
            it.unfenced.get_or_insert_with(Instant::now).elapsed() >= LONGEST_REQUEST
        })
    }

    #[cfg(test)]
    pub(super) fn remembers(&self, name: &Name) -> bool {
        self.0.knows(name)
    }

    /// Stamps have been refused for as long as a write may be under way.
    #[cfg(test)]
    pub(super) fn refused_for_long(&self, name: &Name) {
        self.0.with(name, |it| it.unfenced = Instant::now().checked_sub(LONGEST_REQUEST));
    }

    /// The refusals of a pass, each with what is known of it from earlier ones.
    pub(super) fn refused(&self, name: &Name, met: Vec<ToldRefusal>) -> Vec<ToldRefusal> {
        self.0.with(name, |it| it.refusals.note(met, Instant::now()))
    }

    /// A refusal of a write beside the plan, with what is known of it.
    pub(super) fn refused_beside(&self, name: &Name, met: ToldRefusal) -> ToldRefusal {
        self.0.with(name, |it| it.refusals.note_beside(met, Instant::now()))
    }

    /// Notes that the status was written.
    pub(super) fn status_stands(&self, name: &Name) {
        self.0.with(name, |it| it.refusals.beside_is_over());
    }

    /// When a refused write is tried again; `None` if none is refused.
    pub(super) fn retry_after(&self, name: &Name) -> Option<Duration> {
        self.0.with(name, |it| it.refusals.wait())
    }

    /// Leaves a drain out that would follow the last one too soon. Something that keeps scaling the
    /// target up is answered at once the first time, then at a bounded rate: two controllers that
    /// fight at full speed would hurt the API server and nobody else.
    ///
    /// An autoscaler that is pointed back again and again is taken at a bounded rate, too.
    pub(super) fn throttle(&self, name: &Name, mut plan: Plan, now: Timestamp) -> Plan {
        let (drained, taken) = self.0.with(name, |it| (it.drained, it.taken));
        let left = |last: Option<Instant>, pause: Duration| pause.checked_sub(last?.elapsed());
        if let Some(left) = left(drained, DRAIN_AGAIN).filter(|_| drains_again(&plan)) {
            plan.effects.retain(|it| !matches!(it, Effect::Drain { .. }));
            plan = plan.wake(now.checked_add(left).ok());
        }
        if let Some(left) = left(taken, TAKE_AGAIN).filter(|_| plan.effects.iter().any(takes)) {
            plan.effects.retain(|it| !takes(it));
            plan = plan.wake(now.checked_add(left).ok());
        }
        plan
    }

    /// Repairs of children that would follow the last ones too soon.
    pub(super) fn postponed(&self, world: &World, plan: &Plan) -> Postponed {
        self.0.with(&world.name, |it| it.repairs.too_soon(world, plan, Instant::now()))
    }

    /// Notes repairs of children that were made.
    pub(super) fn repaired(&self, world: &World, plan: &Plan, made: &[Effect]) {
        self.0.with(&world.name, |it| it.repairs.note(world, plan, made, Instant::now()));
    }

    /// Notes a drain that was made. One that met a conflict, as it will while the target scales up,
    /// is tried again at once: each second more is a second of pods that nobody has judged.
    pub(super) fn carried_out(&self, name: &Name, plan: &Plan) {
        if drains_again(plan) {
            self.0.with(name, |it| it.drained = Some(Instant::now()));
        }
        if plan.effects.iter().any(takes) {
            self.0.with(name, |it| it.taken = Some(Instant::now()));
        }
    }

    /// Whether an autoscaler that was taken with these effects is to be told of: the first time, and
    /// again at a low rate.
    pub(super) fn tells_of_take(&self, name: &Name, made: &[Effect]) -> bool {
        made.iter().any(takes)
            && self.0.with(name, |it| {
                let due = it.taken_told.is_none_or(|it| TAKEN_TOLD_FOR <= it.elapsed());
                if due {
                    it.taken_told = Some(Instant::now());
                }
                due
            })
    }

    /// Those obstacles that were not told lately; they count as told from now on.
    pub(super) fn untold(&self, name: &Name, missing: Vec<Obstacle>) -> Vec<Obstacle> {
        if missing.is_empty() {
            return missing;
        }
        self.0.with(name, |it| {
            it.told.retain(|_, at| at.elapsed() < TOLD_FOR);
            let told = &mut it.told;
            let is_news = |one: &Obstacle| {
                let room = told.len() < MOST_TOLD && !told.contains_key(&one.key);
                if room {
                    told.insert(one.key.clone(), Instant::now());
                }
                room
            };
            missing.into_iter().filter(is_news).collect()
        })
    }

    /// Forgets a rollout that is gone.
    pub(super) fn forget(&self, name: &Name) {
        self.0.forget(name);
    }
}

const fn takes(effect: &Effect) -> bool {
    matches!(effect, Effect::TakeScale { .. })
}

/// Whether it drains a target that was drained before.
fn drains_again(plan: &Plan) -> bool {
    let drains = plan.effects.iter().any(|it| matches!(it, Effect::Drain { .. }));
    drains && !matches!(plan.next, State::Adopting)
}

#[cfg(test)]
mod tests {
    use super::*;
    use siskin_decide::Rest;

    #[test]
    fn a_rollout_is_fenced_until_that_has_succeeded_once() {
        let (memory, name) = (Memory::default(), Name::new("shop", "orders"));
        assert!(memory.must_fence(&name, &State::Adopting));
        assert!(memory.must_fence(&name, &State::Adopting), "the first try met a conflict");
        memory.fenced(&name);
        assert!(!memory.must_fence(&name, &State::Adopting));
    }

    #[test]
    fn a_drain_is_tried_again_at_once_until_one_is_made_and_then_at_a_bounded_rate() {
        let (memory, name) = (Memory::default(), Name::new("shop", "orders"));
        let rest = State::AtRest(Rest::Succeeded);
        let plan = Plan::to(rest, vec![Effect::Drain { noted: 6 }]);
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(memory.throttle(&name, plan.clone(), now), plan);
        assert_eq!(memory.throttle(&name, plan.clone(), now), plan, "the first met a conflict");
        memory.carried_out(&name, &plan);
        let throttled = memory.throttle(&name, plan.clone(), now);
        assert_eq!(throttled.effects, []);
        assert!(throttled.wake.is_some(), "it is looked at again");
    }

    #[test]
    fn an_autoscaler_that_is_pointed_back_is_taken_and_told_of_at_a_bounded_rate() {
        let (memory, name) = (Memory::default(), Name::new("shop", "orders"));
        let scaler = "ScaledObject/orders".parse().expect("a name");
        let plan = Plan::to(State::Adopting, vec![Effect::TakeScale { scaler }]);
        let now = Timestamp::UNIX_EPOCH;
        assert_eq!(memory.throttle(&name, plan.clone(), now), plan);
        memory.carried_out(&name, &plan);
        let throttled = memory.throttle(&name, plan.clone(), now);
        assert_eq!((throttled.effects.len(), throttled.wake.is_some()), (0, true));
        assert!(memory.tells_of_take(&name, &plan.effects));
        assert!(!memory.tells_of_take(&name, &plan.effects), "it was told within the hour");
    }

    #[test]
    fn an_obstacle_is_told_at_once_and_then_at_a_bounded_rate() {
        let (memory, name) = (Memory::default(), Name::new("shop", "orders"));
        let one = Obstacle::keyed;
        assert_eq!(memory.untold(&name, vec![one("check")]).len(), 1);
        assert_eq!(memory.untold(&name, vec![one("check")]), [], "it was told");
        assert_eq!(memory.untold(&name, vec![one("check"), one("agent")]), [one("agent")]);
        let many = (0..20).map(|it| one(&it.to_string())).collect();
        assert_eq!(memory.untold(&name, many).len(), MOST_TOLD - 2);
    }

    #[test]
    fn a_rollout_found_at_rest_needs_no_fence_later() {
        let (memory, name) = (Memory::default(), Name::new("shop", "orders"));
        assert!(!memory.must_fence(&name, &State::AtRest(Rest::Succeeded)));
        assert!(!memory.must_fence(&name, &State::Adopting));
    }
}
