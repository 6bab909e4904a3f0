//! What was counted since the evidence was last at its least: what a Fail by counts rests on.
//! For people; no verdict rests on it.

use crate::engines::ratio_test::EventCounts;
use crate::numbers::{milli, unmilli};

/// Counts since the evidence of one engine was last at its least.
///
/// Totals can hide what is found: a fault that comes late, or beside an exposure that changes by
/// orders of magnitude, is in a few windows only. So the rates of canary and primary are both
/// those of windows weighed by n·m/(n + m) (Mantel and Haenszel 1959), as the likelihood of the
/// engine weighs them; while the roles' shares of the exposure stay the same, they are the totals'.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Onset {
    ln_least: f64,
    all: EventCounts,
    /// Σ x·m/(n + m), Σ y·n/(n + m) and Σ n·m/(n + m).
    canary: f64,
    primary: f64,
    weight: f64,
}

/// As it is saved: ln of the least evidence in thousandths, and x, n, y, m.
pub(crate) type SavedOnset = (i64, f64, f64, f64, f64);

impl Onset {
    /// Nothing counted; the least evidence is that of now.
    pub(crate) fn at(ln_least: f64) -> Self {
        Self { ln_least, all: EventCounts::default(), canary: 0.0, primary: 0.0, weight: 0.0 }
    }

    /// Takes a window, and ln of the evidence after it.
    pub(crate) fn add(&mut self, counts: EventCounts, ln_value: f64) {
        if ln_value <= self.ln_least {
            *self = Self::at(ln_value);
            return;
        }
        let [x, n, y, m] = counts.letters();
        if n <= 0.0 || m <= 0.0 {
            return;
        }
        self.all = self.all.plus(counts);
        self.canary += x * (m / (n + m));
        self.primary += y * (n / (n + m));
        self.weight += n * (m / (n + m));
    }

    /// Events as they were counted, on the exposure that gives the weighed rates. `None`: nothing
    /// speaks against the canary.
    pub(crate) fn counts(&self) -> Option<EventCounts> {
        let [x, _, y, m] = self.all.letters();
        if self.canary <= 0.0 || self.weight <= 0.0 {
            return None;
        }
        let n = x * (self.weight / self.canary);
        let m = if self.primary > 0.0 { y * (self.weight / self.primary) } else { m };
        Some(EventCounts::new(x, n, y, m))
    }

    /// `None`: nothing was counted, so that the least evidence is that of now.
    pub(crate) fn save(&self) -> Option<SavedOnset> {
        let [x, n, y, m] = self.counts()?.letters();
        let thousandths = |exposure: f64| (exposure * 1_000.0).round() / 1_000.0;
        Some((milli(self.ln_least), x, thousandths(n), y, thousandths(m)))
    }

    /// What [`Onset::save`] wrote, beside evidence of `ln_value`; `None` if it did not write this.
    pub(crate) fn restore(saved: Option<SavedOnset>, ln_value: f64) -> Option<Self> {
        let Some((least, x, n, y, m)) = saved else { return Some(Self::at(ln_value)) };
        let possible = [x, n, y, m].iter().all(|count| (0.0..1e18).contains(count));
        let mut onset = Self::at(f64::NEG_INFINITY);
        onset.add(possible.then_some(EventCounts::new(x, n, y, m))?, 0.0);
        Some(Self { ln_least: unmilli(least), ..onset })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn window(x: f64, n: f64, y: f64, m: f64) -> EventCounts {
        EventCounts::new(x, n, y, m)
    }

    fn rates(onset: &Onset) -> (f64, f64) {
        let [x, n, y, m] = onset.counts().expect("events").letters();
        (x / n, y / m)
    }

    #[test]
    fn with_steady_shares_the_rates_are_those_of_the_totals() {
        let mut onset = Onset::at(0.0);
        onset.add(window(4.0, 200.0, 10.0, 1_000.0), 1.0);
        onset.add(window(6.0, 300.0, 20.0, 1_500.0), 2.0);
        let (canary, primary) = rates(&onset);
        assert!((canary - 10.0 / 500.0).abs() < 1e-12 && (primary - 30.0 / 2_500.0).abs() < 1e-12);
    }

    #[test]
    fn a_window_with_almost_all_exposure_of_one_role_says_almost_nothing() {
        let mut onset = Onset::at(0.0);
        onset.add(window(5.0, 100.0, 5.0, 500.0), 1.0);
        onset.add(window(5.0, 9e14, 0.0, 500.0), 2.0);
        onset.add(window(0.0, 100.0, 5.0, 9e14), 3.0);
        let (canary, primary) = rates(&onset);
        assert!(canary > 1.5 * primary, "{canary} {primary}");
    }

    #[test]
    fn what_came_before_the_least_evidence_is_left_out() {
        let mut onset = Onset::at(0.0);
        onset.add(window(0.0, 100.0, 90.0, 500.0), -3.0);
        assert_eq!((onset.counts(), onset.save()), (None, None));
        onset.add(window(9.0, 100.0, 5.0, 500.0), 1.0);
        assert_eq!(
            onset.counts().map(|it| (it.canary_events, it.primary_events)),
            Some((9.0, 5.0))
        );
        let saved = onset.save();
        let again = Onset::restore(saved, 1.0).expect("saved");
        assert_eq!(again.save(), saved);
        assert_eq!(Onset::restore(Some((0, -1.0, 1.0, 1.0, 1.0)), 1.0), None);
    }
}
