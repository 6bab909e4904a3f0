//! How many pods of N are canaries at a step: the one rounding, for the operator and for lint.
//! Arithmetic only: says nothing about when a count may be reached.

use crate::strategy::StepSize;

impl StepSize {
    /// Canary pods among `total`: see [`canary_of_weight`] and [`fit_canary`].
    #[must_use]
    pub fn canary_pods(self, total: u32) -> u32 {
        // The schema has no size below 1; what it refuses counts as the smallest.
        let size = |it: i32| u32::try_from(it).unwrap_or(0);
        match self {
            Self::Weight(percent) => canary_of_weight(size(percent), total),
            Self::Replicas(pods) => fit_canary(size(pods), total),
        }
    }
}

/// Canary pods closest to `percent` of `total` pods, at least one canary and one primary for
/// N ≥ 2; a tie goes to the larger canary.
#[must_use]
pub fn canary_of_weight(percent: u32, total: u32) -> u32 {
    fit_canary(total.saturating_mul(percent).saturating_add(50) / 100, total)
}

/// `canary` pods of `total`, such that 1 ≤ canary < N for N ≥ 2. At N = 1 the canary replaces the
/// only pod.
#[must_use]
pub fn fit_canary(canary: u32, total: u32) -> u32 {
    match total {
        0 => 0,
        1 => 1,
        _ => canary.clamp(1, total - 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_weight_is_rounded_to_pods_and_leaves_both_roles_one() {
        let of = |percent, total| StepSize::Weight(percent).canary_pods(total);
        assert_eq!([of(10, 3), of(50, 3), of(99, 3)], [1, 2, 2]);
        assert_eq!([of(10, 24), of(50, 24), of(5, 10)], [2, 12, 1]);
        assert_eq!([of(50, 0), of(50, 1), of(1, 2)], [0, 1, 1]);
    }

    #[test]
    fn a_fixed_count_is_kept_where_it_fits() {
        let of = |pods, total| StepSize::Replicas(pods).canary_pods(total);
        assert_eq!([of(4, 12), of(12, 12), of(-1, 12), of(3, 1)], [4, 11, 1, 1]);
    }
}
