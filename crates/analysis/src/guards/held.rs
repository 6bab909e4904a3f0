//! Values of one moment held against bounds: which pod stands worst, and what that counts as.
//! Pure comparison: where values come from, and what follows, is said elsewhere.

use std::cmp::Ordering;
use std::sync::Arc;

use crate::numbers::median;
use crate::settings::bound::{Against, Bound, Scope};
use crate::settings::check::NoValue;

/// Bounds, and what is held against them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ends {
    pub(crate) lower: Option<Bound>,
    pub(crate) upper: Option<Bound>,
    pub(crate) against: Against,
    pub(crate) scope: Scope,
}

/// A value, or what is known of one.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Level {
    Is(f64),
    /// A value greater than this: a quantile beyond the largest edge of its histogram.
    Above(f64),
}

/// What the pods of each role show at one moment, as far as they are to be compared.
#[derive(Debug, Default)]
pub(crate) struct Values<'a> {
    pub(crate) canary: Vec<(&'a Arc<str>, Level)>,
    pub(crate) primary: Vec<Level>,
    /// What was normal for the primary before the trial.
    pub(crate) before: Option<f64>,
}

/// What one observation said.
#[derive(Clone, Debug)]
pub(crate) struct BoundReading {
    /// The canary's worst pod.
    pub(crate) pod: Arc<str>,
    pub(crate) value: f64,
    /// Median of the primary's pods.
    pub(crate) primary: Option<f64>,
    pub(crate) outcome: BoundOutcome,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum BoundOutcome {
    Within,
    Fails(Bound),
    /// The primary's median is beyond the same bound: the cause is shared.
    Shared(Bound),
}

impl Ends {
    /// The reading, by the bound that it stands worst against; `None`: there is no value.
    ///
    /// # Errors
    /// Nobody knows on which side of a bound the worst pod is, and no other bound is failed.
    pub(crate) fn read(&self, values: Values<'_>) -> Result<Option<BoundReading>, NoValue> {
        let Values { mut canary, primary, before } = values;
        // The name breaks ties, so that the order of the pods says nothing.
        canary.sort_by(|a, b| a.1.order(b.1).then_with(|| b.0.cmp(a.0)));
        let (Some(lowest), Some(highest)) = (canary.first(), canary.last()) else {
            return Ok(None);
        };
        let primary = middle(primary.iter().copied());
        let of_canary = || middle(canary.iter().map(|it| it.1));
        let compared = match self.against {
            Against::Absolute => None,
            Against::Primary => Some(ratio(of_canary(), primary)),
            Against::Before => Some(ratio(of_canary(), before)),
        };
        let (low, high) = match compared {
            None => (lowest.1, highest.1),
            Some(Some(ratio)) => (Level::Is(ratio), Level::Is(ratio)),
            Some(None) => return Ok(None),
        };
        let shared = self.shared(primary, before);
        let ends = [(lowest.0, low, self.lower), (highest.0, high, self.upper)];
        let held = ends.into_iter().filter_map(|(pod, level, bound)| {
            let outcome = outcome(level, bound?, shared);
            let value = level.number();
            Some(outcome.map(|outcome| BoundReading { pod: pod.clone(), value, primary, outcome }))
        });
        let worst = held.max_by_key(|held| held.as_ref().map_or(UNKNOWN, |it| it.outcome.rank()));
        worst.transpose()
    }

    /// The value of the primary that may be beyond the same bound; `None`: nothing is shared.
    fn shared(&self, primary: Option<f64>, before: Option<f64>) -> Option<f64> {
        match (self.scope, self.against) {
            (Scope::Global, _) | (Scope::Pods, Against::Primary) => None,
            (Scope::Pods, Against::Absolute) => primary,
            (Scope::Pods, Against::Before) => ratio(primary, before),
        }
    }
}

fn outcome(level: Level, bound: Bound, shared: Option<f64>) -> Result<BoundOutcome, NoValue> {
    let is_shared = shared.is_some_and(|value| bound.is_crossed_by(value));
    Ok(match (level.crosses(bound)?, is_shared) {
        (false, _) => BoundOutcome::Within,
        (true, true) => BoundOutcome::Shared(bound),
        (true, false) => BoundOutcome::Fails(bound),
    })
}

impl Level {
    /// The number that is known: the value, or one that is less.
    const fn number(self) -> f64 {
        match self {
            Self::Is(value) | Self::Above(value) => value,
        }
    }

    /// What is above a number comes after that number.
    fn order(self, other: Self) -> Ordering {
        let is_above = |it| matches!(it, Self::Above(_));
        let by_number = self.number().total_cmp(&other.number());
        by_number.then_with(|| is_above(self).cmp(&is_above(other)))
    }

    /// Whether it is beyond a bound.
    ///
    /// # Errors
    /// It may be on either side.
    fn crosses(self, bound: Bound) -> Result<bool, NoValue> {
        match (self, bound) {
            (Self::Is(value), _) => Ok(bound.is_crossed_by(value)),
            (Self::Above(edge), Bound::Max(it) | Bound::LessThan(it)) if it <= edge => Ok(true),
            (Self::Above(edge), Bound::Min(it) | Bound::GreaterThan(it)) if it <= edge => Ok(false),
            (
                Self::Above(edge),
                Bound::Max(bound)
                | Bound::LessThan(bound)
                | Bound::Min(bound)
                | Bound::GreaterThan(bound),
            ) => Err(NoValue::BeyondEdges { edge, bound }),
        }
    }
}

impl BoundOutcome {
    /// A bound that only the canary is beyond counts, whatever the other one says.
    const fn rank(self) -> u8 {
        match self {
            Self::Within => 0,
            Self::Shared(_) => 1,
            Self::Fails(_) => 3,
        }
    }
}

/// Rank of an outcome that nobody knows: with a bound in doubt a reading shows no more than a fault
/// by the other one.
const UNKNOWN: u8 = 2;

/// The median of some pods' values, by the numbers that are known of them.
fn middle(values: impl Iterator<Item = Level>) -> Option<f64> {
    median(&mut values.map(Level::number).collect::<Vec<_>>())
}

/// A median as a multiple of another.
fn ratio(one: Option<f64>, reference: Option<f64>) -> Option<f64> {
    let reference = reference.filter(|it| *it != 0.0)?;
    Some(one? / reference).filter(|it| it.is_finite())
}

#[cfg(test)]
mod tests;
