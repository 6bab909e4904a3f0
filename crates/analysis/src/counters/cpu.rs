//! CPU time of one pod beside the messages that it consumed meanwhile.
//! The two may be scraped at different paces; what is much or little is not known here.

use crate::counters::counter::{Count, is_total, rise};
use crate::numbers::{Millis, seconds};

/// Events of a second of CPU: a tick of 10 ms is what most kernels count in. With finer ones a busy
/// pod's noise would be beyond every dispersion that is reckoned with.
pub(crate) const TICKS_PER_SECOND: f64 = 100.0;
/// A total that was not scraped anew for longer says nothing of now.
const LONGEST_SPAN: Millis = 300_000;

/// The time over which ticks were counted.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct CpuSpan {
    /// Age of the pod when counting began, in milliseconds.
    pub(crate) age: Millis,
    pub(crate) seconds: f64,
}

/// Follows the CPU of one process.
#[derive(Clone, Debug, Default)]
pub(crate) struct CpuMeter {
    /// When the latest new total came, and that total.
    base: Option<(Millis, f64)>,
    /// A total that came without the application's counters.
    shown: Option<f64>,
    /// Messages since the latest new total.
    messages: f64,
}

impl CpuMeter {
    /// Takes a total that came between two scrapes of the application.
    pub(crate) fn show(&mut self, total: Option<f64>) {
        self.shown = total.filter(|it| is_total(*it)).or(self.shown);
    }

    /// The total that came and was not counted yet.
    pub(crate) const fn shown(&self) -> Option<f64> {
        self.shown
    }

    /// Adds the messages of a scrape of the application. Answers with ticks on messages, and with the
    /// time over which, once there is another total: a pod that consumes has used some CPU, so an
    /// equal one was not scraped anew.
    pub(crate) fn push(
        &mut self,
        at: Millis,
        messages: f64,
        restarted: bool,
    ) -> Option<(Count, Millis)> {
        self.messages += messages;
        let total = self.shown.take()?;
        let begin = self.base;
        if begin.is_some_and(|(_, before)| before.to_bits() == total.to_bits()) {
            return None;
        }
        self.base = Some((at, total));
        let of = std::mem::take(&mut self.messages);
        let (since, before) =
            begin.filter(|(since, _)| at.saturating_sub(*since) <= LONGEST_SPAN)?;
        let used = rise(Some(before), Some(total), restarted)?;
        Some((Count { events: TICKS_PER_SECOND * used, of }, since))
    }
}

impl CpuSpan {
    /// From a time to another in the life of a pod.
    pub(crate) fn new(created: Millis, since: Millis, now: Millis) -> Self {
        Self { age: since.saturating_sub(created), seconds: seconds(now.saturating_sub(since)) }
    }

    /// Both spans of one pod together.
    pub(crate) fn plus(self, later: Self) -> Self {
        if self.seconds <= 0.0 {
            return later;
        }
        Self { age: self.age, seconds: self.seconds + later.seconds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_wait_for_the_total_that_they_took() {
        let mut meter = CpuMeter::default();
        let mut at = |time, total: Option<f64>, messages| {
            meter.show(total);
            meter.push(time, messages, false)
        };
        assert_eq!(at(0, Some(1.0), 50.0), None, "the first total is where counting begins");
        assert_eq!(at(10, None, 100.0), None);
        assert_eq!(at(20, Some(1.0), 100.0), None, "not scraped anew");
        let count = Count { events: 50.0, of: 300.0 };
        assert_eq!(at(30, Some(1.5), 100.0), Some((count, 0)));
        assert_eq!(at(40, Some(0.5), 100.0), None, "fell without a restart");
        assert_eq!(at(50, Some(0.75), 10.0), Some((Count { events: 25.0, of: 10.0 }, 40)));
        assert_eq!(at(400_000, Some(9.0), 10.0), None, "an age ago");
        assert_eq!(at(400_010, Some(f64::NAN), 10.0), None);
    }

    #[test]
    fn a_process_that_began_anew_counts_from_zero() {
        let mut meter = CpuMeter::default();
        meter.show(Some(8.0));
        assert_eq!(meter.push(0, 0.0, false), None);
        meter.show(Some(0.5));
        assert_eq!(meter.push(10, 5.0, true), Some((Count { events: 50.0, of: 5.0 }, 0)));
    }
}
