//! How a Deployment replaces its pods: pods or percent, or all before any.
//! The arithmetic is Kubernetes' own, written down here a second time on purpose.

use crate::observed::MoveOrder;
use crate::shape::{DeploymentStrategy, Portion};
use siskin_simulation::random::Random;

/// Pods, or percent of a count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Share {
    Pods(u32),
    Percent(u32),
}

/// `spec.strategy`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// `Recreate`: every old pod leaves before a new one comes.
    pub(super) recreate: bool,
    surge: Share,
    unavailable: Share,
}

impl Share {
    /// `maxUnavailable` is rounded down.
    const fn down(self, of: u32) -> u32 {
        match self {
            Self::Pods(pods) => pods,
            Self::Percent(percent) => of * percent / 100,
        }
    }

    /// `maxSurge` is rounded up.
    const fn up(self, of: u32) -> u32 {
        match self {
            Self::Pods(pods) => pods,
            Self::Percent(percent) => (of * percent).div_ceil(100),
        }
    }

    const fn is_none(self) -> bool {
        matches!(self, Self::Pods(0) | Self::Percent(0))
    }

    const fn seen(self) -> Portion {
        match self {
            Self::Pods(pods) => Portion::Pods(pods),
            Self::Percent(percent) => Portion::Percent(percent),
        }
    }
}

impl Shape {
    /// A child that nobody has written yet.
    pub(super) const CHILD: Self = Self::pods(1, 0);
    /// What Kubernetes defaults to.
    pub(super) const DEFAULT: Self =
        Self { recreate: false, surge: Share::Percent(25), unavailable: Share::Percent(25) };
    /// No two copies at once.
    pub(super) const RECREATE: Self = Self { recreate: true, ..Self::pods(0, 1) };

    pub(super) const fn pods(surge: u32, unavailable: u32) -> Self {
        Self { recreate: false, surge: Share::Pods(surge), unavailable: Share::Pods(unavailable) }
    }

    /// As people write them: few think about it, most that do count pods.
    pub(super) fn of(dice: &mut Random) -> Self {
        let unavailable = dice.pick(&[0, 0, 1, 2]);
        match dice.below(12) {
            0..=5 => Self::pods(1, unavailable),
            6 | 7 => Self::DEFAULT,
            8 => Self {
                recreate: false,
                surge: Share::Percent(dice.pick(&[10, 50, 100])),
                unavailable: Share::Percent(dice.pick(&[0, 10, 50])),
            },
            9 => Self::pods(0, 1 + unavailable),
            10 => Self::pods(1 + dice.below(4), unavailable),
            _ => Self::RECREATE,
        }
    }

    /// As people write them for a large fleet: one pod after the other would take them a day.
    pub(super) fn of_fleet(dice: &mut Random) -> Self {
        let surge = dice.pick(&[0, 10, 25, 25, 50]);
        let unavailable = dice.pick(&[10, 25, 25, 50]);
        Self {
            recreate: false,
            surge: Share::Percent(surge),
            unavailable: Share::Percent(unavailable),
        }
    }

    /// Pods above the count while it rolls.
    pub(super) const fn surge(self, of: u32) -> u32 {
        self.surge.up(of)
    }

    /// Pods that may be missing: Kubernetes makes it one where neither bound leaves room.
    pub(super) const fn slack(self, of: u32) -> u32 {
        let slack = self.unavailable.down(of);
        if slack == 0 && self.surge(of) == 0 { 1 } else { slack }
    }

    /// As it is observed.
    pub(super) const fn seen(self) -> DeploymentStrategy {
        if self.recreate {
            return DeploymentStrategy::Recreate;
        }
        DeploymentStrategy::RollingUpdate {
            max_surge: self.surge.seen(),
            max_unavailable: self.unavailable.seen(),
        }
    }

    /// As a child is written: as the target does it, within the order and the ceiling of the whole
    /// group. The only pod of a group that drains first leaves before the next one comes.
    pub(super) fn of_child(self, order: MoveOrder, total: u32, most: Option<u32>) -> Self {
        if order == MoveOrder::DrainFirst && total <= 1 {
            return Self::RECREATE;
        }
        let room = most.map(|it| it.saturating_sub(total));
        let surge = match order {
            MoveOrder::DrainFirst => Share::Pods(0),
            MoveOrder::SurgeFirst if self.never_surges() => Share::Pods(room.unwrap_or(1).min(1)),
            MoveOrder::SurgeFirst => {
                room.filter(|it| *it < self.surge(total)).map_or(self.surge, Share::Pods)
            }
        };
        let own = if self.recreate { Share::Pods(1) } else { self.unavailable };
        let unavailable = if surge.is_none() && own.is_none() { Share::Pods(1) } else { own };
        Self { recreate: false, surge, unavailable }
    }

    pub(super) const fn is_by_percent(self) -> bool {
        matches!((self.surge, self.unavailable), (Share::Percent(_), Share::Percent(_)))
    }

    pub(super) const fn never_surges(self) -> bool {
        self.recreate || self.surge.is_none()
    }
}
