//! Which traces are yet to be stored in files, and what is in them.
//! Knows no file and waits for none: what can't wait any longer is given up and counted.

use std::sync::Arc;

use axum::body::Bytes;
use siskin_analysis::observation::Millis;
use tokio::sync::Notify;

use crate::name::Name;
use crate::traces::recording::Recording;
use crate::traces::shelf::{Shelf, Traces};
use siskin_decide::RolloutId;

/// Traces that wait although another one has their place. An attempt that ends at once and is
/// followed by the next leaves one; more than this, and the files have been out of reach for long.
const WAITING: usize = 64;

/// Which recording: an attempt as one process saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// The rollout.
    pub name: Name,
    /// The attempt.
    pub id: RolloutId,
    /// When the recording began, in milliseconds since 1970.
    pub began: Millis,
}

/// A trace so far.
#[derive(Clone, Debug)]
pub struct Transcript {
    /// Of which recording.
    pub of: Recorded,
    /// Gzip: one after the other they are a file.
    pub members: Vec<Bytes>,
    lines: u64,
}

/// What is asked for of the traces that are yet to be stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unstored {
    /// Those that are over.
    Ended,
    /// Also those that are being recorded.
    All,
}

/// What is kept until it is stored.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    ended: Arc<Notify>,
    /// Off the shelf, oldest first.
    waiting: Vec<(Name, Recording)>,
    given_up: u64,
}

impl Traces {
    /// Traces that are also to be stored, and what tells that one has ended.
    #[must_use]
    pub fn archived() -> (Self, Arc<Notify>) {
        let traces = Self::default();
        let outgoing = Outgoing::default();
        let ended = Arc::clone(&outgoing.ended);
        traces.lock().outgoing = Some(outgoing);
        (traces, ended)
    }

    /// The recordings of which a file lacks something, those that began first before others.
    #[must_use]
    pub fn unstored(&self, which: Unstored) -> Vec<Recorded> {
        let kept = self.lock();
        let waiting = kept.outgoing.iter().flat_map(|it| &it.waiting).map(|(name, it)| (name, it));
        let wanted = waiting.chain(&kept.recordings).filter(|(_, it)| match which {
            Unstored::Ended => it.order().is_some() && !it.is_stored(),
            Unstored::All => !it.is_stored(),
        });
        let mut all: Vec<_> = wanted.map(|(name, it)| Recorded::of(name, it)).collect();
        all.sort_by_key(|it| it.began);
        all
    }

    /// What is recorded so far; `None` if it was given up meanwhile.
    #[must_use]
    pub fn transcript(&self, of: &Recorded) -> Option<Transcript> {
        let mut kept = self.lock();
        let it = kept.find(of)?;
        Some(Transcript { of: of.clone(), members: it.members(), lines: it.lines() })
    }

    /// A file has this now.
    pub fn stored(&self, transcript: &Transcript) {
        let mut kept = self.lock();
        if let Some(it) = kept.find(&transcript.of) {
            it.store(transcript.lines);
        }
        if let Some(outgoing) = &mut kept.outgoing {
            outgoing.waiting.retain(|(_, it)| !it.is_stored());
        }
    }

    /// How many traces had to go before they were stored, since this was asked last.
    #[must_use]
    pub fn given_up(&self) -> u64 {
        self.lock().outgoing.as_mut().map_or(0, |it| std::mem::take(&mut it.given_up))
    }
}

impl Recorded {
    fn of(name: &Name, recording: &Recording) -> Self {
        let origin = recording.origin();
        Self { name: name.clone(), id: origin.id, began: origin.began }
    }

    fn is(&self, name: &Name, recording: &Recording) -> bool {
        *self == Self::of(name, recording)
    }
}

impl Shelf {
    fn find(&mut self, of: &Recorded) -> Option<&mut Recording> {
        let waiting = self.outgoing.iter_mut().flat_map(|it| &mut it.waiting);
        let waiting = waiting.map(|(name, it)| (&*name, it));
        let on_shelf = self.recordings.iter_mut();
        waiting.chain(on_shelf).find(|(name, it)| of.is(name, it)).map(|(_, it)| it)
    }
}

impl Outgoing {
    /// A trace has ended.
    pub(super) fn tell(&self) {
        self.ended.notify_one();
    }

    /// Keeps what is not stored of this one.
    pub(super) fn take(&mut self, name: &Name, recording: Recording) {
        if recording.is_stored() {
            return;
        }
        if self.waiting.len() == WAITING {
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

#[cfg(test)]
mod tests;
