//! Conversions between the integers of observations and the floats of the mathematics.
//! The only place where precision may be lost; nothing here yields NaN or infinity.

/// Milliseconds since the Unix epoch, or a length of time. The clock is read elsewhere; here it is
/// data.
pub type Millis = i64;

/// Milliseconds as seconds.
pub(crate) fn seconds(span: Millis) -> f64 {
    count(span) / 1_000.0
}

/// Seconds as milliseconds, saturating.
#[expect(clippy::cast_possible_truncation, reason = "float-to-int casts saturate; NaN gives 0")]
pub(crate) fn millis(seconds: f64) -> Millis {
    (seconds * 1_000.0) as Millis
}

/// An integer count as a float: exact up to 2⁵³.
#[expect(clippy::cast_precision_loss, reason = "beyond 2^53 a relative error of 1e-16 is harmless")]
pub(crate) fn count(n: i64) -> f64 {
    n as f64
}

/// A number to seven digits, for values that are kept of every partition.
#[expect(clippy::cast_possible_truncation, reason = "the nearest short float; NaN stays NaN")]
pub(crate) fn short(number: f64) -> f32 {
    number as f32
}

/// The length of a list as a count for reports, saturating.
pub(crate) fn tally(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// A number of messages for reports, rounded up; NaN gives 0.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "casts saturate")]
pub(crate) fn whole(number: f64) -> u64 {
    number.ceil() as u64
}

/// The median of some numbers, the mean of the middle two for an even count; `None` without any.
pub(crate) fn median(values: &mut [f64]) -> Option<f64> {
    let (half, even) = (values.len() / 2, values.len().is_multiple_of(2));
    if values.is_empty() {
        return None;
    }
    let (below, middle, _) = values.select_nth_unstable_by(half, f64::total_cmp);
    let lower = below.iter().copied().max_by(f64::total_cmp).filter(|_| even);
    Some(lower.map_or(*middle, |lower| f64::midpoint(lower, *middle)))
}

/// The quantile `q` (0 to 1) of some numbers, by nearest rank; `None` without any.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 ≤ rank ≤ len")]
#[expect(clippy::cast_precision_loss, reason = "lists are far shorter than 2^53")]
pub(crate) fn quantile(values: &mut [f64], q: f64) -> Option<f64> {
    values.sort_unstable_by(f64::total_cmp);
    let rank = (q.clamp(0.0, 1.0) * values.len() as f64).ceil() as usize;
    values.get(rank.saturating_sub(1)).copied()
}

/// Halves a range so many times around the place from which on a rising condition holds. Answers with
/// what is left: where it does not hold yet, and where it does.
pub(crate) fn bisect(
    mut low: f64,
    mut high: f64,
    times: u32,
    mut holds: impl FnMut(f64) -> bool,
) -> (f64, f64) {
    for _ in 0..times {
        let middle = f64::midpoint(low, high);
        if holds(middle) { high = middle } else { low = middle }
    }
    (low, high)
}

/// ln(eᵃ + eᵇ) without leaving the range of floats.
pub(crate) fn ln_add(a: f64, b: f64) -> f64 {
    let (low, high) = if a < b { (a, b) } else { (b, a) };
    high + (low - high).exp().ln_1p()
}

/// A logarithm in thousandths, rounded down; an error in the last bits of the float is ignored.
#[expect(clippy::cast_possible_truncation, reason = "float-to-int casts saturate")]
pub(crate) fn milli(ln: f64) -> i64 {
    (ln * 1_000.0 + 1e-6).floor() as i64
}

/// A number in thousandths, rounded up; an error in the last bits of the float is ignored.
#[expect(clippy::cast_possible_truncation, reason = "float-to-int casts saturate")]
pub(crate) fn milli_up(number: f64) -> i64 {
    (number * 1_000.0 - 1e-6).ceil() as i64
}

/// A logarithm from the thousandths that [`milli`] wrote.
pub(crate) fn unmilli(thousandths: i64) -> f64 {
    count(thousandths) / 1_000.0
}

/// The least multiple of the polling interval that is not shorter than `span`.
pub(crate) fn whole_polls(span: Millis, interval: Millis) -> Millis {
    let polls = span.saturating_add(interval - 1) / interval;
    polls.max(1).saturating_mul(interval)
}

/// Whether a value need not be written down, since a text without it is read as the same.
pub(crate) fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// Milliseconds as hours.
pub(crate) fn hours(span: Millis) -> f64 {
    count(span) / 3_600_000.0
}
