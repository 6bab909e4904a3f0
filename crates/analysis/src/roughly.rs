//! Numbers in steps, for texts that are told again with every observation: they change when what
//! they say does, not with every reading. Whoever needs the figure takes it from the data.

use std::fmt::{self, Display, Formatter};

use crate::effect::Figure;
use crate::finding::Span;
use crate::observation::Millis;
use crate::units::millis;
use crate::{Effect, Signal};

/// A length of time that goes on. `less than a minute`, `3 min`, `1 h 20 min`.
pub(crate) struct Roughly(pub(crate) Millis);

/// A length of time that is left, rounded up. `1 min`, `3 min`, `1 h 20 min`.
pub(crate) struct Remaining(pub(crate) Millis);

/// A length of time, in seconds, that goes up and down, rounded up: so it stays above a bound that
/// it is above of. `10 s`, `30 s`, `2 min`, `20 min`.
pub(crate) struct AtMost(pub(crate) f64);

/// A size above 0 that wavers, to the nearest of 1, 2, 5, 10, 20 and so on; below 1, of 0.5, 0.2.
pub(crate) struct About(pub(crate) f64);

/// How large an effect is that is still being measured.
pub(crate) struct Measuring<'a>(pub(crate) &'a Signal, pub(crate) &'a Effect);

impl Display for Roughly {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let seconds = self.0.saturating_add(500) / 1_000;
        match seconds {
            ..60 => f.write_str("less than a minute"),
            60..600 => write!(f, "{} min", seconds / 60),
            600.. => Span(seconds / 600 * 600_000).fmt(f),
        }
    }
}

impl Display for Remaining {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        up(self.0, if self.0 <= 600_000 { 60_000 } else { 600_000 }).fmt(f)
    }
}

impl Display for AtMost {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // Each about twice the one before: what grows is told anew when it has doubled.
        const SECONDS: [Millis; 8] = [10, 30, 60, 120, 300, 600, 1_200, 1_800];
        let time = millis(self.0);
        let step = SECONDS.into_iter().map(|it| it * 1_000).find(|step| time <= *step);
        step.map_or_else(|| up(time, 3_600_000), Span).fmt(f)
    }
}

/// Whole steps, one at least.
fn up(time: Millis, step: Millis) -> Span {
    let steps = (time.max(1) - 1) / step + 1;
    Span(steps.saturating_mul(step))
}

impl Display for About {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        // Below and above them nothing that is told here has a meaning; the logarithm has its bounds.
        let size = self.0.clamp(1e-9, 1e15);
        let ten = 10_f64.powf(size.log10().floor());
        // The borders are the geometric means of neighbours.
        let step = match size / ten {
            ..1.414 => 1.0,
            1.414..3.162 => 2.0,
            3.162..7.071 => 5.0,
            _ => 10.0,
        };
        Figure(step * ten).fmt(f)
    }
}

impl Display for Measuring<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self(signal, effect) = self;
        match effect {
            Effect::Ratio { ratio, .. } => {
                let what = match signal {
                    Signal::User(_) => "the share",
                    Signal::Lag
                    | Signal::Latency
                    | Signal::Loss
                    | Signal::Errors
                    | Signal::Memory
                    | Signal::Yield
                    | Signal::Restarts
                    | Signal::Churn => "as many per message",
                };
                write!(f, "about {} times {what}", Times(*ratio))
            }
            Effect::PerHour { events, normal, .. } => {
                write!(f, "{events:.0} so far; {normal:.1} per pod and hour are normal")
            }
            Effect::Skipped { share } => {
                write!(
                    f,
                    "about {} % of what was committed was not worked on",
                    About(100.0 * share)
                )
            }
            Effect::Growth { bytes_per_minute, .. } => {
                write!(f, "about {} MiB more each minute", About(bytes_per_minute / 1_048_576.0))
            }
            Effect::Bounded { failing, limit, .. } => {
                write!(f, "failing readings: {failing} (limit {limit})")
            }
        }
    }
}

/// A ratio of rates: near 1 in steps of a half, above 3 as any size.
struct Times(f64);

impl Display for Times {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self.0 {
            ..3.0 => Figure((self.0.max(0.0) * 2.0).round() / 2.0).fmt(f),
            more => About(more).fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_goes_on_is_told_in_steps() {
        for (seconds, text) in [
            (0, "less than a minute"),
            (59, "less than a minute"),
            (60, "1 min"),
            (119, "1 min"),
            (599, "9 min"),
            (600, "10 min"),
            (4_799, "1 h 10 min"),
            (4_800, "1 h 20 min"),
        ] {
            assert_eq!(Roughly(seconds * 1_000).to_string(), text);
        }
    }

    #[test]
    fn a_time_that_is_left_is_never_told_shorter_than_it_is() {
        for (seconds, text) in [
            (-1, "1 min"),
            (0, "1 min"),
            (60, "1 min"),
            (61, "2 min"),
            (600, "10 min"),
            (601, "20 min"),
            (3_601, "1 h 10 min"),
        ] {
            assert_eq!(Remaining(seconds * 1_000).to_string(), text);
        }
        assert!(!Remaining(Millis::MAX).to_string().is_empty());
    }

    #[test]
    fn a_time_that_wavers_is_never_told_smaller_than_it_is() {
        for (seconds, text) in [
            (-1.0, "10 s"),
            (0.0, "10 s"),
            (0.1, "10 s"),
            (10.0, "10 s"),
            (10.1, "30 s"),
            (60.0, "1 min"),
            (61.0, "2 min"),
            (600.0, "10 min"),
            (601.0, "20 min"),
            (1_801.0, "1 h 0 min"),
            (3_601.0, "2 h 0 min"),
            (f64::NAN, "10 s"),
        ] {
            assert_eq!(AtMost(seconds).to_string(), text, "{seconds}");
        }
        assert!(!AtMost(f64::INFINITY).to_string().is_empty());
    }

    #[test]
    fn a_size_is_told_by_its_nearest_step() {
        for (size, text) in [
            (1.0, "1"),
            (1.4, "1"),
            (1.5, "2"),
            (3.0, "2"),
            (4.0, "5"),
            (8.0, "10"),
            (36_912.0, "50000"),
            (0.3, "0.2"),
            (0.04, "0.05"),
        ] {
            assert_eq!(About(size).to_string(), text, "{size}");
        }
        for odd in [0.0, -1.0, f64::INFINITY] {
            assert!(!About(odd).to_string().is_empty());
        }
    }

    #[test]
    fn a_ratio_near_one_keeps_its_halves() {
        for (ratio, text) in [(1.2, "1"), (1.3, "1.5"), (2.4, "2.5"), (2.9, "3"), (12.0, "10")] {
            assert_eq!(Times(ratio).to_string(), text);
        }
    }
}
