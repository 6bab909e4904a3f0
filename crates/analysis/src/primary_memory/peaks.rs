//! Values of many spells on a coarse scale, each with a weight that fades: a quantile of days in some
//! dozen integers. Knows the meaning of no value.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::numbers::{count, milli};

/// Part of the weight that lies at or below the value which is usual.
const USUAL_QUANTILE: f64 = 0.95;
/// Ratio of two neighboring steps of a scale.
const STEP: f64 = 1.15;
/// Weight of one spell when it is added, in thousandths.
const ONE_SPELL: i64 = 1_000;
/// Weight below which a step is forgotten, in thousandths: one spell of ten days ago.
const FORGOTTEN: i64 = 32;
/// Largest weight of a step. A spell every ten minutes comes to 415 of them.
const MOST_WEIGHT: i64 = 1_000_000;

/// Weights in thousandths of a spell, by step of a scale.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Vec<(u8, i64)>", into = "Vec<(u8, i64)>")]
pub(super) struct Peaks(BTreeMap<u8, i64>);

/// A range in which values are told apart; those beyond count as its ends.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scale {
    /// At least 0 and less than the most.
    pub(super) least: f64,
    pub(super) most: f64,
}

impl From<Vec<(u8, i64)>> for Peaks {
    fn from(list: Vec<(u8, i64)>) -> Self {
        Self(list.into_iter().collect())
    }
}

impl From<Peaks> for Vec<(u8, i64)> {
    fn from(peaks: Peaks) -> Self {
        peaks.0.into_iter().collect()
    }
}

impl Scale {
    /// The step of a value; of none that is no number.
    fn step(self, value: f64) -> Option<u8> {
        let within = value.max(self.least).min(self.most);
        let steps = ((within / self.least).ln() / STEP.ln() - 1e-9).ceil();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates")]
        let step = steps as u8;
        (!value.is_nan()).then_some(step)
    }

    /// The largest value of a step.
    fn value(self, step: u8) -> f64 {
        (self.least * STEP.powi(step.into())).min(self.most)
    }
}

impl Peaks {
    /// Adds what a spell showed, if it showed anything.
    pub(super) fn add(&mut self, scale: Scale, value: Option<f64>) {
        if let Some(step) = value.and_then(|value| scale.step(value)) {
            let weight = self.0.entry(step).or_default();
            *weight = weight.saturating_add(ONE_SPELL).min(MOST_WEIGHT);
        }
    }

    /// Multiplies all weights by a factor of 0 to 1, rounded down: one that were rounded up would
    /// never fade by many small steps.
    pub(super) fn fade(&mut self, factor: f64) {
        self.0.values_mut().for_each(|weight| *weight = milli(count(*weight) / 1_000.0 * factor));
        self.0.retain(|_, weight| FORGOTTEN <= *weight);
    }

    /// The value that few spells exceed; `None`: nothing is remembered.
    pub(super) fn usual(&self, scale: Scale) -> Option<f64> {
        let all: f64 = self.0.values().copied().map(count).sum();
        let mut beyond = 0.0;
        let mut largest_first = self.0.iter().rev();
        let usual = largest_first.find(|(_, weight)| {
            beyond += count(**weight);
            (1.0 - USUAL_QUANTILE) * all < beyond
        });
        usual.map(|(step, _)| scale.value(*step))
    }

    /// Drops what can't have been written, so that no text gets longer by being read.
    pub(super) fn keep_possible(&mut self, scale: Scale) {
        let last = scale.step(scale.most);
        self.0.retain(|step, weight| {
            Some(*step) <= last && (FORGOTTEN..=MOST_WEIGHT).contains(weight)
        });
    }
}
