//! A memory of days: the most that a healthy primary did in each spell it was watched, forgotten
//! within about a week. A short text carries it over restarts; no judge and no canary is known here.

mod peaks;
mod spell;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::normal::steady::primary_steady;
use crate::numbers::{Millis, count, millis, seconds, whole};
use crate::observation::record::Record;
use crate::primary_memory::peaks::{Peaks, Scale};
use crate::primary_memory::spell::Spell;
use crate::settings::remembered::{
    MOST_BURST, MOST_GAP, MOST_RATIO, MOST_WARM_UP, Remembered, RememberedCounts,
};
use crate::signals::ratio::LearnedCounts;

/// The form of the text. Another form is another number.
const VERSION: u32 = 1;
/// Longest text in bytes. Status, where it lives, is part of every write of a `CanaryRollout`.
const MOST_BYTES: usize = 4 * 1_024;
/// Time in which what was seen comes to count half: a tenth of it is left after a week.
const HALF_LIFE: Millis = 2 * 24 * 3_600_000;
/// A memory of a later time than this from now is of a clock that was wrong, and would never fade.
const LARGEST_SKEW: Millis = 3_600_000;
/// Ratios begin at 1, where pods are alike.
const RATIOS: Scale = Scale { least: 1.0, most: MOST_RATIO };

/// What is remembered of a primary.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PrimaryMemory {
    /// Up to when the primary was watched; weights are those of this moment.
    at: Millis,
    #[serde(rename = "gap", default)]
    gaps: Peaks,
    #[serde(rename = "warm", default)]
    warm_ups: Peaks,
    #[serde(default)]
    errors: CountsPeaks,
    #[serde(default)]
    loss: CountsPeaks,
    #[serde(default)]
    latency: CountsPeaks,
}

/// How much pods differed at most, spell by spell.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct CountsPeaks {
    #[serde(rename = "r", default)]
    ratios: Peaks,
    #[serde(rename = "b", default)]
    bursts: Peaks,
}

/// The memory as a text, which is short, because it lives in an object's status.
#[derive(Serialize, Deserialize)]
struct Saved {
    version: u32,
    #[serde(flatten)]
    memory: PrimaryMemory,
}

impl PrimaryMemory {
    /// What [`PrimaryMemory::save`] wrote. Nothing is remembered where that can't be read, is of
    /// another form, or of a time after `now`: it is as if it had been lost.
    #[must_use]
    pub fn read(saved: &str, now: Millis) -> Self {
        let past = |it: &Self| it.at <= now.saturating_add(LARGEST_SKEW);
        Self::parse(saved).filter(past).unwrap_or_default()
    }

    fn parse(saved: &str) -> Option<Self> {
        let is_short = saved.len() <= MOST_BYTES;
        let saved: Saved = is_short.then(|| serde_json::from_str(saved).ok())??;
        let Saved { version, mut memory } = saved;
        memory.at = memory.at.max(0);
        memory.each(Peaks::keep_possible);
        (version == VERSION).then_some(memory)
    }

    /// A text of at most 4 KiB to go on from; of most primaries a few hundred bytes.
    #[must_use]
    pub fn save(&self) -> String {
        let saved = Saved { version: VERSION, memory: self.clone() };
        // Integers and lists of them: there is nothing JSON can't hold.
        serde_json::to_string(&saved).unwrap_or_default()
    }

    /// Up to when the primary was watched, in milliseconds since 1970; 0: it never was.
    #[must_use]
    pub const fn at(&self) -> Millis {
        self.at
    }

    /// Takes in what a record shows of a primary that is steady at its end, if all of it is later than
    /// what was taken in before, so that nothing counts twice. Says whether it was taken in. Of a
    /// record with a canary in it only the starts of primary pods count.
    pub fn take(&mut self, interval: Millis, record: &Record) -> bool {
        let Some((begin, end)) = spell::span(record) else { return false };
        if end.saturating_add(LARGEST_SKEW) < self.at {
            *self = Self::default();
        }
        if begin < self.at || primary_steady(record, end).is_err() {
            return false;
        }
        let spell = Spell::of(interval, record);
        self.fade(end);
        self.gaps.add(gaps(), spell.commit_gap.map(seconds));
        self.warm_ups.add(warm_ups(), spell.warm_up.map(seconds));
        self.errors.add(spell.errors);
        self.loss.add(spell.loss);
        self.latency.add(spell.latency);
        true
    }

    /// What a trial that begins now is given.
    #[must_use]
    pub fn teaches(&self, now: Millis) -> Remembered {
        let mut faded = self.clone();
        faded.fade(now);
        let remembered = Remembered {
            commit_gap: faded.gaps.usual(gaps()).map(millis),
            warm_up: faded.warm_ups.usual(warm_ups()).map(millis),
            errors: faded.errors.usual(),
            loss: faded.loss.usual(),
            latency: faded.latency.usual(),
        };
        remembered.capped()
    }

    /// Weights become those of a later time. An earlier one changes none.
    fn fade(&mut self, now: Millis) {
        let age = now.saturating_sub(self.at).max(0);
        let factor = (-count(age) / count(HALF_LIFE)).exp2();
        self.at = self.at.max(now);
        self.each(|peaks, _| peaks.fade(factor));
    }

    fn each(&mut self, change: impl Fn(&mut Peaks, Scale)) {
        let Self { at: _, gaps: all_gaps, warm_ups: starts, errors, loss, latency } = self;
        change(all_gaps, gaps());
        change(starts, warm_ups());
        for counts in [errors, loss, latency] {
            change(&mut counts.ratios, RATIOS);
            change(&mut counts.bursts, bursts());
        }
    }
}

impl CountsPeaks {
    /// Adds what a spell showed. One without a burst counts as one of a single window, which says that
    /// bursts are rare.
    fn add(&mut self, seen: Option<LearnedCounts>) {
        self.ratios.add(RATIOS, seen.map(|it| it.ratio));
        self.bursts.add(bursts(), seen.map(|it| it.burst.into()));
    }

    fn usual(&self) -> Option<RememberedCounts> {
        let (ratio, burst) = (self.ratios.usual(RATIOS)?, self.bursts.usual(bursts())?);
        let burst = u32::try_from(whole(burst.round())).unwrap_or(MOST_BURST);
        Some(RememberedCounts { ratio, burst })
    }
}

/// Bursts in windows.
fn bursts() -> Scale {
    Scale { least: 1.0, most: MOST_BURST.into() }
}

/// Commit gaps in seconds: none is shorter than the shortest usual poll.
fn gaps() -> Scale {
    Scale { least: 1.0, most: seconds(MOST_GAP) }
}

/// Warm-ups in seconds: what is shorter is over before anything is compared.
fn warm_ups() -> Scale {
    Scale { least: 10.0, most: seconds(MOST_WARM_UP) }
}
