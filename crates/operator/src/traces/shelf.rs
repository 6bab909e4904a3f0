//! Traces of the rollouts of this process, in memory: what the judge was given, to be judged again
//! by `kubectl-siskin replay`. A side observation: nothing is read back, and nothing here can fail.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::{Mutex, MutexGuard};
use siskin_analysis::observation::Millis;
use siskin_analysis::{Record, Settings};
use siskin_decide::RolloutId;
use siskin_trace::{Header, Line, Mark, Seen};
use tokio::sync::Notify;

use crate::name::Name;
use crate::traces::marks::AttemptSnapshot;
use crate::traces::outgoing::{Outgoing, Recorded, Transcript, Unstored};
use crate::traces::recording::{CHUNK_BYTES, Listed, Opening, Origin, RESERVE_BYTES, Recording};

/// Bounds of what is kept, in bytes.
#[derive(Clone, Copy, Debug)]
struct TraceLimits {
    each: usize,
    all: usize,
}

/// One trace: two days of twelve partitions at a poll in 10 s, six hours of a hundred, 20 minutes
/// of a thousand (docs/replay.md has the figures). All of them: less than a third of the 40 MB that
/// an operator may take at rest with 200 rollouts, even if each of them was tried.
const TRACE_LIMITS: TraceLimits = TraceLimits { each: 4 << 20, all: 12 << 20 };

/// The last trace of each rollout. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Traces {
    shelf: Arc<Mutex<Shelf>>,
}

/// Records the attempts of one rollout, one after the other.
#[derive(Clone, Debug)]
pub struct Recorder {
    traces: Traces,
    name: Name,
}

/// An attempt that a judge begins, or goes on, to judge.
#[derive(Clone, Debug)]
pub struct Attempt<'a> {
    /// Its id.
    pub id: RolloutId,
    /// What it is judged by.
    pub settings: Settings,
    /// What the judge knows when it begins.
    pub beginning: Beginning<'a>,
}

/// How a judge came into being.
#[derive(Clone, Copy, Debug)]
pub enum Beginning<'a> {
    /// It began with the trial: it knows the record alone.
    Fresh,
    /// It was resumed from the accounts that an earlier process had saved.
    Resumed(&'a str),
    /// It began amid the trial, without accounts: it knows the record alone.
    StartedOver,
}

#[derive(Debug)]
struct Shelf {
    recordings: HashMap<Name, Recording>,
    limits: TraceLimits,
    /// How many recordings were finished: which of them is the oldest.
    finished: u64,
    /// What is yet to be stored; `None` if nothing is.
    outgoing: Option<Outgoing>,
}

impl Traces {
    /// Traces with other bounds, so that a test need not fill megabytes.
    #[cfg(test)]
    fn within(each: usize, all: usize) -> Self {
        let shelf = Shelf { limits: TraceLimits { each, all }, ..Shelf::default() };
        Self { shelf: Arc::new(Mutex::new(shelf)) }
    }

    /// All traces, by namespace and name.
    #[must_use]
    pub fn list(&self) -> Vec<Listed> {
        let kept = self.lock();
        let mut all: Vec<_> = kept.recordings.iter().map(|(name, it)| it.listed(name)).collect();
        all.sort_by(|a, b| (&a.namespace, &a.name).cmp(&(&b.namespace, &b.name)));
        all
    }

    /// The trace of this rollout as gzip, in parts of at most 64 KiB of text (but for longer
    /// lines): each is a member, and one after the other they are a file.
    #[must_use]
    pub fn of(&self, name: &Name) -> Option<Vec<Bytes>> {
        let mut kept = self.lock();
        kept.open(name);
        kept.recordings.get(name).map(Recording::members)
    }

    /// Forgets a rollout that is gone.
    pub(crate) fn forget(&self, name: &Name) {
        self.lock().remove(name);
    }

    /// Records the attempts of this rollout.
    #[must_use]
    pub fn recorder(&self, name: &Name) -> Recorder {
        Recorder { traces: self.clone(), name: name.clone() }
    }

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
    pub(crate) fn unstored(&self, which: Unstored) -> Vec<Recorded> {
        let kept = self.lock();
        let waiting = kept.outgoing.iter().flat_map(|it| &it.waiting).map(|(name, it)| (name, it));
        let wanted = waiting.chain(&kept.recordings).filter(|(_, it)| match which {
            Unstored::Ended => it.order.is_some() && !it.is_stored(),
            Unstored::All => !it.is_stored(),
        });
        let mut all: Vec<_> = wanted.map(|(name, it)| Recorded::of(name, it)).collect();
        all.sort_by_key(|it| it.began);
        all
    }

    /// What is recorded so far; `None` if it was given up meanwhile.
    pub(crate) fn transcript(&self, of: &Recorded) -> Option<Transcript> {
        let mut kept = self.lock();
        let it = kept.find(of)?;
        Some(Transcript { of: of.clone(), members: it.members(), lines: it.lines })
    }

    /// A file has this now.
    pub(crate) fn stored(&self, transcript: &Transcript) {
        let mut kept = self.lock();
        if let Some(it) = kept.find(&transcript.of) {
            it.stored = transcript.lines;
        }
        if let Some(outgoing) = &mut kept.outgoing {
            outgoing.waiting.retain(|(_, it)| !it.is_stored());
        }
    }

    /// How many traces had to go before they were stored, since this was asked last.
    pub(crate) fn given_up(&self) -> u64 {
        self.lock().outgoing.as_mut().map_or(0, |it| std::mem::take(&mut it.given_up))
    }

    fn lock(&self) -> MutexGuard<'_, Shelf> {
        self.shelf.lock()
    }
}

impl Recorder {
    /// Begins a trace, in place of the one before: the record that the judge learns from, and how
    /// the judge begins.
    pub(crate) fn begin(&self, attempt: Attempt<'_>, record: &Record, at: Millis) {
        let mut kept = self.traces.lock();
        let beginning = attempt.beginning;
        kept.begin(&self.name, attempt, record.clone(), at);
        let mark = match beginning {
            Beginning::Fresh => Mark::TrialStarted,
            Beginning::Resumed(accounts) => Mark::Resumed { accounts: Some(accounts.to_owned()) },
            Beginning::StartedOver => Mark::Resumed { accounts: None },
        };
        kept.write(&self.name, &Line::Mark { at, mark });
    }

    /// The judge was given this.
    pub(crate) fn seen(&self, seen: impl Into<Seen>) {
        self.traces.lock().write(&self.name, &Line::Seen(seen.into()));
    }

    /// What a pass knew of the attempt: its marks are written when they change.
    pub(crate) fn follow(&self, attempt: &AttemptSnapshot) {
        let mut kept = self.traces.lock();
        let Some(recording) = kept.recordings.get_mut(&self.name) else { return };
        let (lines, last) = recording.told.marks(attempt);
        for line in &lines {
            kept.write(&self.name, line);
        }
        if last {
            kept.finish(&self.name);
        }
    }

    /// The attempt is over, however it ended.
    pub(crate) fn finish(&self, at: Millis) {
        let mut kept = self.traces.lock();
        let Some(recording) = kept.recordings.get(&self.name) else { return };
        if let Some(line) = recording.told.abandoned(at) {
            kept.write(&self.name, &line);
        }
        kept.finish(&self.name);
    }
}

impl Default for Shelf {
    fn default() -> Self {
        Self { recordings: HashMap::new(), limits: TRACE_LIMITS, finished: 0, outgoing: None }
    }
}

impl Shelf {
    fn begin(&mut self, name: &Name, attempt: Attempt<'_>, record: Record, began: Millis) {
        self.remove(name);
        let header = Header { rollout: name.to_string(), settings: attempt.settings };
        let resumed = match attempt.beginning {
            Beginning::Fresh => false,
            Beginning::Resumed(_) | Beginning::StartedOver => true,
        };
        let origin = Origin { id: attempt.id, resumed, began };
        let Some(recording) = Recording::begin(&header, origin, record) else { return };
        let room = self.make_room(CHUNK_BYTES);
        self.recordings.insert(name.clone(), recording);
        if !room {
            self.cut(name, "there was no room for another trace");
        }
    }

    /// Writes a line after the opening, or lets it wait with that.
    fn write(&mut self, name: &Name, line: &Line) {
        let waits = self.recordings.get_mut(name).is_some_and(|it| it.defers(line));
        if !waits {
            self.open(name);
            self.put(name, line);
        }
    }

    /// Writes what a trace begins with, if it is not written yet.
    fn open(&mut self, name: &Name) {
        let opening = self.recordings.get_mut(name).and_then(Recording::opening);
        for line in opening.into_iter().flat_map(Opening::lines) {
            self.put(name, &line);
        }
    }

    fn put(&mut self, name: &Name, line: &Line) {
        let Some(recording) = self.recordings.get_mut(name) else { return };
        if !recording.accepts(line) {
            return;
        }
        if let Err(why) = recording.write(line) {
            self.cut(name, &why);
        } else if recording.is_due() {
            self.pack(name);
        }
    }

    /// Compresses what has gathered. The part that brings a trace to its bound is still kept: it
    /// takes the room that was set aside for what was to gather next.
    fn pack(&mut self, name: &Name) {
        let Some(recording) = self.recordings.get_mut(name) else { return };
        let member = recording.member();
        let size = member.len();
        let fits = recording.size() + size <= self.limits.each;
        let why = if fits { "all traces together reached" } else { "the trace reached" };
        let room = fits && self.make_room(size);
        let Some(recording) = self.recordings.get_mut(name) else { return };
        if room || size + RESERVE_BYTES <= CHUNK_BYTES {
            recording.keep(member);
        }
        if !room {
            let bound = if fits { self.limits.all } else { self.limits.each };
            self.cut(name, &format!("{why} {bound} bytes"));
        }
    }

    fn cut(&mut self, name: &Name, why: &str) {
        let Some(recording) = self.recordings.get_mut(name) else { return };
        tracing::info!(rollout = %name, why, "the recording of a trace stopped");
        recording.cut(why);
    }

    fn finish(&mut self, name: &Name) {
        self.open(name);
        let Some(recording) = self.recordings.get_mut(name) else { return };
        self.finished += 1;
        recording.finish(self.finished);
        if let Some(outgoing) = &self.outgoing {
            outgoing.tell();
        }
    }

    fn find(&mut self, of: &Recorded) -> Option<&mut Recording> {
        let waiting = self.outgoing.iter_mut().flat_map(|it| &mut it.waiting);
        let waiting = waiting.map(|(name, it)| (&*name, it));
        let on_shelf = self.recordings.iter_mut();
        waiting.chain(on_shelf).find(|(name, it)| of.is(name, it)).map(|(_, it)| it)
    }

    /// Takes a trace off the shelf; what is yet to be stored of it goes to the outgoing ones.
    fn remove(&mut self, name: &Name) {
        let removed = self.recordings.remove(name);
        if let (Some(mut recording), Some(outgoing)) = (removed, &mut self.outgoing) {
            self.finished += 1;
            recording.finish(self.finished);
            outgoing.keep(name, recording);
        }
    }

    /// Makes room for this many bytes at the expense of the oldest finished traces; false if what
    /// is being recorded takes it all.
    fn make_room(&mut self, bytes: usize) -> bool {
        loop {
            let outgoing = self.outgoing.as_ref().map_or(0, Outgoing::size);
            let taken: usize = self.recordings.values().map(Recording::size).sum();
            if taken + outgoing + bytes <= self.limits.all {
                return true;
            }
            if !self.give_up_oldest() {
                return false;
            }
        }
    }

    /// Gives a finished trace up; false if there is none. Those that nobody can ask for go first.
    fn give_up_oldest(&mut self) -> bool {
        if self.outgoing.as_mut().is_some_and(Outgoing::give_up_oldest) {
            return true;
        }
        let finished = self.recordings.iter().filter_map(|(name, it)| Some((it.order?, name)));
        let Some((_, oldest)) = finished.min_by_key(|(order, _)| *order) else { return false };
        let oldest = oldest.clone();
        let given_up = self.recordings.remove(&oldest);
        if let (Some(given_up), Some(outgoing)) = (given_up, &mut self.outgoing) {
            outgoing.given_up(&given_up);
        }
        true
    }
}

#[cfg(test)]
mod tests;
