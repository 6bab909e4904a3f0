//! How fast each partition was consumed over blocks of time, and whether it stayed behind: what the
//! primary's capacity is learned from. No lag is compared here.

use crate::lag::column::{Column, Moves};
use crate::lag::partitions::PartitionLag;
use crate::lag::roster::Consumer;
use crate::lag::schedule::{Poll, Schedule};
use crate::numbers::{Millis, seconds};

bitflags::bitflags! {
    /// What holds of a partition in every sample of the open block.
    #[derive(Clone, Copy, Debug)]
    struct Flags: u8 {
        /// Both offsets were known, under one owner.
        const USABLE = 1;
        /// It was far behind.
        const BEHIND = 1 << 1;
    }
}

/// Cuts the commits of all partitions into blocks.
#[derive(Clone, Debug)]
pub(crate) struct Blocks {
    schedule: Schedule,
    /// Seconds of lag from which a partition is behind.
    backlog: f64,
    committed: Column<u32>,
    flags: Column<Flags>,
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
        Self { schedule, backlog, committed: Column::default(), flags: Column::default() }
    }

    /// Forgets what is open.
    pub(crate) fn restart(&mut self) {
        self.schedule.restart();
    }

    /// The list of partitions changed. A new one is in no block until the next begins.
    pub(crate) fn follow(&mut self, moves: &Moves) {
        self.committed.follow(moves, 0);
        self.flags.follow(moves, Flags::empty());
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
        let columns = self.committed.iter_mut().zip(self.flags.iter_mut());
        for ((committed, flags), lag) in columns.zip(lags) {
            let now = lag.comparable().filter(|_| lag.consumer.is_some());
            *committed = 0;
            *flags = Flags::of(now, self.backlog);
        }
    }

    fn go_on(&mut self, lags: &[PartitionLag]) {
        let columns = self.committed.iter_mut().zip(self.flags.iter_mut());
        for ((committed, flags), lag) in columns.zip(lags) {
            *committed = committed.saturating_add(lag.since.committed);
            let now = lag.comparable().filter(|_| lag.has_same_owner());
            *flags &= Flags::of(now, self.backlog);
        }
    }

    /// The next block's first sample also ends the counts of this one.
    fn end(&self, lags: &[PartitionLag], span: Millis) -> Vec<Worked> {
        let mut worked = Vec::with_capacity(lags.len());
        let columns = self.committed.iter().zip(self.flags.iter());
        worked.extend(columns.zip(lags).filter_map(|((committed, flags), lag)| {
            let usable = flags.contains(Flags::USABLE) && lag.has_same_owner() && lag.has_offsets();
            let consumer = lag.consumer.filter(|_| usable)?;
            let committed = committed.saturating_add(lag.since.committed);
            let rate = f64::from(committed) / seconds(span);
            Some(Worked { consumer, rate, behind: flags.contains(Flags::BEHIND) })
        }));
        worked
    }
}

impl Flags {
    /// What a lag says, in seconds; `None`: it is unknown.
    fn of(lag: Option<f64>, backlog: f64) -> Self {
        match lag {
            Some(lag) if lag > backlog => Self::all(),
            Some(_) => Self::USABLE,
            None => Self::empty(),
        }
    }
}
