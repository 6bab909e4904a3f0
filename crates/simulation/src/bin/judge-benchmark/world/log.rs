//! One partition's log: how far it can be read, and which offset a message has.
//! It counts messages and offsets; who reads them, `world` knows.

use std::collections::VecDeque;

use crate::scenario::Offsets;
use siskin_simulation::random::Random;
use siskin_simulation::wander::Wander;

/// Where every log begins, so that an offset is never taken for a small number by accident.
pub const BEGIN: f64 = 1_000_000.0;
/// Part of the offsets that the cleaner leaves a message at: between these, by partition.
const LEAST_DENSITY: f64 = 0.3;
const MOST_DENSITY: f64 = 0.9;
/// How a partition's density wanders as updates of keys get more or less frequent: standard
/// deviation of its logarithm, and seconds of memory (a run of the cleaner takes minutes).
const DENSITY_WANDER: (f64, f64) = (0.1, 300.0);
/// Seconds that a producer's transaction takes: this or one more.
const TRANSACTION: i64 = 1;
/// One transaction in so many hangs, for 20 to 40 s. The broker would abort it after 60 s.
const ONE_HANGS_IN: f64 = 300.0;
const HANGS: (i64, usize) = (20, 21);

/// The log of one partition.
#[derive(Clone, Debug)]
pub struct Log {
    kind: Offsets,
    /// Messages that can be read, and the offset after the last one of them or its marker.
    readable: f64,
    end: f64,
    density: f64,
    wander: Wander,
    /// Messages of the transaction under way, and when it ends.
    open: f64,
    closes: i64,
    /// Ascending; the first one holds the latest committed message.
    stretches: VecDeque<Stretch>,
}

/// Messages in a row whose offsets are evenly apart.
#[derive(Clone, Copy, Debug)]
struct Stretch {
    /// Messages before it, and up to its end.
    begin: f64,
    end: f64,
    /// Its first offset.
    first: f64,
    /// Offsets per message.
    apart: f64,
}

impl Log {
    /// An empty log. Draws nothing where offsets are dense.
    pub fn new(kind: Offsets, aside: &mut Random) -> Self {
        let (density, wander) = match kind {
            Offsets::Compacted => {
                let density = LEAST_DENSITY + (MOST_DENSITY - LEAST_DENSITY) * aside.unit();
                (density, Wander::new(DENSITY_WANDER.0, DENSITY_WANDER.1, aside))
            }
            Offsets::Dense | Offsets::Transactional => (1.0, Wander::still()),
        };
        let first = Stretch { begin: BEGIN, end: BEGIN, first: BEGIN, apart: 1.0 };
        Self {
            kind,
            readable: BEGIN,
            end: BEGIN,
            density,
            wander,
            open: 0.0,
            closes: i64::MIN,
            stretches: VecDeque::from([first]),
        }
    }

    /// Messages that a consumer can read: up to the last stable offset.
    pub fn readable(&self) -> f64 {
        self.readable
    }

    /// The offset that the broker shows as the end.
    pub fn end(&self) -> f64 {
        self.end
    }

    /// The offset after a message. A marker behind it belongs to nobody until the next message is
    /// read, so a consumer that has read all stands one before the end.
    pub fn offset(&self, message: f64) -> f64 {
        if self.kind == Offsets::Dense {
            return message;
        }
        let index = self.stretches.partition_point(|stretch| stretch.end < message);
        let Some(stretch) = self.stretches.get(index).or(self.stretches.back()) else {
            return message;
        };
        stretch.first + ((message - stretch.begin) * stretch.apart).round()
    }

    /// Messages are written in the second `now`; the group has committed `committed` of them all.
    pub fn append(&mut self, messages: f64, now: i64, committed: f64, aside: &mut Random) {
        match self.kind {
            Offsets::Dense => {
                self.readable += messages;
                self.end = self.readable;
            }
            Offsets::Compacted => {
                self.wander.step(aside);
                if messages > 0.0 {
                    let density = (self.density * self.wander.level()).min(1.0);
                    let offsets = (messages / density).round();
                    self.extend(messages, offsets / messages);
                }
            }
            Offsets::Transactional => self.write(messages, now, aside),
        }
        while self.stretches.len() > 1 && self.stretches[0].end < committed {
            self.stretches.pop_front();
        }
    }

    /// Messages of a transaction can be read once it has ended; its marker takes an offset.
    fn write(&mut self, messages: f64, now: i64, aside: &mut Random) {
        self.open += messages;
        if now < self.closes {
            return;
        }
        let hangs = aside.unit() < 1.0 / ONE_HANGS_IN;
        let (least, more) = if hangs { HANGS } else { (TRANSACTION, 2) };
        self.closes = now + least + aside.index(more) as i64;
        if self.open > 0.0 {
            let messages = std::mem::take(&mut self.open);
            self.extend(messages, 1.0);
            self.end += 1.0;
        }
    }

    fn extend(&mut self, messages: f64, apart: f64) {
        let (begin, first) = (self.readable, self.end);
        self.readable += messages;
        self.end += (messages * apart).round();
        self.stretches.push_back(Stretch { begin, end: self.readable, first, apart });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A log after 300 seconds of 5 messages each.
    fn log(kind: Offsets) -> Log {
        let mut aside = Random::spread(7);
        let mut log = Log::new(kind, &mut aside);
        (0..300).for_each(|now| log.append(5.0, now, BEGIN, &mut aside));
        log
    }

    #[test]
    fn dense_offsets_count_messages() {
        let log = log(Offsets::Dense);
        assert_eq!((log.readable() as i64, log.end() as i64), (1_001_500, 1_001_500));
        assert_eq!(log.offset(BEGIN + 17.0) as i64, 1_000_017);
    }

    #[test]
    fn compaction_leaves_gaps_and_order() {
        let log = log(Offsets::Compacted);
        let spread = (log.end() - BEGIN) / 1_500.0;
        assert!((1.0..5.0).contains(&spread), "{spread} offsets per message");
        assert!(spread > 1.05, "no gaps");
        assert_eq!(log.offset(log.readable()) as i64, log.end() as i64);
        let offsets: Vec<f64> = (0..=1_500_u16).map(|n| log.offset(BEGIN + f64::from(n))).collect();
        assert!(offsets.is_sorted());
    }

    #[test]
    fn who_has_read_all_stands_before_the_marker() {
        let log = log(Offsets::Transactional);
        assert!(log.readable() <= BEGIN + 1_500.0);
        assert_eq!(log.offset(log.readable()) as i64, log.end() as i64 - 1);
        // Of the markers before, each took an offset.
        assert!(log.end() - BEGIN > log.readable() - BEGIN + 100.0);
    }

    #[test]
    fn an_open_transaction_hides_what_follows() {
        let mut aside = Random::spread(3);
        let mut log = Log::new(Offsets::Transactional, &mut aside);
        let mut longest = 0;
        let mut still = 0;
        for now in 0..3_000 {
            let before = log.end();
            log.append(5.0, now, log.readable(), &mut aside);
            still = if log.end() > before { 0 } else { still + 1 };
            longest = longest.max(still);
        }
        assert!((19..=40).contains(&longest), "the end stood still for {longest} s at most");
    }
}
