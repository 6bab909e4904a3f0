//! Mann-Whitney as Kayenta applies it: points of one minute, 98 % confidence, tolerance 0.25; a metric
//! that is too high is critical. Judged every five minutes over the whole trial, as its quick start
//! has it; or once, on 30 points and with an effect size, as its best practices say.
//! <https://spinnaker.io/docs/guides/user/canary/best-practices/>

use crate::rivals::rival::Rival;
use crate::view::{Tally, View};

/// Seconds per point.
const POINT: i64 = 60;
/// Normal quantile of 98 % confidence, two-sided.
const QUANTILE: f64 = 2.326;
/// The interval must lie beyond this part of the estimated shift.
const TOLERANCE: f64 = 0.25;
/// Pods of the primary: its lag is not seen, its counts are of so many.
const METRICS: usize = 3;

/// Series of both roles, per metric.
#[derive(Clone, Debug)]
pub struct Ranks {
    /// Points between judgements.
    look: usize,
    /// Least ratio of the means that counts: Kayenta's `criticalIncrease`.
    effect: f64,
    canary: [Vec<f64>; METRICS],
    primary: [Vec<f64>; METRICS],
    tallies: (Tally, Tally),
    next: i64,
}

impl Ranks {
    /// Looks every five minutes, without an effect size.
    pub fn quick() -> Self {
        Self::new(5, 0.0)
    }

    /// Looks once, at half an hour, for half as much again.
    pub fn by_best_practice() -> Self {
        Self::new(30, 1.5)
    }

    fn new(look: usize, effect: f64) -> Self {
        let (canary, primary) = Default::default();
        Self { look, effect, canary, primary, tallies: Default::default(), next: POINT }
    }

    fn is_worse(&self, canary: &[f64], primary: &[f64]) -> bool {
        let sum = |points: &[f64]| points.iter().sum::<f64>();
        is_higher(canary, primary) && sum(canary) >= self.effect * sum(primary)
    }
}

impl Rival for Ranks {
    fn rolls_back(&mut self, view: &View) -> bool {
        self.tallies.0 = self.tallies.0.plus(view.canary);
        self.tallies.1 = self.tallies.1.plus(view.primary);
        if view.second < self.next {
            return false;
        }
        self.next += POINT;
        let (canary, primary) = std::mem::take(&mut self.tallies);
        // Without data there is no point.
        if canary.messages <= 0.0 || primary.messages <= 0.0 {
            return false;
        }
        let points = |tally: Tally| tally.events().map(|count| count / tally.messages);
        for (series, point) in self.canary.iter_mut().zip(points(canary)) {
            series.push(point);
        }
        for (series, point) in self.primary.iter_mut().zip(points(primary)) {
            series.push(point);
        }
        let looks = self.canary[0].len().is_multiple_of(self.look);
        looks && self.canary.iter().zip(&self.primary).any(|(a, b)| self.is_worse(a, b))
    }
}

/// Whether the interval of the Hodges–Lehmann shift from `b` to `a` lies above the tolerance.
fn is_higher(a: &[f64], b: &[f64]) -> bool {
    let mut shifts: Vec<f64> = a.iter().flat_map(|x| b.iter().map(move |y| x - y)).collect();
    shifts.sort_unstable_by(f64::total_cmp);
    let length = |list: &[f64]| f64::from(u16::try_from(list.len()).unwrap_or(u16::MAX));
    let (n, m) = (length(a), length(b));
    let rank = n * m / 2.0 - QUANTILE * (n * m * (n + m + 1.0) / 12.0).sqrt();
    let whole = (1..shifts.len()).take_while(|k| length(&shifts[..*k]) <= rank).count();
    let estimate = shifts.get(shifts.len() / 2).copied().unwrap_or(0.0);
    shifts.get(whole).is_some_and(|low| *low > TOLERANCE * estimate.abs())
}
