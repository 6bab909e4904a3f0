//! Commands, given as annotations of the `CanaryRollout`: read, and answered in status and Events.
//! Pure. Follows none: whether a command changes the plan is for `decide` to say.

pub(crate) mod who;

use std::mem::discriminant;

use kube::ResourceExt;
use kube::api::DynamicObject;
use siskin_api::annotations::{command, target};
use siskin_api::{CanaryRollout, Command, CommandOutcome, CommandRecord};

use siskin_decide::{Effect, Observed, Order, Plan, RolloutId, State};

use crate::commands::who::Giver;

/// Answers that the status keeps; the oldest go first.
const MAX_RECORDS: usize = 20;

/// Characters of a value that the status keeps. Rollout ids are shorter.
const MAX_VALUE: usize = 256;

/// Commands given on the `CanaryRollout` itself; a bypass stands on its target.
const ON_ROLLOUT: [Command; 5] =
    [Command::Abort, Command::Approve, Command::Promote, Command::Retry, Command::Start];

/// One command annotation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Command that the annotation's key names.
    pub command: Command,
    /// Value of the annotation, at most `MAX_VALUE` characters.
    pub value: String,
    /// Order that the value spells; `None` when the value is malformed.
    pub order: Option<Order>,
    /// Who gave it.
    pub giver: Giver,
}

/// An answer that the status does not hold yet. Each is told in one Event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Answer as the status keeps it.
    pub record: CommandRecord,
    /// Text of the Event.
    pub note: String,
}

/// Every command annotation on the `CanaryRollout`, and a bypass on its target that gives no reason.
#[must_use]
pub fn asked(rollout: &CanaryRollout, target: Option<&DynamicObject>) -> Vec<Asked> {
    let found = ON_ROLLOUT.into_iter().filter_map(|command| {
        let value = rollout.annotations().get(annotation(command))?;
        let value: String = value.chars().take(MAX_VALUE).collect();
        let order = parse(command, &value);
        let giver = Giver::of(&rollout.metadata, annotation(command));
        Some(Asked { command, value, order, giver })
    });
    found.chain(target.and_then(bypass_without_reason)).collect()
}

/// A bypass without a reason is answered like a malformed command; one with a reason is no command.
fn bypass_without_reason(target: &DynamicObject) -> Option<Asked> {
    let value = target.annotations().get(target::BYPASS)?.trim();
    let giver = Giver::of(&target.metadata, target::BYPASS);
    let asked = Asked { command: Command::Bypass, value: value.to_owned(), order: None, giver };
    value.is_empty().then_some(asked)
}

/// A bypass is no order: `decide` finds its reason on the target.
fn parse(command: Command, value: &str) -> Option<Order> {
    match command {
        Command::Abort => value.parse().ok().map(Order::Abort),
        Command::Approve => Order::parse_approve(value),
        Command::Promote => Order::parse_promote(value),
        Command::Retry => value.parse().ok().map(Order::Retry),
        Command::Start => value.parse().ok().map(Order::Start),
        Command::Bypass => None,
    }
}

/// Answers to commands that have none in the status yet, given what was decided.
pub(crate) fn answers(
    asked: &[Asked],
    seen: &Observed,
    plan: &Plan,
    given: &[CommandRecord],
) -> Vec<Answer> {
    let is_answered = |it: &&Asked| {
        given.iter().any(|record| record.command == it.command && record.value == it.value)
    };
    let unanswered: Vec<_> = asked.iter().filter(|it| !is_answered(it)).collect();
    // Of two that are new, either may be the one that was stamped.
    let certain = unanswered.len() == 1;
    unanswered.into_iter().filter_map(|it| answer(it, certain, seen, plan)).collect()
}

/// The records kept: those whose annotation is still there, then the new ones.
pub(crate) fn keep(asked: &[Asked], given: &[CommandRecord], new: &[Answer]) -> Vec<CommandRecord> {
    let still = given.iter().filter(|record| {
        asked.iter().any(|it| it.command == record.command && it.value == record.value)
    });
    let mut records: Vec<_> =
        still.cloned().chain(new.iter().map(|it| it.record.clone())).collect();
    let surplus = records.len().saturating_sub(MAX_RECORDS);
    records.drain(..surplus);
    records
}

fn answer(asked: &Asked, certain: bool, seen: &Observed, plan: &Plan) -> Option<Answer> {
    let name = annotation(asked.command);
    let value = &asked.value;
    let by = asked.giver.words(certain);
    let given = by.as_ref().map(|it| format!(", given by {it}")).unwrap_or_default();
    let record = |outcome| CommandRecord {
        command: asked.command,
        value: value.clone(),
        outcome,
        by: by.clone(),
        at: asked.giver.at.clone(),
    };
    let Some(order) = asked.order else {
        let note = format!(
            "{name}: {value:?}{given} is not understood and changes nothing; expected {}",
            expected(asked.command)
        );
        return Some(Answer { record: record(CommandOutcome::Malformed), note });
    };
    match state_of(order, seen, plan) {
        CommandState::Followed => {
            let note = format!("{name}: {value}{given} was followed");
            Some(Answer { record: record(CommandOutcome::Consumed), note })
        }
        CommandState::Waits => None,
        CommandState::Stale => {
            let note = format!(
                "{name}: {value}{given} is of another attempt or step and changes nothing; remove the annotation"
            );
            Some(Answer { record: record(CommandOutcome::Stale), note })
        }
    }
}

/// What became of a well-formed command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum CommandState {
    /// The plan does what it asks for.
    Followed,
    /// It may still be followed.
    Waits,
    /// It names an attempt or a step that is over.
    Stale,
}

fn state_of(order: Order, seen: &Observed, plan: &Plan) -> CommandState {
    let (now, next) = (&seen.state, &plan.next);
    let applies = |id: RolloutId, index: Option<usize>| {
        now.rollout() == Some(id) && index.is_none_or(|it| Some(it) == step_index(now))
    };
    let moved = step_index(now) != step_index(next) || discriminant(now) != discriminant(next);
    let waits = matches!(now, State::RollingBack(_));
    let (relevant, followed) = match order {
        Order::Abort(id) => (applies(id, None), matches!(next, State::RollingBack(_))),
        Order::PromoteFull(id) => (applies(id, None), matches!(next, State::Promoting(_))),
        Order::Approve(id, index) | Order::PromoteStep(id, index) => {
            (applies(id, Some(index)), moved)
        }
        // A revision that waits behind a rollback may be named before its attempt is counted.
        Order::Start(id) => (applies(id, None) || waits && is_next_attempt(id, seen), moved),
        Order::Retry(id) => {
            let marked =
                seen.frozen.iter().any(|it| it.rejection.is_some_and(|it| it.rollout == id));
            let lifted = Effect::ClearRejection { revision: id.revision, excused: None };
            (marked, plan.effects.contains(&lifted))
        }
    };
    match (relevant, followed) {
        (true, true) => CommandState::Followed,
        (true, false) => CommandState::Waits,
        (false, _) if is_to_come(order, seen) => CommandState::Waits,
        (false, _) => CommandState::Stale,
    }
}

/// Whether an order names an attempt or a step that is still to come. Such an order is heard when
/// its time comes, so it is not stale.
fn is_to_come(order: Order, seen: &Observed) -> bool {
    let step = match order {
        Order::Approve(_, index) | Order::PromoteStep(_, index) => Some(index),
        Order::Abort(_) | Order::PromoteFull(_) | Order::Retry(_) | Order::Start(_) => None,
    };
    let on_trial = seen.state.rollout() == Some(order.rollout());
    let later = on_trial && matches!(seen.state, State::Trial(_)) && step_index(&seen.state) < step;
    let known = step.is_none_or(|it| it < seen.strategy.steps.len());
    (later && known) || is_next_attempt(order.rollout(), seen)
}

/// Whether an attempt would be the next to be counted.
fn is_next_attempt(id: RolloutId, seen: &Observed) -> bool {
    id.attempt == seen.primary.as_ref().map_or(0, |it| it.facts.attempts) + 1
}

fn step_index(state: &State) -> Option<usize> {
    state.step().map(|it| it.index)
}

/// Key of the annotation that gives a command.
fn annotation(command: Command) -> &'static str {
    match command {
        Command::Abort => command::ABORT,
        Command::Approve => command::APPROVE,
        Command::Promote => command::PROMOTE,
        Command::Retry => command::RETRY,
        Command::Start => command::START,
        Command::Bypass => target::BYPASS,
    }
}

/// Form of a command's value, as people are told.
fn expected(command: Command) -> &'static str {
    match command {
        Command::Abort | Command::Retry | Command::Start => "<rolloutId>",
        Command::Approve => "<rolloutId>/<step>, steps counted from 1",
        Command::Promote => "<rolloutId>/<step>, steps counted from 1, or <rolloutId>/full",
        Command::Bypass => "a reason",
    }
}

#[cfg(test)]
mod tests;
