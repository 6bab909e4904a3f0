//! When windows begin and end: consecutive, disjoint, a multiple of the polling interval long.
//! Times only; what lies in a window is kept elsewhere.

use crate::constants::longest_bridged;
use crate::numbers::Millis;

/// Cuts the polls of one assignment into windows.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    length: Millis,
    interval: Millis,
    open: Option<Open>,
    /// Begin of the window before the open one.
    before: Option<Millis>,
}

#[derive(Clone, Copy, Debug)]
struct Open {
    /// Fixed when the window begins.
    length: Millis,
    start: Millis,
    latest: Millis,
}

/// What a poll is to the windows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Poll {
    /// It begins a window; there is none before.
    Begins,
    /// It lies within the open window.
    GoesOn,
    /// It ends the open window and begins the next.
    Ends {
        /// Length of the window that ends, at least 1.
        span: Millis,
        /// From the begin of the window before to its own; `None`: there is none.
        since: Option<Millis>,
    },
}

impl Schedule {
    /// Windows of `length`, a multiple of the polling `interval`.
    pub(crate) fn new(length: Millis, interval: Millis) -> Self {
        Self { length, interval, open: None, before: None }
    }

    pub(crate) fn length(&self) -> Millis {
        self.length
    }

    /// Takes effect with the next window.
    pub(crate) fn set_length(&mut self, length: Millis) {
        self.length = length;
    }

    /// Forgets what is open: a rebalance, or silence. Nothing is told across it.
    pub(crate) fn restart(&mut self) {
        self.open = None;
        self.before = None;
    }

    /// Takes the next poll.
    pub(crate) fn push(&mut self, at: Millis) -> Poll {
        // One missed poll is bridged. After more, a minimum would rest on too few samples.
        let patience = longest_bridged(self.interval);
        if self.open.is_some_and(|open| at.saturating_sub(open.latest) > patience) {
            self.restart();
        }
        let next = Open { length: self.length, start: at, latest: at };
        let Some(open) = &mut self.open else {
            self.open = Some(next);
            return Poll::Begins;
        };
        let span = at.saturating_sub(open.start);
        // Half a poll of tolerance: jitter must not make every window one poll longer.
        if span < open.length - self.interval / 2 {
            open.latest = at;
            return Poll::GoesOn;
        }
        let begin = std::mem::replace(open, next).start;
        let since = self.before.replace(begin).map(|before| begin.saturating_sub(before));
        Poll::Ends { span: span.max(1), since }
    }
}
