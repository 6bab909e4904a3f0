//! The whole group falling behind after the canary grew: a canary may harm what it shares.
//! It can only hold a Pass back: a burst of producers looks the same.

use serde::{Deserialize, Serialize};

use crate::constants::Constant;
use crate::findings::doubt::Doubt;
use crate::lag::windows::WindowLag;
use crate::numbers::{Millis, median, short};
use crate::observation::Role;

/// Growth that begins within this time after the canary grew may be its doing.
const LONGEST_ONSET: Millis = 300_000;
/// Growth shorter than this is a burst or a pause that the group catches up with.
const SHORTEST_GROWTH: Millis = 180_000;
/// Primary partitions from which their median is that of the group.
const ENOUGH_PARTITIONS: usize = 3;

/// Follows the primary's lag, window by window.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct GroupLag {
    /// Most members that the canary has had, and since when.
    members: u32,
    grown: Option<Millis>,
    /// Begin of the growth under way.
    since: Option<Millis>,
    /// When the canary had grown before a growth that was not caught up with yet.
    suspected: Option<Millis>,
    /// Standing lag of canary and primary in seconds, the median of each: seven digits, as the
    /// windows have it, which a text gives back as they were.
    lags: (f32, f32),
}

impl GroupLag {
    /// Takes the number of the canary's members.
    pub(crate) fn count(&mut self, at: Millis, members: u32) {
        if members > self.members {
            self.members = members;
            self.grown = Some(at);
        }
    }

    /// Takes a window of all partitions that ends now. Lag up to `normal` seconds is none.
    pub(crate) fn add(&mut self, at: Millis, window: &[WindowLag], normal: f64) {
        let of =
            |role| window.iter().filter(move |one| one.consumer.role == role && !one.is_idle());
        let mut drifts: Vec<f64> = of(Role::Primary).filter_map(|one| one.drift).collect();
        if drifts.len() < ENOUGH_PARTITIONS {
            return;
        }
        let middle = |role| median(&mut of(role).map(|one| one.lag).collect::<Vec<_>>());
        let (canary, primary) = (middle(Role::Canary), middle(Role::Primary).unwrap_or(0.0));
        self.lags = (short(canary.unwrap_or(0.0)), short(primary));
        let begin = window.iter().map(|one| at.saturating_sub(one.span)).min().unwrap_or(at);
        let grows = median(&mut drifts).is_some_and(|drift| drift > Constant::LeastDrift.value());
        self.since = grows.then(|| self.since.unwrap_or(begin));
        if primary <= normal {
            self.suspected = None;
        } else if let (Some(since), Some(grown)) = (self.since, self.grown) {
            let after = since.saturating_sub(grown);
            // The window in which the canary joined began before it.
            let coincides = after <= LONGEST_ONSET && after >= begin.saturating_sub(at);
            if coincides && at.saturating_sub(since) >= SHORTEST_GROWTH {
                self.suspected = self.suspected.or(Some(grown));
            }
        }
    }

    /// What holds a Pass back.
    pub(crate) fn doubt(&self, now: Millis) -> Result<(), Doubt> {
        let (canary_seconds, primary_seconds) = (self.lags.0.into(), self.lags.1.into());
        match self.suspected {
            Some(grown) => {
                let since = now.saturating_sub(grown).max(0);
                Err(Doubt::GroupFallsBehind { since, canary_seconds, primary_seconds })
            }
            None => Ok(()),
        }
    }

    /// This state, if it can have been saved.
    pub(crate) fn checked(self) -> Option<Self> {
        let possible = |lag: f32| lag.is_finite() && lag >= 0.0;
        (possible(self.lags.0) && possible(self.lags.1)).then_some(self)
    }
}
