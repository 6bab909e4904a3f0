//! Values of one moment held against bounds: which pod stands worst, and what that counts as.
//! Pure comparison: where values come from, and what follows, is said elsewhere.

use std::sync::Arc;

use crate::units::median;
use crate::{Against, Bound};

/// Bounds, and what is held against them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ends {
    pub(super) lower: Option<Bound>,
    pub(super) upper: Option<Bound>,
    pub(super) against: Against,
}

/// What the pods of each role show at one moment, as far as they are to be compared.
#[derive(Debug, Default)]
pub(super) struct Values<'a> {
    pub(super) canary: Vec<(&'a Arc<str>, f64)>,
    pub(super) primary: Vec<f64>,
}

/// What one observation said.
#[derive(Clone, Debug)]
pub(super) struct Reading {
    /// The canary's worst pod.
    pub(super) pod: Arc<str>,
    pub(super) value: f64,
    /// Median of the primary's pods.
    pub(super) primary: Option<f64>,
    pub(super) outcome: Outcome,
}

#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Outcome {
    Within,
    Fails(Bound),
    /// The primary's median is beyond the same bound: the cause is shared.
    Shared(Bound),
}

impl Ends {
    /// The reading, by the bound that it stands worst against; `None`: there is no value.
    pub(super) fn read(&self, values: Values<'_>) -> Option<Reading> {
        let Values { mut canary, mut primary } = values;
        // The name breaks ties, so that the order of the pods says nothing.
        canary.sort_by(|a, b| a.1.total_cmp(&b.1).then_with(|| b.0.cmp(a.0)));
        let (lowest, highest) = (*canary.first()?, *canary.last()?);
        let primary = median(&mut primary);
        let (low, high) = match self.against {
            Against::Absolute => (lowest.1, highest.1),
            Against::Primary => {
                let mut all: Vec<f64> = canary.iter().map(|(_, value)| *value).collect();
                let reference = primary.filter(|it| *it != 0.0)?;
                let ratio = Some(median(&mut all)? / reference).filter(|it| it.is_finite())?;
                (ratio, ratio)
            }
        };
        let ends = [(lowest.0, low, self.lower), (highest.0, high, self.upper)];
        let held = ends.into_iter().filter_map(|(pod, value, bound)| {
            let outcome = self.outcome(value, bound?, primary);
            Some(Reading { pod: pod.clone(), value, primary, outcome })
        });
        held.max_by_key(|reading| reading.outcome.rank())
    }

    fn outcome(&self, value: f64, bound: Bound, primary: Option<f64>) -> Outcome {
        let is_shared = match self.against {
            Against::Absolute => primary.is_some_and(|value| bound.is_crossed_by(value)),
            Against::Primary => false,
        };
        match (bound.is_crossed_by(value), is_shared) {
            (false, _) => Outcome::Within,
            (true, true) => Outcome::Shared(bound),
            (true, false) => Outcome::Fails(bound),
        }
    }
}

impl Outcome {
    /// A bound that only the canary is beyond counts, whatever the other one says.
    const fn rank(self) -> u8 {
        match self {
            Self::Within => 0,
            Self::Shared(_) => 1,
            Self::Fails(_) => 2,
        }
    }
}
