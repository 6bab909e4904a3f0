//! The traces as they are stored: which are yet to be, what is in them, and that a file has them.
//! Knows no file.

use std::sync::Arc;

use tokio::sync::Notify;

use crate::traces::outgoing::{Outgoing, Recorded, Transcript, Unstored};
use crate::traces::recording::Recording;
use crate::traces::shelf::{Shelf, Traces};

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

impl Shelf {
    fn find(&mut self, of: &Recorded) -> Option<&mut Recording> {
        let waiting = self.outgoing.iter_mut().flat_map(|it| &mut it.waiting);
        let waiting = waiting.map(|(name, it)| (&*name, it));
        let on_shelf = self.recordings.iter_mut();
        waiting.chain(on_shelf).find(|(name, it)| of.is(name, it)).map(|(_, it)| it)
    }
}

#[cfg(test)]
mod tests;
