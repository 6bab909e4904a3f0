//! Always-valid likelihood ratios (Wald 1945; mixtures: Robbins 1970) on errors, slow and lost messages:
//! may be looked at with every poll. They take messages for independent, which they are not.

use crate::rivals::rival::Rival;
use crate::view::View;

/// How many times the margin the canary's rate may be: the mixture.
const TIMES: [f64; 6] = [1.25, 1.6, 2.2, 4.0, 10.0, 50.0];
/// Three metrics share 1 %.
const NEEDED: f64 = 300.0;
/// Most that one poll adds, and the least that a component keeps, as logarithms.
const MOST_AT_ONCE: f64 = 4.605;
const LEAST_KEPT: f64 = -7.0;

/// Evidence that the canary's rate is more than a margin above the primary's.
#[derive(Clone, Debug)]
pub struct LikelihoodRatio {
    /// Times the primary's rate that are no fault.
    pub margin: f64,
    /// Variance of the counts, times that of independent messages.
    pub dispersion: f64,
    logs: [f64; TIMES.len()],
}

/// Events of both roles among their messages.
#[derive(Clone, Copy, Debug)]
pub struct RoleCounts {
    pub canary_events: f64,
    pub canary_messages: f64,
    pub primary_events: f64,
    pub primary_messages: f64,
}

/// Three of them.
#[derive(Clone, Debug)]
pub struct Likelihood([LikelihoodRatio; 3]);

impl LikelihoodRatio {
    /// No evidence yet.
    pub const fn new(margin: f64, dispersion: f64) -> Self {
        Self { margin, dispersion, logs: [0.0; TIMES.len()] }
    }

    /// Takes the counts of a poll: given their sum, the canary's are binomial.
    pub fn add(&mut self, counts: RoleCounts) {
        let RoleCounts { canary_events: x, canary_messages: n, .. } = counts;
        let RoleCounts { primary_events: y, primary_messages: m, .. } = counts;
        if n <= 0.0 || m <= 0.0 {
            return;
        }
        for (log, times) in self.logs.iter_mut().zip(TIMES) {
            let scale = (self.margin * n + m) / (times * self.margin * n + m);
            let gain = (x * (times * scale).ln() + y * scale.ln()) / self.dispersion;
            *log = (*log + gain.min(MOST_AT_ONCE)).max(LEAST_KEPT);
        }
    }

    /// The evidence: 1 is none.
    pub fn value(&self) -> f64 {
        self.logs.iter().map(|log| log.exp()).sum::<f64>() / TIMES.len() as f64
    }
}

impl Likelihood {
    /// Any difference is a fault.
    pub fn strict() -> Self {
        Self(std::array::from_fn(|_| LikelihoodRatio::new(1.0, 1.0)))
    }

    /// Half as much again is none.
    pub fn with_margin() -> Self {
        Self(std::array::from_fn(|_| LikelihoodRatio::new(1.5, 1.0)))
    }
}

impl Rival for Likelihood {
    fn rolls_back(&mut self, view: &View) -> bool {
        let pairs = view.canary.events().into_iter().zip(view.primary.events());
        for (ratio, (canary_events, primary_events)) in self.0.iter_mut().zip(pairs) {
            ratio.add(RoleCounts {
                canary_events,
                canary_messages: view.canary.messages,
                primary_events,
                primary_messages: view.primary.messages,
            });
        }
        self.0.iter().any(|ratio| ratio.value() >= NEEDED)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Evidence after so many polls with a hundred errors of the primary in each.
    fn after(polls: u32, margin: f64, canary_events: f64) -> f64 {
        let mut ratio = LikelihoodRatio::new(margin, 1.0);
        let counts = RoleCounts {
            canary_events,
            canary_messages: 2_000.0,
            primary_events: 100.0,
            primary_messages: 10_000.0,
        };
        (0..polls).for_each(|_| ratio.add(counts));
        ratio.value()
    }

    #[test]
    fn twice_the_rate_is_evidence_beyond_a_margin_and_the_same_rate_is_none() {
        assert!(after(30, 1.0, 40.0) > NEEDED);
        assert!(after(30, 1.5, 40.0) > NEEDED);
        assert!(after(30, 1.0, 20.0) < 1.0);
        assert!(after(30, 2.0, 40.0) < 1.0);
    }

    #[test]
    fn one_poll_decides_nothing() {
        assert!(after(1, 1.0, 2_000.0) < NEEDED);
    }
}
