//! How much primary pods differ among themselves, in rate and in noise: the margin of a count.
//! Learned from the record; the ratio goes on rising during the trial, from live primary pods.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::constants::{COUNT_WINDOW, Constant};
use crate::counters::counter::Count;
use crate::counters::kind::Kind;
use crate::counters::rise::{Rise, primary_counts};
use crate::engines::ratio_test::Margin;
use crate::normal::prediction::prediction_limit;
use crate::numbers::tally;

/// Largest margin: however badly one primary pod once did, a canary with a larger ratio can be
/// failed.
const MOST_RATIO: f64 = 20.0;
/// Windows of 10 s in the blocks over which noise is measured: 10 s, 1 min, 5 min. Clusters of
/// minutes don't show in shorter blocks.
const NOISE_BLOCKS: [usize; 3] = [1, 6, 30];
/// Windows of 10 s in the blocks over which ratios are measured.
const RATIO_BLOCK: usize = 30;
/// Standard deviation of the CPU that a pod takes for a message, from one window to the next, however
/// even it was in the record.
const LEAST_NOISE_OF_CPU: f64 = 0.1;
/// Excess over the worst primary pod's CPU per message that is still healthy. Collections of garbage make
/// one pod of several look dear in any five minutes, so that the worst has some excess already.
const BEYOND_WORST_OF_CPU: f64 = 0.1;
/// Degrees of freedom, at dispersion 1, added to what was measured: five minutes fit only twice
/// into a record, and two blocks tell little.
const PSEUDO_FREEDOM: f64 = 10.0;
/// The dispersion assumed where the record has no event.
const UNKNOWN_DISPERSION: f64 = 2.0;
/// Events below which a measured dispersion is doubled.
const FEW_EVENTS: f64 = 100.0;
/// Dispersion beyond which a signal says nothing within hours, so that larger needs no number.
const MOST_DISPERSION: f64 = 1_000.0;

/// A rate is nobody's fault up to this multiple of the largest that the record leaves possible.
const FLOOR_RATIO: f64 = 3.0;
/// However clean the record, a rate below this part of [`Constant::RateFloor`] is nobody's fault.
const LEAST_FLOOR: f64 = 0.1;

/// Counts by primary pod.
type PodCounts = BTreeMap<Arc<str>, Count>;

/// The margin of one signal.
#[derive(Clone, Debug)]
pub(crate) struct Spread {
    margin: Margin,
    /// The block under way.
    block: PodCounts,
    windows: usize,
}

impl Spread {
    /// Learns from the windows of a record.
    pub(crate) fn learn(kind: Kind, record: &[Vec<Rise>]) -> Self {
        let windows: Vec<PodCounts> = record.iter().map(|window| by_pod(kind, window)).collect();
        let counts = windows.iter().flat_map(PodCounts::values).copied();
        let margin = Margin {
            ratio: least_ratio_beside(kind, &windows),
            dispersion: tempered(kind, &windows),
            floor: floor(counts.sum::<Count>()),
        };
        let mut spread = Self::restored(kind, margin);
        for window in record {
            spread.watch(kind, window);
        }
        // A record that ends within a block is still the best there is.
        if spread.windows * 2 >= of_its_windows(kind, RATIO_BLOCK) {
            spread.close(kind);
        }
        spread.restart();
        spread
    }

    /// The spread with a ratio of at least this.
    pub(crate) fn no_narrower_than(mut self, ratio: f64) -> Self {
        self.margin.ratio = self.margin.ratio.max(ratio).min(MOST_RATIO);
        self
    }

    /// A spread with a saved margin.
    pub(crate) fn restored(kind: Kind, margin: Margin) -> Self {
        let margin = Margin {
            ratio: margin.ratio.clamp(least_ratio(kind), MOST_RATIO),
            dispersion: margin.dispersion.clamp(1.0, MOST_DISPERSION),
            floor: margin.floor,
        };
        Self { margin, block: PodCounts::new(), windows: 0 }
    }

    /// The margin for the next window: it rests on earlier ones only.
    pub(crate) fn margin(&self) -> Margin {
        self.margin
    }

    /// Adds the primary's part of a window, for the margin of later windows.
    pub(crate) fn watch(&mut self, kind: Kind, window: &[Rise]) {
        for (pod, count) in by_pod(kind, window) {
            let sum = self.block.entry(pod).or_default();
            *sum = sum.plus(count);
        }
        self.windows += 1;
        if self.windows >= of_its_windows(kind, RATIO_BLOCK) {
            self.close(kind);
        }
    }

    fn restart(&mut self) {
        self.block.clear();
        self.windows = 0;
    }

    /// Raises the ratio to what the pods of a block show of pods.
    fn close(&mut self, kind: Kind) {
        let shown = match kind {
            Kind::Errors | Kind::Loss | Kind::Latency | Kind::User(_) => ratio_limit(&self.block),
            // Its least margin is a prediction limit already.
            Kind::Cpu => worst_ratio(&self.block).map(|it| (1.0 + BEYOND_WORST_OF_CPU) * it),
        };
        if let Some(ratio) = shown {
            self.margin.ratio = self.margin.ratio.max(ratio.min(MOST_RATIO));
        }
        self.restart();
    }
}

/// The largest ratio of a pod's rate to the others'; `None`: there are no others.
fn worst_ratio(block: &PodCounts) -> Option<f64> {
    let total = block.values().copied().sum::<Count>();
    let pseudo = Constant::PseudoEvents.value();
    let ratio = |count: &Count| {
        let others = total.without(*count);
        (others.of > 0.0).then(|| (count.events + pseudo) / (count.of * others.rate() + pseudo))
    };
    block.values().filter_map(ratio).reduce(f64::max)
}

/// The ratio to the others' rate that one more healthy pod exceeds with a probability of ½ %: the
/// prediction limit for the ln of a rate, with [`Constant::PodDeviation`]. `None`: no other pod, or no
/// event.
fn ratio_limit(block: &PodCounts) -> Option<f64> {
    let total = block.values().copied().sum::<Count>();
    if total.events <= 0.0 {
        return None;
    }
    let pseudo = Constant::PseudoEvents.value();
    let level = |count: &Count| ((count.events + pseudo) / (count.of * total.rate() + pseudo)).ln();
    let levels: Vec<f64> = block.values().map(level).collect();
    prediction_limit(&levels, Constant::PodDeviation.value()).map(f64::exp)
}

/// The rate that is nobody's fault where the record has these counts: ten times what it leaves
/// possible.
pub(crate) fn floor(record: Count) -> f64 {
    let most = Constant::RateFloor.value();
    (FLOOR_RATIO * record.largest_rate()).clamp(LEAST_FLOOR * most, most)
}

fn by_pod(kind: Kind, window: &[Rise]) -> PodCounts {
    primary_counts(kind, window).map(|(pod, count)| (pod.clone(), count)).collect()
}

/// The dispersion to divide by, from the windows of a record: max(1, 1.5·φ̂ − 0.5), so that what
/// a short record underestimates is covered.
fn tempered(kind: Kind, windows: &[PodCounts]) -> f64 {
    let events: f64 = windows.iter().flat_map(PodCounts::values).map(|count| count.events).sum();
    let measured = if events > 0.0 {
        let blocks =
            NOISE_BLOCKS.map(|length| dispersion(&merged(windows, of_its_windows(kind, length))));
        let largest = blocks.into_iter().fold(least_dispersion(kind, windows), f64::max);
        if events < FEW_EVENTS { 2.0 * largest } else { largest }
    } else {
        match kind {
            // No message is lost where all is well: that none was says nothing of noise.
            Kind::Loss => 1.0,
            Kind::Errors | Kind::Latency | Kind::Cpu | Kind::User(_) => UNKNOWN_DISPERSION,
        }
    };
    (1.5 * measured - 0.5).clamp(1.0, MOST_DISPERSION)
}

/// Joins windows to blocks of `length`; an incomplete block at the end is dropped.
fn merged(windows: &[PodCounts], length: usize) -> Vec<PodCounts> {
    let together = |block: &[PodCounts]| {
        let mut sum: PodCounts = PodCounts::new();
        for (pod, count) in block.iter().flatten() {
            let total = sum.entry(pod.clone()).or_default();
            *total = total.plus(*count);
        }
        sum
    };
    windows.chunks_exact(length).map(together).collect()
}

/// Pearson's χ² of blocks × pods per degree of freedom, drawn towards 1. Each pod is expected to
/// have its own rate, and each block its own level: both are no noise.
fn dispersion(blocks: &[PodCounts]) -> f64 {
    let level = |block: &PodCounts| block.values().copied().sum::<Count>().rate();
    // Per pod: its events, and those it would have had at each block's level.
    let mut own: BTreeMap<&Arc<str>, (f64, f64)> = BTreeMap::new();
    for block in blocks {
        let level = level(block);
        for (pod, count) in block {
            let (events, expected) = own.entry(pod).or_default();
            *events += count.events;
            *expected += count.of * level;
        }
    }
    let mut squares = 0.0;
    for block in blocks {
        let level = level(block);
        for (pod, count) in block {
            let (events, expected) = own.get(pod).copied().unwrap_or_default();
            let mean = if expected > 0.0 { count.of * level * events / expected } else { 0.0 };
            if mean > 0.0 {
                squares += (count.events - mean).powi(2) / mean;
            }
        }
    }
    let freedom = f64::from(tally(own.len().saturating_sub(1)))
        * f64::from(tally(blocks.len().saturating_sub(1)));
    (squares + PSEUDO_FREEDOM) / (freedom + PSEUDO_FREEDOM)
}

fn least_ratio(kind: Kind) -> f64 {
    1.0 + kind.least_excess()
}

/// The least margin where so many primary pods are left beside the canary: the fewer, the less is known of
/// how far its node is from theirs. The limit that is predicted of one more pod grows as √(1 + 1/K).
fn least_ratio_beside(kind: Kind, windows: &[PodCounts]) -> f64 {
    match kind {
        Kind::Errors | Kind::Loss | Kind::Latency | Kind::User(_) => least_ratio(kind),
        Kind::Cpu => {
            let most = windows.iter().map(PodCounts::len).max().unwrap_or(0);
            let left = f64::from(tally(most.saturating_sub(1).max(1)));
            1.0 + kind.least_excess() * (1.0 + 1.0 / left).sqrt()
        }
    }
}

/// So many windows of 10 s, in windows of that kind.
fn of_its_windows(kind: Kind, windows: usize) -> usize {
    let length = usize::try_from(kind.window() / COUNT_WINDOW).unwrap_or(1);
    (windows / length).max(1)
}

/// The dispersion that is assumed at least: counts of a part of a pod's time don't vary less than the
/// time does.
fn least_dispersion(kind: Kind, windows: &[PodCounts]) -> f64 {
    match kind {
        Kind::Errors | Kind::Loss | Kind::Latency | Kind::User(_) => 1.0,
        Kind::Cpu => {
            let counts = || windows.iter().flat_map(PodCounts::values).map(|count| count.events);
            let mean = counts().sum::<f64>() / f64::from(tally(counts().count())).max(1.0);
            (LEAST_NOISE_OF_CPU.powi(2) * mean).max(1.0)
        }
    }
}

#[cfg(test)]
mod tests;
