//! How a Deployment replaces its pods by itself: what its `spec.strategy` allows, in pods at N.
//! Arithmetic only; which moves follow from it is for `moves` to say.

/// `spec.strategy` of a Deployment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeploymentStrategy {
    /// Every old pod goes before a new one comes.
    Recreate,
    /// Old pods are replaced by new ones within two bounds.
    RollingUpdate {
        /// Pods above N at any time.
        max_surge: Portion,
        /// Pods below N that may be unavailable at any time.
        max_unavailable: Portion,
    },
}

/// A number of pods, or a part of N: never of a count that N has left behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Portion {
    /// Pods, whatever N is.
    Pods(u32),
    /// Percent of N.
    Percent(u32),
}

impl DeploymentStrategy {
    /// What the API server gives a Deployment that names no strategy.
    pub const DEFAULT: Self =
        Self::RollingUpdate { max_surge: Portion::DEFAULT, max_unavailable: Portion::DEFAULT };

    /// Whether two pods of one unit never stand side by side: `Recreate`, or no surge.
    #[must_use]
    pub const fn drains_first(self) -> bool {
        match self {
            Self::Recreate => true,
            Self::RollingUpdate { max_surge, .. } => {
                matches!(max_surge, Portion::Pods(0) | Portion::Percent(0))
            }
        }
    }

    /// Pods above `total`, rounded up as Kubernetes does; none for `Recreate`.
    #[must_use]
    pub const fn surge(self, total: u32) -> u32 {
        match self {
            Self::Recreate => 0,
            Self::RollingUpdate { max_surge, .. } => max_surge.rounded_up(total),
        }
    }

    /// Pods of `total` that may be unavailable, rounded down as Kubernetes does; 1 for `Recreate`,
    /// and where nothing else would let a pod be replaced.
    #[must_use]
    pub const fn max_unavailable(self, total: u32) -> u32 {
        let Self::RollingUpdate { max_surge, max_unavailable } = self else { return 1 };
        match (max_surge.rounded_up(total), max_unavailable.rounded_down(total)) {
            (0, 0) => 1,
            (_, pods) if total < pods => total,
            (_, pods) => pods,
        }
    }

    /// Pods of `count` that a Deployment keeps available while it replaces them.
    #[must_use]
    pub const fn kept(self, count: u32) -> u32 {
        match self {
            Self::Recreate => 0,
            Self::RollingUpdate { .. } => count.saturating_sub(self.max_unavailable(count)),
        }
    }
}

impl Portion {
    /// A quarter: the API server's default of both bounds.
    pub const DEFAULT: Self = Self::Percent(25);

    const fn rounded_down(self, total: u32) -> u32 {
        match self {
            Self::Pods(pods) => pods,
            Self::Percent(percent) => total.saturating_mul(percent) / 100,
        }
    }

    const fn rounded_up(self, total: u32) -> u32 {
        match self {
            Self::Pods(pods) => pods,
            Self::Percent(percent) => total.saturating_mul(percent).div_ceil(100),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn rolling(max_surge: Portion, max_unavailable: Portion) -> DeploymentStrategy {
        DeploymentStrategy::RollingUpdate { max_surge, max_unavailable }
    }

    #[test]
    fn percentages_are_rounded_as_kubernetes_rounds_them() {
        let of = |total| {
            let it = DeploymentStrategy::DEFAULT;
            (it.surge(total), it.max_unavailable(total))
        };
        assert_eq!([of(0), of(1), of(3)], [(0, 1), (1, 0), (1, 0)]);
        assert_eq!([of(4), of(10), of(100)], [(1, 1), (3, 2), (25, 25)]);
    }

    #[test]
    fn one_pod_may_be_missing_where_nothing_else_lets_a_pod_be_replaced() {
        let none = [Portion::Pods(0), Portion::Percent(0)];
        for (surge, unavailable) in none.into_iter().flat_map(|a| none.map(|b| (a, b))) {
            assert_eq!(rolling(surge, unavailable).max_unavailable(100), 1);
        }
        let tiny = rolling(Portion::Pods(0), Portion::Percent(25));
        assert_eq!([tiny.max_unavailable(3), tiny.max_unavailable(100)], [1, 25]);
        assert_eq!(DeploymentStrategy::Recreate.max_unavailable(100), 1);
        assert_eq!(rolling(Portion::Pods(1), Portion::Pods(7)).max_unavailable(3), 3);
    }

    #[test]
    fn a_target_without_surge_drains_first() {
        assert!(DeploymentStrategy::Recreate.drains_first());
        assert!(rolling(Portion::Percent(0), Portion::Pods(1)).drains_first());
        assert!(!DeploymentStrategy::DEFAULT.drains_first());
    }
}
