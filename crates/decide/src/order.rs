//! Commands of a person, parsed from the text of their annotations.
//! Says what a command means, never whether it still applies.

use crate::revision::RolloutId;

/// A well-formed command. A value without a step is a rollout id alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// End this attempt.
    Abort(RolloutId),
    /// Let this attempt pass this step's approval.
    Approve(RolloutId, usize),
    /// Skip what is left of this step.
    PromoteStep(RolloutId, usize),
    /// Skip what is left of this attempt.
    PromoteFull(RolloutId),
    /// Lift the rejection that this attempt ended with.
    Retry(RolloutId),
    /// Start this attempt without preflight.
    Start(RolloutId),
}

impl Order {
    /// The attempt that it names.
    #[must_use]
    pub const fn rollout(self) -> RolloutId {
        match self {
            Self::Abort(id)
            | Self::Approve(id, _)
            | Self::PromoteStep(id, _)
            | Self::PromoteFull(id)
            | Self::Retry(id)
            | Self::Start(id) => id,
        }
    }

    /// `siskin.dev/approve`: a rollout id and a step, `<rolloutId>/<step>`.
    #[must_use]
    pub fn parse_approve(value: &str) -> Option<Self> {
        let (id, scope) = value.split_once('/')?;
        Some(Self::Approve(id.parse().ok()?, step(scope)?))
    }

    /// `siskin.dev/promote`: a rollout id and a step, or all that is left, `<rolloutId>/full`.
    #[must_use]
    pub fn parse_promote(value: &str) -> Option<Self> {
        let (id, scope) = value.split_once('/')?;
        let id = id.parse().ok()?;
        if scope == "full" {
            return Some(Self::PromoteFull(id));
        }
        Some(Self::PromoteStep(id, step(scope)?))
    }
}

/// Index of a step. People count steps from 1.
fn step(text: &str) -> Option<usize> {
    text.parse::<usize>().ok()?.checked_sub(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_well_formed_values_become_orders() {
        let id: RolloutId = "00000000ab-3".parse().expect("an id");
        for malformed in ["00000000ab-3/1", "yes", "00000000ab-"] {
            assert!(malformed.parse::<RolloutId>().is_err(), "{malformed}");
        }
        assert_eq!(Order::parse_approve("00000000ab-3/2"), Some(Order::Approve(id, 1)));
        assert_eq!(Order::parse_approve("00000000ab-3"), None);
        assert_eq!(Order::parse_approve("00000000ab-3/0"), None);
        assert_eq!(Order::parse_promote("00000000ab-3/full"), Some(Order::PromoteFull(id)));
        assert_eq!(Order::parse_promote("00000000ab-3/1"), Some(Order::PromoteStep(id, 0)));
        assert_eq!(Order::parse_promote("00000000AB-3/1"), None);
    }
}
