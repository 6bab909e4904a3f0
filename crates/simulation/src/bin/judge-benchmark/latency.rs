//! Processing times of messages: log-normal around a median, as a histogram shows them.
//! Knows no pod and no time.

/// Edges of the processing-time histogram, in medians.
pub const EDGES: [f64; 6] = [0.5, 1.0, 1.5, 1.9, 3.0, 5.0];
/// Median processing time relative to the histogram's unit, and σ of its logarithm.
pub const LATENCY_SIGMA: f64 = 0.5;

/// Parts of the messages at or below each edge, for a pod that is so many times slower and adds a
/// delay to each.
pub fn shares_below(slowness: f64, delay: f64) -> [f64; EDGES.len()] {
    EDGES.map(|edge| normal(((edge - delay) / slowness).ln() / LATENCY_SIGMA))
}

/// The standard normal distribution (Abramowitz & Stegun 26.2.17, exact to 10⁻⁷).
pub fn normal(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    let series = t
        * (0.319_381_530
            + t * (-0.356_563_782
                + t * (1.781_477_937 + t * (-1.821_255_978 + t * 1.330_274_429))));
    let tail = (-z * z / 2.0).exp() / std::f64::consts::TAU.sqrt() * series;
    if z >= 0.0 { 1.0 - tail } else { tail }
}
