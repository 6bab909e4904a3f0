//! How fast each partition was consumed over blocks of time, and whether it stayed behind: what the
//! primary's capacity is learned from. No lag is compared here.

use crate::lag::column::{Column, Flags, Moves};
use crate::lag::partitions::PartitionLag;
use crate::lag::roster::Consumer;
use crate::lag::schedule::{Poll, Schedule};
use crate::numbers::{Millis, seconds};

/// Whether every sample of the open block was usable so far.
const USABLE: u8 = 0;
/// Whether it was far behind in every one.
const BEHIND: u8 = 1;

/// Cuts the commits of all partitions into blocks.
#[derive(Clone, Debug)]
pub(crate) struct Blocks {
    schedule: Schedule,
    /// Seconds of lag from which a partition is behind.
    backlog: f64,
    committed: Column<u32>,
    marks: Column<Flags>,
}

/// What one block says of one partition.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Worked {
    pub(crate) consumer: Consumer,
    /// Messages committed per second.
    pub(crate) rate: f64,
    /// Whether it was behind all the time.
    pub(crate) behind: bool,
}

impl Blocks {
    /// Blocks of `length`, a multiple of the polling `interval`; partitions with more lag than
    /// `backlog` seconds are behind.
    pub(crate) fn new(length: Millis, interval: Millis, backlog: f64) -> Self {
        let schedule = Schedule::new(length, interval);
        Self { schedule, backlog, committed: Column::default(), marks: Column::default() }
    }

    /// Forgets what is open.
    pub(crate) fn restart(&mut self) {
        self.schedule.restart();
    }

    /// The list of partitions changed. A new one is in no block until the next begins.
    pub(crate) fn follow(&mut self, moves: &Moves) {
        self.committed.follow(moves, 0);
        self.marks.follow(moves, Flags::default());
    }

    /// Adds the lags of one moment. Answers if they complete a block: for each partition that had
    /// one owner and usable offsets throughout, in order.
    pub(crate) fn add(&mut self, at: Millis, lags: &[PartitionLag]) -> Option<Vec<Worked>> {
        match self.schedule.push(at) {
            Poll::Begins => self.begin(lags),
            Poll::GoesOn => self.go_on(lags),
            Poll::Ends { span, .. } => {
                let worked = self.end(lags, span);
                self.begin(lags);
                return Some(worked);
            }
        }
        None
    }

    fn begin(&mut self, lags: &[PartitionLag]) {
        let columns = self.committed.iter_mut().zip(self.marks.iter_mut());
        for ((committed, marks), lag) in columns.zip(lags) {
            let now = lag.comparable().filter(|_| lag.consumer.is_some());
            *committed = 0;
            marks.put::<USABLE>(now.is_some());
            marks.put::<BEHIND>(now.is_some_and(|lag| lag > self.backlog));
        }
    }

    fn go_on(&mut self, lags: &[PartitionLag]) {
        let columns = self.committed.iter_mut().zip(self.marks.iter_mut());
        for ((committed, marks), lag) in columns.zip(lags) {
            *committed = committed.saturating_add(lag.since.committed);
            let now = lag.comparable().filter(|_| lag.has_same_owner());
            marks.put::<USABLE>(marks.has::<USABLE>() && now.is_some());
            let behind = now.is_some_and(|lag| lag > self.backlog);
            marks.put::<BEHIND>(marks.has::<BEHIND>() && behind);
        }
    }

    /// The next block's first sample also ends the counts of this one.
    fn end(&self, lags: &[PartitionLag], span: Millis) -> Vec<Worked> {
        let mut worked = Vec::with_capacity(lags.len());
        let columns = self.committed.iter().zip(self.marks.iter());
        worked.extend(columns.zip(lags).filter_map(|((committed, marks), lag)| {
            let usable = marks.has::<USABLE>() && lag.has_same_owner() && lag.has_offsets();
            let consumer = lag.consumer.filter(|_| usable)?;
            let committed = committed.saturating_add(lag.since.committed);
            let rate = f64::from(committed) / seconds(span);
            Some(Worked { consumer, rate, behind: marks.has::<BEHIND>() })
        }));
        worked
    }
}
