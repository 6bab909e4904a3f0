//! The memory of a rollout's primary: what the status has of it, and what was watched since.
//! Writes nothing; says what the status should hold, which changes every few hours.

use jiff::Timestamp;
use siskin_analysis::observation::Millis;
use siskin_analysis::{PrimaryMemory, Record, Remembered};

/// The status is not written for the sake of the memory before this time is over: a thousand rollouts
/// at rest make four thousand writes a day, and a process that ends loses so much of ten days.
const KEPT_EVERY: Millis = 6 * 3_600_000;

/// A memory, and what of it is kept.
#[derive(Debug)]
pub(super) struct KeptMemory {
    memory: PrimaryMemory,
    /// The text for the status, and up to when the primary had been watched for it.
    kept: Option<(String, Millis)>,
}

impl KeptMemory {
    /// Goes on from what a status has. What can't be read was lost, as far as this process knows: it
    /// stays there until there is something to put in its place.
    pub(super) fn recall(status: Option<&str>, now: Timestamp) -> Self {
        let read = |text: &str| PrimaryMemory::read(text, now.as_millisecond());
        let memory = status.map(read).unwrap_or_default();
        let kept = status.filter(|_| 0 < memory.at()).map(|it| (it.to_owned(), memory.at()));
        Self { memory, kept }
    }

    /// Takes a record in, if all of it is new.
    pub(super) fn take(&mut self, interval: Millis, record: &Record) {
        if !self.memory.take(interval, record) {
            return;
        }
        let at = self.memory.at();
        // A memory that begins anew, after a clock was wrong, is older than what is kept.
        let is_due = |kept: Millis| at < kept || KEPT_EVERY <= at.saturating_sub(kept);
        if self.kept.as_ref().is_none_or(|(_, kept)| is_due(*kept)) {
            self.kept = Some((self.memory.save(), at));
        }
    }

    /// The text for the status: the same for hours. `None`: what stands there.
    pub(super) fn to_keep(&self) -> Option<String> {
        self.kept.as_ref().map(|(text, _)| text.clone())
    }

    /// What a trial that begins now is given.
    pub(super) fn teaches(&self, now: Timestamp) -> Remembered {
        self.memory.teaches(now.as_millisecond())
    }
}

#[cfg(test)]
mod tests;
