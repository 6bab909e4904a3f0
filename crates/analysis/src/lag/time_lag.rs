//! Time lag: how long ago the log ended where the group has committed now, from our own samples.
//! Interpolates between samples, never extrapolates beyond them.

use crate::numbers::{Millis, count, seconds};

/// A time lag in seconds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum TimeLag {
    Exact(f64),
    /// The committed offset is older than every sample.
    AtLeast(f64),
}

impl TimeLag {
    /// The lag at `now` of a committed offset at or beyond one sample of the log end and before
    /// the `next` one; `None`: there is none yet, so that nothing waits.
    pub(crate) fn since(
        from: (Millis, i64),
        next: Option<(Millis, i64)>,
        committed: i64,
        now: Millis,
    ) -> Self {
        next.map_or(Self::Exact(0.0), |next| Self::between(from, next, committed, now))
    }

    /// The lag at `now` of a committed offset that lies between two samples of the log end.
    pub(crate) fn between(
        from: (Millis, i64),
        to: (Millis, i64),
        committed: i64,
        now: Millis,
    ) -> Self {
        let part = count(committed - from.1) / count((to.1 - from.1).max(1));
        let reached = seconds(to.0.saturating_sub(from.0)) * part;
        Self::Exact((seconds(now.saturating_sub(from.0)) - reached).max(0.0))
    }

    /// The lag, or the part of it that is certain.
    pub(crate) fn lower_bound(self) -> f64 {
        match self {
            Self::Exact(lag) | Self::AtLeast(lag) => lag,
        }
    }

    pub(crate) fn exact(self) -> Option<f64> {
        match self {
            Self::Exact(lag) => Some(lag),
            Self::AtLeast(_) => None,
        }
    }
}
