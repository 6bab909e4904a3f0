//! Autoscalers: made, edited, pointed elsewhere and removed by others, and what they do meanwhile. Each
//! scales what it names, KEDA wakes what is at 0.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::world::World;
use crate::autoscaler::{Answer, Autoscalers, Bar, Scaler, ScalerKind, ScalerName, Scales};

/// What does not work says so after this long.
const SAYS_NO_AFTER: SignedDuration = SignedDuration::from_secs(10);

/// A `HorizontalPodAutoscaler` or `ScaledObject`.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent fields of an object")]
pub(super) struct ScalerObject {
    pub(super) name: ScalerName,
    pub(super) scales: Scales,
    pub(super) marked: bool,
    pub(super) bar: Option<Bar>,
    /// Whether it can work on a `CanaryRollout` at all.
    pub(super) works: bool,
    /// Whether it has worked since it names the `CanaryRollout`.
    serves: bool,
    /// Whether it ever has.
    pub(super) has_served: bool,
    /// Since when it names what it names.
    since: Timestamp,
    /// What it is asked to do.
    asked: u64,
    pub(super) version: u32,
}

impl ScalerObject {
    pub(super) fn point(&mut self, scales: Scales, version: u32, now: Timestamp) {
        (self.scales, self.serves, self.since, self.version) = (scales, false, now, version);
    }

    fn seen(&self, begun: Timestamp, now: Timestamp) -> Scaler {
        let since = self.since.max(begun);
        let answer = match self.name.kind {
            _ if self.serves => Answer::Serves,
            ScalerKind::ScaledObject
                if !self.works && SAYS_NO_AFTER <= now.duration_since(since) =>
            {
                Answer::Refuses
            }
            ScalerKind::ScaledObject | ScalerKind::HorizontalPodAutoscaler => {
                Answer::Waiting { since }
            }
        };
        Scaler {
            name: self.name.clone(),
            scales: self.scales,
            marked: self.marked,
            bar: self.bar,
            answer,
            says: None,
            version: self.asked,
        }
    }
}

/// As the operator sees them; now and then nobody answers.
pub(super) fn seen(world: &mut World) -> Autoscalers {
    let (begun, now) = (world.operator.watched_since(world.now), world.now);
    // One listing in twenty, and fewer where there is nothing to list: that loses little.
    let asks = !world.cluster.scalers.is_empty() || world.dice.one_in(5);
    if !world.calm && asks && world.dice.one_in(20) {
        return Autoscalers::Unknown;
    }
    let all = world.cluster.scalers.iter().map(|it| it.seen(begun, now)).collect();
    Autoscalers::Known { all, vertical: false }
}

/// Somebody makes one.
pub(super) fn create(world: &mut World, kind: ScalerKind, scales: Scales) {
    let version = world.cluster.next_version();
    let name = ScalerName { kind, name: Arc::from(version.to_string()) };
    world.log(|| format!("{name} is made, and scales {scales:?}"));
    world.memory.wish_by_rollout();
    world.cluster.scalers.push(ScalerObject {
        name,
        scales,
        marked: false,
        bar: None,
        works: true,
        serves: false,
        has_served: false,
        since: world.now,
        asked: u64::from(version),
        version,
    });
}

/// The one that a world begins with.
pub(super) fn begin(world: &mut World) {
    if world.profile.autoscaled {
        let kind = kind(world);
        create(world, kind, Scales::Target);
    }
}

fn kind(world: &mut World) -> ScalerKind {
    world.dice.pick(&[ScalerKind::HorizontalPodAutoscaler, ScalerKind::ScaledObject])
}

/// One event: Git, a hand, a mistake.
pub(super) fn strike(world: &mut World) {
    let count = u32::try_from(world.cluster.scalers.len()).unwrap_or(u32::MAX);
    if count == 0 || (count < 3 && world.dice.one_in(6)) {
        let scales = if world.dice.one_in(5) { Scales::Rollout } else { Scales::Target };
        let kind = kind(world);
        return create(world, kind, scales);
    }
    world.memory.wish_by_rollout();
    let index = world.dice.below(count) as usize;
    let (version, now) = (world.cluster.next_version(), world.now);
    let lot = world.dice.below(10);
    let it = &mut world.cluster.scalers[index];
    match lot {
        // Git applies what it holds.
        0..=3 => it.point(Scales::Target, version, now),
        4 => {
            it.point(Scales::Rollout, version, now);
            it.marked = false;
        }
        5 => it.point(Scales::Other, version, now),
        6 => {
            it.bar = match it.bar {
                None => Some(Bar::Keeps),
                Some(_) => None,
            };
            it.version = version;
        }
        7 => {
            // Its triggers change; they may work on nothing that is not a Deployment.
            (it.works, it.serves) = (!it.works, false);
            (it.asked, it.version) = (u64::from(version), version);
        }
        _ => {
            let gone = world.cluster.scalers.remove(index);
            world.log(|| format!("{} is deleted", gone.name));
            return;
        }
    }
    let it = world.cluster.scalers[index].clone();
    world.log(|| format!("somebody edits {it:?}"));
}

/// What each does by itself.
pub(super) fn act(world: &mut World) {
    for index in 0..world.cluster.scalers.len() {
        settle(world, index);
        if world.dice.one_in(4) {
            scale(world, index);
        }
    }
}

/// One that names a `CanaryRollout` whose scale can be read works in the end, if it can.
fn settle(world: &mut World, index: usize) {
    let readable = world.cluster.rollout.as_ref().is_some_and(|it| it.replicas.is_some());
    let soon = world.calm || world.dice.one_in(2);
    let it = &mut world.cluster.scalers[index];
    if it.scales == Scales::Rollout && it.works && readable && soon && !it.serves {
        (it.serves, it.has_served) = (true, true);
        world.foreign += 1;
    }
}

fn scale(world: &mut World, index: usize) {
    let ScalerObject { name, scales, .. } = world.cluster.scalers[index].clone();
    let busy = !world.calm && world.profile.scaling;
    let may_sleep = name.kind == ScalerKind::ScaledObject;
    let least = u32::from(!(may_sleep && world.dice.one_in(6)));
    let count = (least + world.dice.below(world.profile.size)).min(world.profile.size);
    let version = world.cluster.next_version();
    let what = match scales {
        Scales::Target => {
            let Some(it) = &mut world.cluster.target else { return };
            match (it.deployment.replicas, name.kind) {
                (0, ScalerKind::ScaledObject) => {
                    it.deployment.scale(1, version);
                    "KEDA wakes the target"
                }
                (1.., _) if busy && it.written != Some(count.max(1)) => {
                    it.deployment.scale(count.max(1), version);
                    world.memory.wish_by_rollout();
                    "the target is autoscaled"
                }
                (_, _) => return,
            }
        }
        Scales::Primary => {
            let Some(it) = world.cluster.primary.as_mut().filter(|_| busy) else { return };
            it.deployment.scale(count.max(1), version);
            "the primary is autoscaled"
        }
        Scales::Rollout => {
            let Some(it) = world.cluster.rollout.as_mut().filter(|_| busy) else { return };
            // Without a count its scale can't be read.
            if it.replicas.is_none() || !world.cluster.scalers[index].works {
                return;
            }
            (it.replicas, it.version) = (Some(count), version);
            world.memory.wish_by_rollout();
            "the rollout is autoscaled"
        }
        Scales::Other => return,
    };
    world.foreign += 1;
    world.count(what);
    world.log(|| format!("{what} by {name}, {count}"));
}

/// Somebody repairs what no operator can: one autoscaler is left, and it works. One that has just woken
/// the target is let finish: its count would be anybody's.
pub(super) fn mend(world: &mut World) {
    let drained = world.cluster.target.as_ref().is_none_or(|it| it.deployment.replicas == 0);
    let whole = world.cluster.primary.as_ref().is_none_or(|it| !it.facts.adopted);
    let version = world.cluster.next_version();
    if drained || whole {
        world.cluster.scalers.truncate(1);
    }
    let facts = world.cluster.primary.as_ref().map(|it| &it.facts);
    let declined = facts.and_then(|it| it.declined.as_ref()).map(|it| it.version);
    let broken =
        |it: &&mut ScalerObject| it.bar.is_some() || !it.works || declined == Some(it.asked);
    for it in world.cluster.scalers.iter_mut().filter(broken) {
        (it.bar, it.works) = (None, true);
        (it.asked, it.version) = (u64::from(version), version);
    }
}
