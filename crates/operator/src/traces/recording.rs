//! One trace while it is recorded, and after: text that gathers, and what was compressed of it.
//! Knows no other trace and no bound on them all.

use std::sync::Arc;

use bytes::Bytes;
use serde::Serialize;
use siskin_analysis::Record;
use siskin_analysis::observation::Millis;
use siskin_decide::RolloutId;
use siskin_trace::{Header, LONGEST_LINE, Line, Mark, Writer, gzip};

use crate::name::Name;
use crate::traces::marks::MarksWritten;

/// Text that gathers before it is compressed, in bytes. Twice the window of gzip, so that little is
/// lost by beginning anew, and no compressor of several 100 KiB waits for each rollout.
pub(super) const CHUNK_BYTES: usize = 64 << 10;

/// What the last marks of a trace that was cut take at most, compressed: each about 150 bytes.
pub(super) const RESERVE_BYTES: usize = 1 << 10;

/// Marks of an opening that wait with it: those of a trial that starts and of its first steps. More
/// than that, and there was time to write it.
const MARKS_AHEAD: usize = 16;

/// What a trace begins with, while it is not written yet.
#[derive(Debug)]
pub(super) struct Opening {
    record: Record,
    marks: Vec<Line>,
}

/// Where a trace comes from.
#[derive(Clone, Copy, Debug)]
pub(super) struct Origin {
    /// The attempt.
    pub(super) id: RolloutId,
    /// Whether an earlier process saw its beginning.
    pub(super) resumed: bool,
    /// When its recording began.
    pub(super) began: Millis,
}

/// A trace that can be had.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Listed {
    /// Namespace of the rollout.
    pub namespace: Arc<str>,
    /// Its name.
    pub name: Arc<str>,
    /// The attempt.
    pub rollout_id: String,
    /// Memory that it takes, compressed; while it is recorded, without what is yet to be.
    pub bytes: usize,
    /// How much of the attempt is in it.
    pub state: Extent,
    /// Whether its beginning was seen by an earlier process and is not in it.
    pub resumed: bool,
}

/// How much of an attempt is in its trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Extent {
    /// All of it so far.
    Recording,
    /// All of it.
    Complete,
    /// A bound was reached: not its end.
    Cut,
}

/// One trace.
#[derive(Debug)]
pub(super) struct Recording {
    /// A canary waits for the pass that begins a trial: writing the record is for later.
    opening: Option<Opening>,
    /// Where it comes from.
    pub(super) origin: Origin,
    /// Whole lines.
    text: Writer<Vec<u8>>,
    /// How many lines follow the header.
    pub(super) lines: u64,
    /// How many of them a file has.
    pub(super) stored: u64,
    members: Vec<Bytes>,
    /// Size of all members.
    bytes: usize,
    latest: Option<Millis>,
    cut: bool,
    /// How many traces were finished up to this one, once it is finished.
    pub(super) order: Option<u64>,
    /// What its marks have said so far.
    pub(super) told: MarksWritten,
}

impl Recording {
    /// A trace of the header, and of what the judge learned from. `None` only if the header can't be
    /// written, which memory always can.
    pub(super) fn begin(header: &Header, origin: Origin, record: Record) -> Option<Self> {
        let text = Writer::new(Vec::new(), header).ok()?;
        Some(Self {
            opening: Some(Opening { record, marks: Vec::new() }),
            origin,
            text,
            lines: 0,
            stored: 0,
            members: Vec::new(),
            bytes: 0,
            latest: None,
            cut: false,
            order: None,
            told: MarksWritten::default(),
        })
    }

    /// Whether this line waits with the opening.
    pub(super) fn defers(&mut self, line: &Line) -> bool {
        let Some(opening) = &mut self.opening else { return false };
        let waits = match line {
            Line::Mark { mark: Mark::Ended { .. }, .. } | Line::Seen(_) => false,
            Line::Mark { .. } => opening.marks.len() < MARKS_AHEAD,
        };
        if waits {
            opening.marks.push(line.clone());
        }
        waits
    }

    /// What is to be written before anything else, once.
    pub(super) const fn opening(&mut self) -> Option<Opening> {
        self.opening.take()
    }

    /// Whether this line is recorded: nothing of what follows the end, and of what follows a cut
    /// only how it ended.
    pub(super) const fn accepts(&self, line: &Line) -> bool {
        let ends = matches!(line, Line::Mark { mark: Mark::Ended { .. }, .. });
        self.order.is_none() && (!self.cut || ends)
    }

    /// Adds a line; why not, if no reader would accept it.
    pub(super) fn write(&mut self, line: &Line) -> Result<(), String> {
        line.check_after(self.latest).map_err(|it| it.to_string())?;
        let before = self.text.sink().len();
        let written = self.text.write(line);
        let text = self.text.sink_mut();
        if let Err(error) = written {
            text.truncate(before);
            return Err(error.to_string());
        }
        if LONGEST_LINE < text.len() - before {
            text.truncate(before);
            return Err(format!("a line was longer than {LONGEST_LINE} bytes"));
        }
        self.lines += 1;
        self.latest = Some(line.at());
        if self.cut {
            self.settle();
        }
        Ok(())
    }

    /// Whether enough has gathered to be compressed.
    pub(super) fn is_due(&self) -> bool {
        CHUNK_BYTES <= self.text.sink().len()
    }

    /// What has gathered, compressed; the text is empty afterwards.
    pub(super) fn member(&mut self) -> Bytes {
        let text = self.text.sink_mut();
        let member = compressed(text);
        text.clear();
        // A long line must not leave its memory behind.
        text.shrink_to(2 * CHUNK_BYTES);
        member
    }

    /// Takes a compressed part in.
    pub(super) fn keep(&mut self, member: Bytes) {
        self.bytes += member.len();
        self.members.push(member);
    }

    /// Stops the recording, and says so in the trace. What has gathered stays in it.
    pub(super) fn cut(&mut self, why: &str) {
        if self.cut || self.order.is_some() {
            return;
        }
        self.cut = true;
        let at = self.latest.unwrap_or_default();
        // Of the time of the line before, so a reader accepts it: only memory could fail it.
        self.write(&Line::Mark { at, mark: Mark::Cut { reason: why.to_owned() } }).ok();
    }

    /// The attempt is over; `order` says how many were before. No change if it was already.
    pub(super) fn finish(&mut self, order: u64) {
        if self.order.is_none() {
            self.settle();
            self.order = Some(order);
        }
    }

    /// Memory that it takes: of one that goes on, with the room for text that is set aside.
    pub(super) const fn size(&self) -> usize {
        let gathers = self.order.is_none() && !self.cut;
        self.bytes + if gathers { CHUNK_BYTES } else { 0 }
    }

    /// All of it, compressed.
    pub(super) fn members(&self) -> Vec<Bytes> {
        let mut all = self.members.clone();
        let text = self.text.sink();
        if !text.is_empty() {
            all.push(compressed(text));
        }
        all
    }

    /// Whether a file has all of its lines.
    pub(super) const fn is_stored(&self) -> bool {
        self.stored == self.lines
    }

    /// What it is, for the list.
    pub(super) fn listed(&self, name: &Name) -> Listed {
        let state = match (self.cut, self.order) {
            (true, _) => Extent::Cut,
            (false, Some(_)) => Extent::Complete,
            (false, None) => Extent::Recording,
        };
        Listed {
            namespace: name.namespace.clone(),
            name: name.name.clone(),
            rollout_id: self.origin.id.to_string(),
            bytes: self.bytes,
            state,
            resumed: self.origin.resumed,
        }
    }

    /// Compresses the rest and gives the memory of the text back.
    fn settle(&mut self) {
        if !self.text.sink().is_empty() {
            let member = self.member();
            self.keep(member);
        }
        self.text.sink_mut().shrink_to_fit();
    }
}

impl Opening {
    /// Its lines in order.
    pub(super) fn lines(self) -> impl Iterator<Item = Line> {
        let seen: Vec<_> = self.record.observations().map(|it| Line::Seen(it.into())).collect();
        seen.into_iter().chain(self.marks)
    }
}

fn compressed(text: &[u8]) -> Bytes {
    Bytes::from(gzip::member(text).into_boxed_slice())
}
