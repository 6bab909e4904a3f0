//! Errors that come in batches: most of them small, and some very large.
//! Knows no pod.

use siskin_simulation::random::Random;

/// Largest batch of errors with a heavy tail.
const LARGEST: f64 = 3_000.0;
/// Largest mean of a Poisson number that is counted out; above it, a rounded normal is faster.
pub const COUNTED: f64 = 12.0;

/// Errors in batches of that mean size, most of them small and some very large.
pub fn heavy_tailed(errors: f64, mean: f64, extra: &mut Random) -> f64 {
    let batches = extra.poisson(errors / mean, COUNTED);
    let size = |_| (mean / 3.0 / (1.0 - extra.unit()).powf(1.0 / 1.5)).ceil().min(LARGEST);
    (0..batches as u32).map(size).sum()
}
