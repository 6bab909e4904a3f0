//! Which name is next: each once, one pass per name at a time, what somebody waits for before what
//! is only looked at again. Pure: told the time, starts nothing.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use tokio::time::Instant;

use crate::name::Name;
use crate::pass::next_look::Cause;

/// Passes under way at the same time. One waits for the API server most of its time: enough to keep
/// it busy, few enough for a process that looks at a thousand rollouts at once.
const MAX_PASSES: usize = 32;
/// Passes that nobody waits for under way at the same time: a change is never queued behind them.
const MAX_ROUTINE_PASSES: usize = 24;

/// Passes of one namespace under way at the same time that somebody waits for: its webhook may hold each
/// of them for half a minute a write, and a rollback elsewhere must not wait for a place.
const MAX_PASSES_OF_ONE: usize = 8;
/// Passes of one namespace under way at the same time that nobody waits for: most only read.
const MAX_ROUTINE_PASSES_OF_ONE: usize = 16;

/// Names to be looked at, and those that are.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    due: HashMap<Name, Due>,
    urgent: BTreeSet<(Instant, Name)>,
    routine: BTreeSet<(Instant, Name)>,
    running: HashMap<Name, Running>,
    /// Passes under way that nobody waits for.
    routine_running: usize,
    /// Passes under way by namespace, where there are any.
    namespaces: HashMap<Arc<str>, RunningOfOne>,
}

/// Passes under way of one namespace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct RunningOfOne {
    changes: usize,
    routine: usize,
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
        let (_, name) = self.first(now).filter(|(at, _)| *at <= now)?.clone();
        let Due { cause, .. } = self.unschedule(&name)?;
        self.routine_running += usize::from(cause == Cause::Routine);
        *self.namespaces.entry(name.namespace.clone()).or_default().of(cause) += 1;
        self.running.insert(name.clone(), Running { cause, gone: false });
        Some((name, cause))
    }

    /// When the next name is due, if one more pass may run. What waits for its own namespace alone is
    /// asked for again when a pass ends.
    pub(super) fn next_due(&self, now: Instant) -> Option<Instant> {
        self.first(now).map(|(at, _)| *at)
    }

    /// The first name in line: a change that is due, else what comes first.
    fn first(&self, now: Instant) -> Option<&(Instant, Name)> {
        if MAX_PASSES <= self.running.len() {
            return None;
        }
        // One that is not due yet has its place then, or not.
        let has_place =
            |(at, name): &&(Instant, Name), cause| now < *at || self.has_place(name, cause);
        let urgent = self.urgent.iter().find(|it| has_place(it, Cause::Change));
        if urgent.is_some_and(|(at, _)| *at <= now) || MAX_ROUTINE_PASSES <= self.routine_running {
            return urgent;
        }
        let routine = self.routine.iter().find(|it| has_place(it, Cause::Routine));
        [urgent, routine].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    /// Whether one more pass of its namespace may run.
    fn has_place(&self, name: &Name, cause: Cause) -> bool {
        let running = self.namespaces.get(&name.namespace).copied().unwrap_or_default();
        match cause {
            Cause::Change => running.changes < MAX_PASSES_OF_ONE,
            Cause::Routine => running.routine < MAX_ROUTINE_PASSES_OF_ONE,
        }
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
        if let Some(running) = self.namespaces.get_mut(&name.namespace) {
            *running.of(cause) -= 1;
            if *running == RunningOfOne::default() {
                self.namespaces.remove(&name.namespace);
            }
        }
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

impl RunningOfOne {
    const fn of(&mut self, cause: Cause) -> &mut usize {
        match cause {
            Cause::Change => &mut self.changes,
            Cause::Routine => &mut self.routine,
        }
    }
}

#[cfg(test)]
mod tests;
