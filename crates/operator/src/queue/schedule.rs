//! Which name is next: each once, one pass per name at a time, what somebody waits for before what
//! is only looked at again. Pure: told the time, starts nothing.

use std::collections::{BTreeSet, HashMap};
use std::time::Duration;

use tokio::time::Instant;

use crate::name::Name;
use crate::pass::next_look::Cause;

/// Passes under way at the same time, long ones aside. One waits for the API server most of its time:
/// enough to keep it busy, few enough for a process that looks at a thousand rollouts at once.
const MAX_PASSES: usize = 32;
/// Passes that nobody waits for among them: a change is never queued behind them.
const MAX_ROUTINE_PASSES: usize = 24;

/// A pass that takes longer is held by something: a webhook of its namespace may hold each of its writes
/// for half a minute, and a rollback elsewhere must not wait for its place.
const LONG_AFTER: Duration = Duration::from_secs(2);
/// Long passes of one namespace: while there are so many none is begun there.
const MAX_LONG_OF_ONE: usize = 8;
/// Long passes that take no place of others.
const MAX_LONG: usize = 64;

/// Names to be looked at, and those that are.
#[derive(Debug, Default)]
pub(super) struct Schedule {
    due: HashMap<Name, Due>,
    urgent: BTreeSet<(Instant, Name)>,
    routine: BTreeSet<(Instant, Name)>,
    running: HashMap<Name, Running>,
}

#[derive(Clone, Copy, Debug)]
struct Due {
    at: Instant,
    cause: Cause,
}

#[derive(Clone, Copy, Debug)]
struct Running {
    since: Instant,
    cause: Cause,
    /// Whether the rollout is gone: what its pass remembers is to be forgotten once more.
    gone: bool,
}

/// Passes under way at one moment.
#[derive(Default)]
struct Crowd<'a> {
    /// Places that are taken.
    places: usize,
    /// Places that passes have taken which nobody waits for.
    routine: usize,
    /// Long passes by namespace, where there are any.
    long: HashMap<&'a str, usize>,
    /// When the first of the others becomes long.
    next_long: Option<Instant>,
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
        let (_, name) = self.first(&self.crowd(now), now).filter(|(at, _)| *at <= now)?.clone();
        let Due { cause, .. } = self.unschedule(&name)?;
        self.running.insert(name.clone(), Running { since: now, cause, gone: false });
        Some((name, cause))
    }

    /// When to ask for the next name. What waits for its own namespace alone is asked for again when a
    /// pass ends.
    pub(super) fn next_due(&self, now: Instant) -> Option<Instant> {
        let crowd = self.crowd(now);
        let first = self.first(&crowd, now).map(|(at, _)| *at);
        let waiting = self.urgent.first().into_iter().chain(self.routine.first()).min();
        // A pass that becomes long gives its place to another one.
        let room = crowd.next_long.filter(|_| waiting.is_some_and(|(at, _)| *at <= now));
        first.into_iter().chain(room).min()
    }

    /// The first name in line that has a place: a change that is due, else what comes first.
    fn first(&self, crowd: &Crowd<'_>, now: Instant) -> Option<&(Instant, Name)> {
        if MAX_PASSES <= crowd.places {
            return None;
        }
        // One that is not due yet has its place then, or not.
        let has_place = |(at, name): &&(Instant, Name)| now < *at || crowd.has_place_for(name);
        let urgent = self.urgent.iter().find(has_place);
        if urgent.is_some_and(|(at, _)| *at <= now) || MAX_ROUTINE_PASSES <= crowd.routine {
            return urgent;
        }
        let routine = self.routine.iter().find(has_place);
        [urgent, routine].into_iter().flatten().min_by_key(|(at, _)| *at)
    }

    fn crowd(&self, now: Instant) -> Crowd<'_> {
        let mut crowd = Crowd::default();
        let mut all_long = 0_usize;
        for (name, running) in &self.running {
            let long_at = running.since + LONG_AFTER;
            if long_at <= now {
                all_long += 1;
                *crowd.long.entry(&name.namespace).or_default() += 1;
            } else {
                crowd.places += 1;
                crowd.routine += usize::from(running.cause == Cause::Routine);
                crowd.next_long = crowd.next_long.into_iter().chain([long_at]).min();
            }
        }
        crowd.places += all_long.saturating_sub(MAX_LONG);
        crowd
    }

    /// Whether a pass of this name is under way.
    pub(super) fn is_running(&self, name: &Name) -> bool {
        self.running.contains_key(name)
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
        let Some(Running { gone, .. }) = self.running.remove(name) else { return false };
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

impl Crowd<'_> {
    /// Whether one more pass of its namespace may run.
    fn has_place_for(&self, name: &Name) -> bool {
        self.long.get(&*name.namespace).is_none_or(|it| *it < MAX_LONG_OF_ONE)
    }
}

#[cfg(test)]
mod tests;
