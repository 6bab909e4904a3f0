//! A signal of counts as it is saved: margins and logarithms in thousandths, and what was counted.
//! What is restored is checked; it gains no evidence.

use serde::{Deserialize, Serialize};

use crate::counters::counter::Count;
use crate::counters::kind::Kind;
use crate::engines::non_inferiority::NonInferiority;
use crate::engines::onset::{Onset, SavedOnset};
use crate::engines::ratio_test::{EventCounts, Margin, RatioTest};
use crate::normal::spread::{Spread, floor};
use crate::numbers::{milli_up, unmilli};
use crate::signals::ratio::{RatioLimits, RatioSignal};

/// A signal as it is saved: margins and logarithms in thousandths.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedRatio {
    margin: (i64, i64),
    record: (f64, f64),
    fine: (Vec<i64>, Vec<i64>),
    gross: (Vec<i64>, Vec<i64>),
    proof: [i64; 4],
    totals: (f64, f64, f64, f64),
    #[serde(default, skip_serializing_if = "Option::is_none")]
    onset: Option<SavedOnset>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    gross_onset: Option<SavedOnset>,
    /// Windows for which a burst lasts that is no fault, by days.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    burst: u32,
    shown: bool,
    #[serde(default = "yes", skip_serializing_if = "is_yes")]
    exported: bool,
}

impl RatioSignal {
    pub(crate) fn save(&self) -> SavedRatio {
        let Margin { ratio, dispersion, floor: _ } = self.spread.margin();
        let [x, n, y, m] = self.totals.letters();
        SavedRatio {
            // Rounded up: a smaller margin would be more severe than what was learned.
            margin: (milli_up(ratio), milli_up(dispersion)),
            record: (self.record.events, self.record.of),
            fine: self.engine.save(),
            gross: self.gross.save(),
            proof: self.proof.save(),
            totals: (x, n, y, m),
            onset: self.onset.save(),
            gross_onset: self.gross_onset.save(),
            burst: self.limits.burst,
            shown: self.shown,
            exported: self.exported,
        }
    }

    /// What [`RatioSignal::save`] wrote; `None` if it did not write this.
    pub(crate) fn restore(kind: Kind, saved: &SavedRatio, limits: RatioLimits) -> Option<Self> {
        let (ratio, dispersion) = saved.margin;
        let record = Count { events: saved.record.0.max(0.0), of: saved.record.1.max(0.0) };
        let limits = limits.outlasting(saved.burst);
        let (ratio, dispersion) = (unmilli(ratio), unmilli(dispersion));
        let margin = Margin { ratio, dispersion, floor: floor(record) };
        let mut signal = Self::with(kind, limits, Spread::restored(kind, margin), record);
        signal.engine = RatioTest::fine().restored(&saved.fine)?;
        signal.gross = RatioTest::gross().restored(&saved.gross)?;
        signal.proof = NonInferiority::restore(saved.proof);
        signal.onset = Onset::restore(saved.onset, signal.engine.ln_value())?;
        signal.gross_onset = Onset::restore(saved.gross_onset, signal.gross.ln_value())?;
        let (x, n, y, m) = saved.totals;
        let possible = [x, n, y, m].iter().all(|count| (0.0..1e18).contains(count));
        signal.totals = possible.then_some(EventCounts::new(x, n, y, m))?;
        signal.shown = saved.shown;
        signal.exported = saved.exported;
        Some(signal)
    }
}

const fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_one(value: &u32) -> bool {
    *value == 1
}

const fn yes() -> bool {
    true
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes a reference")]
const fn is_yes(value: &bool) -> bool {
    *value
}
