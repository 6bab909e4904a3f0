//! Commands as annotations of the `CanaryRollout`: what they mean, and whether they still do. Pure.
//! Whether one is followed is `decide`'s business; here a value becomes an order or an answer.

use std::mem::discriminant;

use kube::ResourceExt;
use kube::api::DynamicObject;
use siskin_api::annotations::{command, target};
use siskin_api::{CanaryRollout, Command, CommandOutcome, CommandRecord};

use siskin_decide::{Effect, Observed, Order, Plan, RolloutId, State};

/// The status keeps as many answers.
const MAX_RECORDS: usize = 20;

/// Longer values are no rollout ids; the status keeps no more of one.
const MAX_VALUE: usize = 256;

/// One command annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Which.
    pub command: Command,
    /// Its value, cut to what the status keeps.
    pub value: String,
    /// What it means; `None` when it is malformed.
    pub order: Option<Order>,
}

/// An answer that has not been given yet: one Event each.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// For the status.
    pub record: CommandRecord,
    /// For the Event.
    pub note: String,
}

/// Every command annotation on the `CanaryRollout`, and a bypass on its target that gives no reason.
#[must_use]
pub fn asked(rollout: &CanaryRollout, target: Option<&DynamicObject>) -> Vec<Asked> {
    let known = [
        (Command::Abort, command::ABORT),
        (Command::Approve, command::APPROVE),
        (Command::Promote, command::PROMOTE),
        (Command::Retry, command::RETRY),
        (Command::Start, command::START),
    ];
    let found = known.into_iter().filter_map(|(command, key)| {
        let value: String = rollout.annotations().get(key)?.chars().take(MAX_VALUE).collect();
        let order = parse(command, &value);
        Some(Asked { command, value, order })
    });
    found.chain(target.and_then(bypass_without_reason)).collect()
}

/// A bypass is followed for its reason; what has none is answered like any malformed command.
fn bypass_without_reason(target: &DynamicObject) -> Option<Asked> {
    let value = target.annotations().get(target::BYPASS)?.trim();
    let asked = Asked { command: Command::Bypass, value: value.to_owned(), order: None };
    value.is_empty().then_some(asked)
}

/// A bypass is no order: `decide` finds its reason on the target.
fn parse(command: Command, value: &str) -> Option<Order> {
    match command {
        Command::Abort => Order::parse_abort(value),
        Command::Approve => Order::parse_approve(value),
        Command::Promote => Order::parse_promote(value),
        Command::Retry => Order::parse_retry(value),
        Command::Start => Order::parse_start(value),
        Command::Bypass => None,
    }
}

/// Answers to commands that have none in the status yet, given what was decided.
#[must_use]
pub fn answers(
    asked: &[Asked],
    seen: &Observed,
    plan: &Plan,
    given: &[CommandRecord],
) -> Vec<Answer> {
    let unanswered = asked.iter().filter(|it| {
        !given.iter().any(|record| record.command == it.command && record.value == it.value)
    });
    unanswered.filter_map(|it| answer(it, seen, plan)).collect()
}

/// The records kept: those whose annotation is still there, then the new ones.
#[must_use]
pub fn keep(asked: &[Asked], given: &[CommandRecord], new: &[Answer]) -> Vec<CommandRecord> {
    let still = given.iter().filter(|record| {
        asked.iter().any(|it| it.command == record.command && it.value == record.value)
    });
    let mut records: Vec<_> =
        still.cloned().chain(new.iter().map(|it| it.record.clone())).collect();
    let surplus = records.len().saturating_sub(MAX_RECORDS);
    records.drain(..surplus);
    records
}

fn answer(asked: &Asked, seen: &Observed, plan: &Plan) -> Option<Answer> {
    let name: &str = command_name(asked.command);
    let value = &asked.value;
    let record = |outcome| CommandRecord { command: asked.command, value: value.clone(), outcome };
    let Some(order) = asked.order else {
        let note = format!(
            "{name}: {value:?} is not understood and changes nothing; expected {}",
            expected(asked.command)
        );
        return Some(Answer { record: record(CommandOutcome::Malformed), note });
    };
    match state_of(order, seen, plan) {
        CommandState::Followed => {
            let note = format!("{name}: {value} was followed");
            Some(Answer { record: record(CommandOutcome::Consumed), note })
        }
        CommandState::Waits => None,
        CommandState::Stale => {
            let note = format!(
                "{name}: {value} is of another attempt or step and changes nothing; remove the annotation"
            );
            Some(Answer { record: record(CommandOutcome::Stale), note })
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CommandState {
    Followed,
    Waits,
    Stale,
}

fn state_of(order: Order, seen: &Observed, plan: &Plan) -> CommandState {
    let (now, next) = (&seen.state, &plan.next);
    let applies = |id: RolloutId, index: Option<usize>| {
        now.rollout() == Some(id) && index.is_none_or(|it| Some(it) == step_index(now))
    };
    let moved = step_index(now) != step_index(next) || discriminant(now) != discriminant(next);
    let (relevant, followed) = match order {
        Order::Abort(id) => (applies(id, None), matches!(next, State::RollingBack(_))),
        Order::PromoteFull(id) => (applies(id, None), matches!(next, State::Promoting(_))),
        Order::Approve(id, index) | Order::PromoteStep(id, index) => {
            (applies(id, Some(index)), moved)
        }
        Order::Start(id) => (applies(id, None) || could_start(id, seen), moved),
        Order::Retry(id) => {
            let marked =
                seen.frozen.iter().any(|it| it.rejection.is_some_and(|it| it.rollout == id));
            (marked, plan.effects.contains(&Effect::ClearRejection { revision: id.revision }))
        }
    };
    match (relevant, followed) {
        (true, true) => CommandState::Followed,
        (true, false) => CommandState::Waits,
        (false, _) if is_to_come(order, seen) => CommandState::Waits,
        (false, _) => CommandState::Stale,
    }
}

/// Whether it names an attempt or a step that is still to come: it is heard there, so saying now
/// that it changes nothing would be wrong.
fn is_to_come(order: Order, seen: &Observed) -> bool {
    let attempts = seen.primary.as_ref().map_or(0, |it| it.facts.attempts);
    let step = match order {
        Order::Approve(_, index) | Order::PromoteStep(_, index) => Some(index),
        Order::Abort(_) | Order::PromoteFull(_) | Order::Retry(_) | Order::Start(_) => None,
    };
    let on_trial = seen.state.rollout() == Some(order.rollout());
    let later = on_trial && matches!(seen.state, State::Trial(_)) && step_index(&seen.state) < step;
    let known = step.is_none_or(|it| it < seen.strategy.steps.len());
    (later && known) || order.rollout().attempt == attempts + 1
}

/// A revision that waits behind a rollback may be named before its attempt is counted.
fn could_start(id: RolloutId, seen: &Observed) -> bool {
    let attempts = seen.primary.as_ref().map_or(0, |it| it.facts.attempts);
    matches!(seen.state, State::RollingBack(_)) && id.attempt == attempts + 1
}

fn step_index(state: &State) -> Option<usize> {
    state.step().map(|it| it.index)
}

fn command_name(command: Command) -> &'static str {
    match command {
        Command::Abort => command::ABORT,
        Command::Approve => command::APPROVE,
        Command::Promote => command::PROMOTE,
        Command::Retry => command::RETRY,
        Command::Start => command::START,
        Command::Bypass => target::BYPASS,
    }
}

fn expected(command: Command) -> &'static str {
    match command {
        Command::Abort | Command::Retry | Command::Start => "<rolloutId>",
        Command::Approve => "<rolloutId>/<step>, steps counted from 1",
        Command::Promote => "<rolloutId>/<step>, steps counted from 1, or <rolloutId>/full",
        Command::Bypass => "a reason",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use siskin_decide::testing::{
        Change, EARLIER, ID, NEXT, NOW, ask, at_rest, order, progressing, reject, with,
    };
    use siskin_decide::{Cause, decide};

    #[test]
    fn what_names_a_later_step_or_attempt_waits_for_it() {
        let seen = progressing();
        let stands = |order| state_of(order, &seen, &Plan::to(seen.state, vec![]));
        assert_eq!(stands(Order::Approve(ID, 1)), CommandState::Waits, "the next step");
        assert_eq!(stands(Order::PromoteStep(ID, 1)), CommandState::Waits);
        assert_eq!(stands(Order::Approve(ID, 2)), CommandState::Stale, "there is none");
        assert_eq!(stands(Order::Abort(EARLIER)), CommandState::Stale);
        let seen = at_rest();
        let stands = |order| state_of(order, &seen, &Plan::to(seen.state, vec![]));
        assert_eq!(stands(Order::Start(ID)), CommandState::Waits, "the next attempt");
        assert_eq!(stands(Order::Approve(EARLIER, 0)), CommandState::Stale);
    }

    #[test]
    fn a_bypass_without_a_reason_is_answered_once_and_one_with_a_reason_is_no_command() {
        let with_bypass = |reason: &str| {
            let kind = kube::api::ApiResource::erase::<k8s_openapi::api::apps::v1::Deployment>(&());
            let mut it = DynamicObject::new("orders", &kind);
            it.annotations_mut().insert(target::BYPASS.into(), reason.into());
            bypass_without_reason(&it)
        };
        assert_eq!(with_bypass("a hotfix"), None);
        let (empty, seen) = (Vec::from_iter(with_bypass(" ")), at_rest());
        let plan = decide(&seen, NOW);
        let first = answers(&empty, &seen, &plan, &[]);
        assert!(first[0].note.contains("expected a reason"), "{}", first[0].note);
        let given = keep(&empty, &[], &first);
        assert_eq!(answers(&empty, &seen, &plan, &given), [], "one Event");
    }

    #[test]
    fn a_retry_is_followed_when_the_mark_is_lifted_and_waits_until_then() {
        let seen = with(at_rest(), &[|it| reject(it, NEXT, Cause::Aborted, ID)]);
        let stands = |seen: &Observed| state_of(Order::Retry(ID), seen, &decide(seen, NOW));
        assert_eq!(stands(&seen), CommandState::Waits, "X has something else");
        let retried: [Change; 2] = [|it| ask(it, NEXT), |it| order(it, Order::Retry(ID))];
        let seen = with(seen, &retried);
        assert_eq!(stands(&seen), CommandState::Followed);
        assert_eq!(stands(&with(seen, &[|it| it.suspended = true])), CommandState::Waits);
        let seen = progressing();
        let plan = decide(&seen, NOW);
        assert_eq!(state_of(Order::Retry(ID), &seen, &plan), CommandState::Stale, "not marked");
    }

    #[test]
    fn an_answer_is_kept_as_long_as_its_annotation() {
        let asked = [Asked { command: Command::Abort, value: "x".into(), order: None }];
        let record = |value: &str| CommandRecord {
            command: Command::Abort,
            value: value.into(),
            outcome: CommandOutcome::Malformed,
        };
        assert_eq!(keep(&asked, &[record("old"), record("x")], &[]), [record("x")]);
    }
}
