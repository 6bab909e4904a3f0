//! Which records of the assigned partitions are done, hence how far each may be committed.
//! Pure bookkeeping: it talks to no broker and reads no clock.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, VecDeque};
use std::fmt::{self, Display, Formatter};

/// A partition of a topic, shown as `orders/3`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Partition {
    /// Name of the topic.
    pub topic: String,
    /// Number of the partition.
    pub number: i32,
}

impl Display for Partition {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.topic, self.number)
    }
}

/// One record that was taken; given back when all its effects are safe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Partition that the record lies in.
    pub partition: Partition,
    /// Offset of the record.
    pub offset: i64,
    epoch: u64,
}

/// The partitions that this member owns now.
///
/// A partition may be committed up to the first record that is not done, never past it: what is
/// behind a record that hangs is read again by the next owner.
#[derive(Debug, Default)]
pub struct Ledger {
    lines: BTreeMap<Partition, Line>,
    epochs: u64,
    open: usize,
}

#[derive(Debug, Default)]
struct Line {
    /// Tells the tickets of this ownership from those of an earlier one.
    epoch: u64,
    /// Taken and not yet committable, in the order of their offsets.
    taken: VecDeque<(i64, Progress)>,
    /// The next record to be read by whoever continues here; `None` until the first one is done.
    position: Option<i64>,
    /// What the group's coordinator has confirmed.
    committed: Option<i64>,
    stalled: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Progress {
    Open,
    Done,
}

impl Ledger {
    /// A partition was given to this member: nothing is known of it.
    pub fn assigned(&mut self, partition: Partition) {
        self.revoked(&partition);
        self.epochs += 1;
        let line = Line { epoch: self.epochs, ..Line::default() };
        self.lines.insert(partition, line);
    }

    /// A partition was taken away: its tickets are worthless from now on.
    pub fn revoked(&mut self, partition: &Partition) {
        if let Some(line) = self.lines.remove(partition) {
            self.open -= line.open();
        }
    }

    /// A record is being worked on. `None` while its partition stands still.
    pub fn take(&mut self, partition: &Partition, offset: i64) -> Option<Ticket> {
        // Not assigned: a callback was missed. Read back: the log was truncated, start anew.
        let fits = self.lines.get(partition).is_some_and(|line| line.expects(offset));
        if !fits {
            self.assigned(partition.clone());
        }
        let line = self.lines.get_mut(partition)?;
        if line.stalled {
            return None;
        }
        line.taken.push_back((offset, Progress::Open));
        self.open += 1;
        Some(Ticket { partition: partition.clone(), offset, epoch: line.epoch })
    }

    /// The effects of this record are safe.
    pub fn done(&mut self, ticket: &Ticket) {
        let Some(line) = self.lines.get_mut(&ticket.partition) else { return };
        if line.epoch != ticket.epoch {
            return;
        }
        let found = line.taken.binary_search_by_key(&ticket.offset, |(offset, _)| *offset);
        let Ok(index) = found else { return };
        if line.taken[index].1 == Progress::Done {
            return;
        }
        line.taken[index].1 = Progress::Done;
        self.open -= 1;
        while let Some((offset, Progress::Done)) = line.taken.front().copied() {
            line.position = Some(offset + 1);
            line.taken.pop_front();
        }
    }

    /// This record will never be done: its partition stands still until it is taken away.
    pub fn stall(&mut self, partition: &Partition) {
        if let Some(line) = self.lines.get_mut(partition) {
            line.stalled = true;
        }
    }

    /// Partitions that stand still.
    pub fn stalled(&self) -> Vec<Partition> {
        self.lines.iter().filter(|(_, line)| line.stalled).map(|(it, _)| it.clone()).collect()
    }

    /// Position up to which each partition may be committed, where that is not confirmed yet.
    pub fn due(&self) -> Vec<(Partition, i64)> {
        let due = self.lines.iter().filter(|(_, line)| line.position != line.committed);
        due.filter_map(|(partition, line)| Some((partition.clone(), line.position?))).collect()
    }

    /// The coordinator confirmed this position.
    pub fn committed(&mut self, partition: &Partition, position: i64) {
        if let Some(line) = self.lines.get_mut(partition) {
            line.committed = Some(position);
        }
    }

    /// Records taken and not done, in all partitions.
    pub const fn open(&self) -> usize {
        self.open
    }
}

impl Line {
    fn expects(&self, offset: i64) -> bool {
        let last = self.taken.back().map(|(it, _)| it + 1).or(self.position);
        last.is_none_or(|next| next <= offset)
    }

    fn open(&self) -> usize {
        self.taken.iter().filter(|(_, progress)| *progress == Progress::Open).count()
    }
}
