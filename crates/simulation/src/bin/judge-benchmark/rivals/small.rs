//! A small judge, for what Siskin's other lines buy: likelihood ratios with a margin and a dispersion
//! learned from the record, a stall rule, a crash rule, and "60 s and 3 times as far behind for 2 min".

mod courses;
mod lesson;

use std::collections::BTreeMap;

use self::courses::PartitionCourses;
use self::lesson::Lesson;
use crate::rivals::likelihood::{LikelihoodRatio, RoleCounts};
use crate::rivals::rival::Rival;
use crate::view::{PartitionOffsets, View};

/// Evidence from which it rolls back.
const NEEDED: f64 = 500.0;
/// Seconds of a pod's life in which errors, slow messages and lost ones don't count.
const GRACE: [i64; 3] = [60, 180, 0];
/// Rate below which nothing is a fault.
const FLOOR: f64 = 0.001;
/// Container restarts that are a crash loop.
const CRASHES: u32 = 2;
/// Seconds behind, times the record's or the primary's, and polls in a row, that are too much.
const BEHIND: f64 = 60.0;
const TIMES_BEHIND: f64 = 3.0;
const POLLS_BEHIND: u32 = 12;
/// Part of the primary's partitions that stand still where nobody is to blame.
const SHARED: f64 = 0.2;

/// The judge.
#[derive(Clone, Debug, Default)]
pub struct Small {
    lesson: Lesson,
    tests: Vec<LikelihoodRatio>,
    courses: PartitionCourses,
    /// Polls in a row in which a partition was too far behind.
    behind: BTreeMap<i32, u32>,
    /// What was missing at the latest poll, and what is lost for good.
    missing: f64,
    lost: f64,
}

impl Rival for Small {
    fn learn(&mut self, view: &View) {
        self.courses.add(view);
        self.lesson.add(view, &self.courses);
    }

    fn rolls_back(&mut self, view: &View) -> bool {
        if self.tests.is_empty() {
            self.tests = self.lesson.tests();
            self.courses.forget_silence(view.second);
        }
        if view.restarts >= CRASHES || view.crash_loop {
            return true;
        }
        self.count(view);
        self.courses.add(view);
        let is_worse = self.tests.iter().any(|test| test.value() >= NEEDED);
        is_worse || view.answered && (self.stalls(view) || self.falls_behind(view))
    }
}

impl Small {
    fn count(&mut self, view: &View) {
        // What is missing at two polls in a row is lost; at one, it may be in flight.
        let lost = self.lost.max(view.missing.min(self.missing));
        let more = lost - self.lost;
        (self.missing, self.lost) = (view.missing, lost);
        let [errors, slow, _] = view.canary.events();
        let [primary_errors, primary_slow, _] = view.primary.events();
        let events = [(errors, primary_errors), (slow, primary_slow), (more, 0.0)];
        let age = view.age.unwrap_or(0);
        for ((test, grace), (canary_events, usual)) in self.tests.iter_mut().zip(GRACE).zip(events)
        {
            let primary_messages = view.primary.messages;
            let floor = FLOOR / test.margin * primary_messages;
            let canary_messages = view.canary.messages;
            let primary_events = usual.max(floor);
            if age >= grace {
                test.add(RoleCounts {
                    canary_events,
                    canary_messages,
                    primary_events,
                    primary_messages,
                });
            }
        }
    }

    fn stalls(&self, view: &View) -> bool {
        let wait = self.lesson.stall_wait();
        let silent = |it: &&PartitionOffsets| self.courses.silence(it, view.second) >= wait;
        let primary = view.primary_partitions.iter().filter(silent).count() as f64;
        let is_shared = primary > SHARED * view.primary_partitions.len() as f64;
        !is_shared && view.partitions.iter().any(|it| silent(&it))
    }

    fn falls_behind(&mut self, view: &View) -> bool {
        let usual = self.lesson.largest_lag();
        let now = self.courses.median_lag(&view.primary_partitions);
        self.behind.retain(|id, _| view.partitions.iter().any(|it| it.partition == *id));
        let mut is_too_far = false;
        for it in &view.partitions {
            let lag = self.courses.lag(it.partition);
            let is_far = lag > (TIMES_BEHIND * usual).max(BEHIND) && lag > TIMES_BEHIND * now;
            let polls = self.behind.entry(it.partition).or_default();
            *polls = if is_far { *polls + 1 } else { 0 };
            is_too_far |= *polls >= POLLS_BEHIND;
        }
        is_too_far
    }
}
