//! What a Deployment does by itself while it replaces its pods: how many of them still count for
//! others, and when a child may begin to. Plans no writes.

use crate::count::Counts;
use crate::observed::{Target, Workload};
use crate::scene::Scene;
use crate::shape::DeploymentStrategy;
use crate::transfer::Side;

/// Pods of the other roles, once a plan is made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beside {
    /// Those that stay available.
    pub(crate) available: u32,
    /// Those that are asked for.
    pub(crate) specs: u32,
}

impl Beside {
    /// A role that is given `count` pods. Of one that rolls any may be those that it loses.
    pub(crate) fn of(side: Side, count: u32) -> Self {
        let lost = if side.rolls { side.spec.saturating_sub(count) } else { 0 };
        Self { available: side.healthy().saturating_sub(lost).min(count), specs: count }
    }

    pub(crate) const fn and(self, other: Self) -> Self {
        Self { available: self.available + other.available, specs: self.specs + other.specs }
    }
}

impl Scene<'_> {
    /// The counts with which primary is given another template: its own controller spends the pods
    /// that may be unavailable, so none may be missing before. The canary keeps what is Ready,
    /// primary has the rest.
    pub(crate) fn counts_to_roll(&self) -> Counts {
        let it = self.canary_side();
        let kept = if it.rolls { it.spec } else { it.serving() }.min(self.total);
        let room = self.limits().ceiling.saturating_sub(kept);
        let missing = self.total.saturating_sub(it.healthy()).min(room);
        let primary = self.primary.workload.replicas.max(missing);
        let full = self.seen.max_consumers.is_some();
        let primary = if full { primary.min(self.total - kept) } else { primary };
        Counts { primary, canary: kept }
    }

    /// The pods beside primary while the canary is given so many.
    pub(crate) fn beside_primary(&self, canary: u32) -> Beside {
        Beside::of(self.canary_side(), canary).and(self.beside_children())
    }

    /// The pods beside the canary while primary is given so many.
    pub(crate) fn beside_canary(&self, primary: u32) -> Beside {
        let side = self.child_side(Some(&self.primary.workload), 0);
        Beside::of(side, primary).and(self.beside_children())
    }

    fn beside_children(&self) -> Beside {
        let target = self.target_side().map(|(it, _)| Beside::of(it, it.spec));
        target.unwrap_or(Beside { available: 0, specs: 0 })
    }

    /// The count of a primary that is to replace its pods: under `maxConsumers` none that its surge
    /// would need the room of.
    pub(crate) fn uncrowded(&self, primary: u32) -> u32 {
        if !self.primary.workload.differs || self.seen.max_consumers.is_none() {
            return primary;
        }
        let elsewhere = self.canary_units() + self.target_units();
        primary.min(self.total.saturating_sub(elsewhere))
    }

    /// Whether a child may replace its pods at `count`: its own controller takes what may be
    /// unavailable of them, and adds its surge, while others are still on their way. What a child
    /// lacks anyway costs nothing.
    pub(crate) fn may_roll(&self, child: &Workload, count: u32, beside: Beside) -> bool {
        // The surge of a child is bounded for N pods of all roles together.
        let crowded = self.seen.max_consumers.is_some() && self.total < count + beside.specs;
        let left = child.available.min(count - self.spent_by_child(count));
        let known = Workload { current: true, ..child.clone() };
        let side = self.child_side(Some(&known), 0);
        // Of pods that are not available yet its controller keeps none, Ready or not.
        let now = if side.rolls { side.healthy() } else { side.serving() };
        let enough = now <= left || self.limits_of_all().min_ready <= left + beside.available;
        enough && !crowded
    }

    /// Whether the canary may replace its pods at `count`. How it does that is only known of the strategy that
    /// it is to be given, for the N that primary knows: one that rolls still keeps, perhaps, all that is
    /// available by the strategy that it has.
    pub(crate) fn may_roll_canary(&self, canary: &Workload, count: u32, beside: Beside) -> bool {
        let ready = if canary.rolled { canary.ready } else { canary.available };
        self.may_roll(&Workload { rolled: true, ready, ..canary.clone() }, count, beside)
    }

    /// Whether it is its own restart that holds what the canary still has, which may never end, and no
    /// pod of primary that leaves. Where primary has none that serves it is the only copy.
    pub(crate) fn canary_hangs(&self) -> bool {
        let primary = &self.primary.workload;
        let is_missed = primary.available < self.total.min(1);
        self.canary_side().rolls && primary.terminating == 0 && !is_missed
    }

    /// Whether the canary differs from what it is to be, and is put right now.
    pub(crate) fn mends_canary(&self) -> bool {
        let beside = self.beside_canary(self.primary.workload.replicas);
        let may = |it: &Workload| self.may_roll_canary(it, it.replicas, beside);
        let canary = self.seen.canary.as_ref().filter(|it| it.differs && 0 < it.replicas);
        canary.is_some_and(|it| self.is_canarys_turn() && may(it))
    }

    /// Whether a guard failed pods that run: then no other template waits for others to serve.
    pub(crate) fn is_urgent(&self) -> bool {
        self.canary_failed() && 0 < self.canary_units()
    }

    /// Whether primary may be given another template with these counts.
    pub(crate) fn may_roll_primary(&self, counts: Counts) -> bool {
        self.is_urgent()
            || self.may_roll(
                &self.primary.workload,
                counts.primary,
                self.beside_primary(counts.canary),
            )
    }

    /// Pods of `count` that the controller of a child takes away while it replaces them.
    fn spent_by_child(&self, count: u32) -> u32 {
        let full = self.bounds().ceiling <= self.total;
        self.own_strategy().max_unavailable(count).max(u32::from(full)).min(count)
    }

    pub(crate) fn own_strategy(&self) -> DeploymentStrategy {
        self.seen.target.as_ref().map_or(self.primary.strategy, |it| it.strategy)
    }

    /// A child as one side of a transfer.
    pub(crate) fn child_side(&self, workload: Option<&Workload>, goal: u32) -> Side {
        side(workload, goal, |count| self.primary.strategy.kept(count))
    }

    /// Whether what changes a child, as a restart of the target does, has to wait with these counts.
    pub(crate) fn restart_waits(&self, counts: Counts) -> bool {
        let primary = &self.primary.workload;
        let canary = self.seen.canary.as_ref().filter(|it| it.differs && 0 < it.replicas);
        primary.differs && !self.may_roll_primary(counts)
            || canary.is_some_and(|it| {
                !self.is_canarys_turn()
                    || !self.may_roll_canary(it, counts.canary, self.beside_canary(counts.primary))
            })
    }

    /// What changes both children changes primary first; and how a child replaces its pods depends
    /// on the N that primary knows.
    pub(crate) fn is_canarys_turn(&self) -> bool {
        let primary = &self.primary.workload;
        !primary.differs && primary.rolled && primary.current && !self.total_changes()
    }
}

/// The target as one side of a transfer. While it is paused its controller replaces nothing.
pub(crate) fn target_side(target: &Target, goal: u32) -> Side {
    let Target { workload, strategy, paused, .. } = target;
    side(Some(workload), goal, |count| if *paused { count } else { strategy.kept(count) })
}

/// `kept`: pods of so many that stay available while their controller replaces them.
fn side(workload: Option<&Workload>, goal: u32, kept: impl Fn(u32) -> u32) -> Side {
    let Some(it) = workload else {
        return Side { spec: 0, ready: 0, available: 0, terminating: 0, goal, rolls: false };
    };
    let rolls = !it.rolled || !it.current;
    let available = if rolls { it.available.min(kept(it.replicas)) } else { it.available };
    let Workload { replicas: spec, ready, terminating, .. } = *it;
    Side { spec, ready, available, terminating, goal, rolls }
}
