//! How much primary pods differ among themselves, in rate and in noise: the margin of a count.
//! Learned from the record; the ratio goes on rising during the trial, from live primary pods.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::constants::Constant;
use crate::counters::counter::Count;
use crate::counters::kind::Kind;
use crate::counters::rise::Rise;
use crate::engines::ratio_test::Margin;
use crate::numbers::tally;
use crate::observation::Role;

/// Largest margin: however badly one primary pod once did, a canary with a larger ratio can be
/// failed.
const MOST_RATIO: f64 = 20.0;
/// Windows of 10 s in the blocks over which noise is measured: 10 s, 1 min, 5 min. Clusters of
/// minutes don't show in shorter blocks.
const NOISE_BLOCKS: [usize; 3] = [1, 6, 30];
/// Windows in the blocks over which ratios are measured.
const RATIO_BLOCK: usize = 30;
/// Degrees of freedom, at dispersion 1, added to what was measured: five minutes fit only twice
/// into a record, and two blocks tell little.
const PSEUDO_FREEDOM: f64 = 10.0;
/// The dispersion assumed where the record has no event.
const UNKNOWN_DISPERSION: f64 = 2.0;
/// Events below which a measured dispersion is doubled.
const FEW_EVENTS: f64 = 100.0;
/// Dispersion beyond which a signal says nothing within hours, so that larger needs no number.
const MOST_DISPERSION: f64 = 1_000.0;

/// The margin of one signal.
#[derive(Clone, Debug)]
pub(crate) struct Spread {
    margin: Margin,
    /// The block under way, by primary pod.
    block: BTreeMap<Arc<str>, Count>,
    windows: usize,
}

impl Spread {
    /// Learns from the windows of a record.
    pub(crate) fn learn(kind: Kind, record: &[Vec<Rise>]) -> Self {
        let windows: Vec<BTreeMap<Arc<str>, Count>> =
            record.iter().map(|window| by_pod(kind, window)).collect();
        let mut spread = Self::restored(Margin { ratio: least_ratio(), dispersion: 1.0 });
        spread.margin.dispersion = tempered(kind, &windows);
        for window in record {
            spread.watch(kind, window);
        }
        // A record that ends within a block is still the best there is.
        if spread.windows * 2 >= RATIO_BLOCK {
            spread.close();
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
    pub(crate) fn restored(margin: Margin) -> Self {
        let margin = Margin {
            ratio: margin.ratio.clamp(least_ratio(), MOST_RATIO),
            dispersion: margin.dispersion.clamp(1.0, MOST_DISPERSION),
        };
        Self { margin, block: BTreeMap::new(), windows: 0 }
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
        if self.windows >= RATIO_BLOCK {
            self.close();
        }
    }

    fn restart(&mut self) {
        self.block.clear();
        self.windows = 0;
    }

    /// Compares each pod of a block with all others.
    fn close(&mut self) {
        let total = self.block.values().copied().fold(Count::default(), Count::plus);
        let pseudo = Constant::PseudoEvents.value();
        let beyond = 1.0 + Constant::BeyondWorst.value();
        for count in self.block.values() {
            let others = Count { events: total.events - count.events, of: total.of - count.of };
            if others.of > 0.0 {
                let expected = count.of * others.rate();
                let ratio = (count.events + pseudo) / (expected + pseudo);
                let healthy = (beyond * ratio).min(MOST_RATIO);
                self.margin.ratio = self.margin.ratio.max(healthy);
            }
        }
        self.restart();
    }
}

fn by_pod(kind: Kind, window: &[Rise]) -> BTreeMap<Arc<str>, Count> {
    let primary = window.iter().filter(|rise| rise.role == Role::Primary);
    let counted = primary.map(|rise| (rise.pod.clone(), rise.count(kind)));
    counted.filter(|(_, count)| count.of > 0.0).collect()
}

/// The dispersion to divide by, from the windows of a record: max(1, 1.5·φ̂ − 0.5), so that what
/// a short record underestimates is covered.
fn tempered(kind: Kind, windows: &[BTreeMap<Arc<str>, Count>]) -> f64 {
    let events: f64 = windows.iter().flat_map(BTreeMap::values).map(|count| count.events).sum();
    let measured = if events > 0.0 {
        let blocks = NOISE_BLOCKS.map(|length| dispersion(&merged(windows, length)));
        let largest = blocks.into_iter().fold(1.0, f64::max);
        if events < FEW_EVENTS { 2.0 * largest } else { largest }
    } else {
        match kind {
            // No message is lost where all is well: that none was says nothing of noise.
            Kind::Loss => 1.0,
            Kind::Errors | Kind::Latency | Kind::User(_) => UNKNOWN_DISPERSION,
        }
    };
    (1.5 * measured - 0.5).clamp(1.0, MOST_DISPERSION)
}

/// Joins windows to blocks of `length`; an incomplete block at the end is dropped.
fn merged(windows: &[BTreeMap<Arc<str>, Count>], length: usize) -> Vec<BTreeMap<Arc<str>, Count>> {
    let together = |block: &[BTreeMap<Arc<str>, Count>]| {
        let mut sum: BTreeMap<Arc<str>, Count> = BTreeMap::new();
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
fn dispersion(blocks: &[BTreeMap<Arc<str>, Count>]) -> f64 {
    let level = |block: &BTreeMap<Arc<str>, Count>| {
        block.values().copied().fold(Count::default(), Count::plus).rate()
    };
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

fn least_ratio() -> f64 {
    1.0 + Constant::LeastRatio.value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use siskin_simulation::random::Random;

    /// Ten minutes of five pods with these rates, counted in batches.
    fn record(rates: [f64; 5], batch: f64, seed: u32) -> Vec<BTreeMap<Arc<str>, Count>> {
        let mut random = Random::spread(u64::from(seed));
        let window = |_| {
            let pod = |(i, rate): (usize, &f64)| {
                let events = batch * random.poisson(1_000.0 * rate / batch, f64::INFINITY);
                (Arc::from(format!("pod-{i}")), Count { events, of: 1_000.0 })
            };
            rates.iter().enumerate().map(pod).collect()
        };
        (0..60).map(window).collect()
    }

    #[test]
    fn poisson_counts_have_almost_no_excess_and_batches_have_theirs() {
        let mean = |rates: [f64; 5], batch: f64| {
            let sum: f64 =
                (0..100).map(|seed| tempered(Kind::Errors, &record(rates, batch, seed))).sum();
            sum / 100.0
        };
        let (plain, unequal) = (mean([0.01; 5], 1.0), mean([0.01, 0.02, 0.01, 0.03, 0.01], 1.0));
        assert!((1.0..1.4).contains(&plain), "{plain}");
        assert!((1.0..1.4).contains(&unequal), "pods with rates of their own: {unequal}");
        let batches = mean([0.01; 5], 4.0);
        assert!((4.0..7.5).contains(&batches), "{batches}");
    }

    #[test]
    fn without_events_noise_is_assumed() {
        assert!((tempered(Kind::Errors, &record([0.0; 5], 1.0, 1)) - 2.5).abs() < 1e-9);
        assert!((tempered(Kind::Loss, &record([0.0; 5], 1.0, 1)) - 1.0).abs() < 1e-9);
        assert!(tempered(Kind::Errors, &record([0.000_1; 5], 1.0, 1)) >= 1.5, "few events");
    }

    #[test]
    fn the_ratio_is_that_of_the_worst_pod_against_the_others_and_never_falls() {
        let mut spread = Spread::restored(Margin { ratio: 1.0, dispersion: 0.0 });
        assert_eq!(spread.margin(), Margin { ratio: least_ratio(), dispersion: 1.0 });
        spread.block = record([0.01, 0.01, 0.03, 0.01, 0.01], 1.0, 1).remove(0);
        spread
            .block
            .values_mut()
            .for_each(|count| *count = Count { events: 60.0 * count.events, of: 60.0 * count.of });
        spread.close();
        let ratio = spread.margin().ratio;
        assert!((2.5..4.5).contains(&ratio), "{ratio}");
        spread.block = record([0.01; 5], 1.0, 2).remove(0);
        spread.close();
        assert!((spread.margin().ratio - ratio).abs() < 1e-12);
    }
}
