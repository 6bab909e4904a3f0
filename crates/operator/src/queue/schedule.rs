//! Which name is next: each once, one pass per name at a time, what somebody waits for before what
//! is only looked at again. Pure: told the time, starts nothing.

use std::collections::{BTreeSet, HashMap};

use tokio::time::Instant;

use crate::name::Name;
use crate::pass::next_look::Cause;

/// Passes under way at the same time. One waits for the API server most of its time: enough to keep
/// it busy, few enough for a process that looks at a thousand rollouts at once.
const MAX_PASSES: usize = 32;
/// Passes that nobody waits for under way at the same time: a change is never queued behind them.
const MAX_ROUTINE_PASSES: usize = 24;

/// Names to be looked at, and those that are.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    due: HashMap<Name, Due>,
    urgent: BTreeSet<(Instant, Name)>,
    routine: BTreeSet<(Instant, Name)>,
    running: HashMap<Name, Running>,
    /// Passes under way that nobody waits for.
    routine_running: usize,
}

#[derive(Clone, Copy, Debug)]
struct Due {
    at: Instant,
    cause: Cause,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    cause: Cause,
    /// Whether the rollout is gone: what its pass remembers is to be forgotten once more.
    gone: bool,
}

impl Schedule {
    /// Asks for a pass at this time, or earlier if that was asked for before.
    pub(super) fn ask(&mut self, name: Name, at: Instant, cause: Cause) {
        let before = self.unschedule(&name);
        let due = match before {
            Some(it) => Due { at: it.at.min(at), cause: it.cause.graver(cause) },
            None => Due { at, cause },
        };
        // One that runs is asked for again and waits for its end.
        self.due.insert(name.clone(), due);
        if !self.running.contains_key(&name) {
            self.line(due.cause).insert((due.at, name));
        }
    }

    /// The next name whose time has come, if one more pass may run.
    pub(super) fn next(&mut self, now: Instant) -> Option<(Name, Cause)> {
        if MAX_PASSES <= self.running.len() {
            return None;
        }
        let may_be_routine = self.routine_running < MAX_ROUTINE_PASSES;
        let routine = self.routine.first().filter(|_| may_be_routine);
        let lines = [self.urgent.first(), routine];
        let (_, name) = lines.into_iter().flatten().find(|(at, _)| *at <= now)?.clone();
        let Due { cause, .. } = self.unschedule(&name)?;
        self.running.insert(name.clone(), Running { cause, gone: false });
        self.routine_running += usize::from(cause == Cause::Routine);
        Some((name, cause))
    }

    /// When the next name is due, if one more pass may run.
    pub(super) fn next_due(&self) -> Option<Instant> {
        let may_run = self.running.len() < MAX_PASSES;
        let may_be_routine = self.routine_running < MAX_ROUTINE_PASSES;
        let urgent = self.urgent.first().filter(|_| may_run);
        let routine = self.routine.first().filter(|_| may_run && may_be_routine);
        [urgent, routine].into_iter().flatten().map(|(at, _)| *at).min()
    }

    /// Notes that a rollout is gone. Whether what is remembered of it may be forgotten at once: else
    /// [`Schedule::ended`] says so.
    pub(super) fn gone(&mut self, name: &Name) -> bool {
        self.unschedule(name);
        match self.running.get_mut(name) {
            Some(running) => {
                running.gone = true;
                false
            }
            None => true,
        }
    }

    /// Notes that the pass of this name has ended. Whether the rollout is gone since it began.
    pub(super) fn ended(&mut self, name: &Name) -> bool {
        let Some(Running { cause, gone }) = self.running.remove(name) else { return false };
        self.routine_running -= usize::from(cause == Cause::Routine);
        if let Some(due) = self.due.get(name).copied() {
            self.line(due.cause).insert((due.at, name.clone()));
        }
        gone
    }

    fn unschedule(&mut self, name: &Name) -> Option<Due> {
        let due = self.due.remove(name)?;
        self.line(due.cause).remove(&(due.at, name.clone()));
        Some(due)
    }

    fn line(&mut self, cause: Cause) -> &mut BTreeSet<(Instant, Name)> {
        match cause {
            Cause::Change => &mut self.urgent,
            Cause::Routine => &mut self.routine,
        }
    }
}

#[cfg(test)]
mod tests;
