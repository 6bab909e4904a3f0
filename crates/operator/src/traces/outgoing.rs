//! Which traces are yet to be stored in files, and what is in them.
//! Knows no file and waits for none: what can't wait any longer is given up and counted.

use std::sync::Arc;

use bytes::Bytes;
use siskin_analysis::observation::Millis;
use siskin_decide::RolloutId;
use tokio::sync::Notify;

use crate::name::Name;
use crate::traces::recording::Recording;

/// Traces that wait although another one has their place. An attempt that ends at once and is
/// followed by the next leaves one; more than this, and the files have been out of reach for long.
const MAX_WAITING: usize = 64;

/// Identifies a recording: an attempt as one process saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    pub(crate) name: Name,
    pub(crate) id: RolloutId,
    /// When the recording began, in milliseconds since 1970.
    pub began: Millis,
}

/// A trace so far.
#[derive(Clone, Debug)]
pub struct Transcript {
    /// The recording.
    pub of: Recorded,
    /// Gzip: one after the other they are a file.
    pub members: Vec<Bytes>,
    pub(super) lines: u64,
}

/// What is asked for of the traces that are yet to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unstored {
    /// Traces that are over.
    Ended,
    /// Also traces that are being recorded.
    All,
}

/// What is kept until it is stored.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    pub(super) ended: Arc<Notify>,
    /// Traces that are off the shelf, oldest first.
    pub(super) waiting: Vec<(Name, Recording)>,
    pub(super) given_up: u64,
}

impl Recorded {
    pub(super) fn of(name: &Name, recording: &Recording) -> Self {
        let origin = recording.origin;
        Self { name: name.clone(), id: origin.id, began: origin.began }
    }

    pub(super) fn is(&self, name: &Name, recording: &Recording) -> bool {
        *self == Self::of(name, recording)
    }
}

impl Outgoing {
    /// A trace has ended.
    pub(super) fn tell(&self) {
        self.ended.notify_one();
    }

    /// Keeps what is not stored of this one.
    pub(super) fn keep(&mut self, name: &Name, recording: Recording) {
        if recording.is_stored() {
            return;
        }
        if self.waiting.len() == MAX_WAITING {
            self.give_up_oldest();
        }
        self.waiting.push((name.clone(), recording));
        self.tell();
    }

    /// Memory that they take, in bytes.
    pub(super) fn size(&self) -> usize {
        self.waiting.iter().map(|(_, it)| it.size()).sum()
    }

    /// Gives the one up that has waited longest; false if none waits.
    pub(super) fn give_up_oldest(&mut self) -> bool {
        if self.waiting.is_empty() {
            return false;
        }
        let (_, oldest) = self.waiting.remove(0);
        self.given_up(&oldest);
        true
    }

    /// Counts a trace that had to go, if something of it was not stored.
    pub(super) const fn given_up(&mut self, recording: &Recording) {
        if !recording.is_stored() {
            self.given_up += 1;
        }
    }
}
