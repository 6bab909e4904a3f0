//! I1, I2, I3: how many pods each Deployment is asked for, judged whenever Siskin changes a count.

use std::time::Duration;

use siskin_api::Order;

use super::moment::{Moment, Past};
use crate::scenario::history::{Change, State};
use crate::scenario::seen::{Deployment, Part, Seen, SeenPod};

/// A pod that stopped being Ready less than this long ago may still have been counted: the kubelet,
/// the Deployment controller and the operator tell each other one after the other.
const NEWS_TRAVEL: Duration = Duration::from_secs(5);

/// What a guard's verdict is called on a frozen template.
const GUARD_FAILED: &str = "GuardFailed";

/// I1. A write that takes ready consumers away leaves N − maxUnavailable of them.
pub(super) fn available(moment: &Moment<'_>) -> Option<String> {
    let (part, from, to) = recount(moment)?;
    if from <= to {
        return None;
    }
    let ready = |state| ready(state, moment.after, moment.past, moment.entry.at);
    let (before, after) = (ready(moment.before), ready(moment.after));
    let total = moment.after.total()?;
    let least = total.saturating_sub(slack(moment.after, total));
    (after < before && after < least).then(|| {
        format!(
            "{part:?} from {from} to {to} left {after} of {before} ready consumers, N is {total}, at least {least} must stay"
        )
    })
}

/// I2. The canary grows only to what the step that is persisted allows.
pub(super) fn canary(moment: &Moment<'_>) -> Option<String> {
    let (Part::Canary, from, to) = recount(moment)? else { return None };
    let status = moment.before.rollout().map(|it| &it.status);
    let allowed = status.and_then(|it| it.progress.as_ref()?.canary).unwrap_or(0);
    (from < to && allowed < i32::try_from(to).unwrap_or(i32::MAX))
        .then(|| format!("canary from {from} to {to}, the step's count is {allowed}"))
}

/// I3. A write that adds pods stays within min(N + surge, maxConsumers).
pub(super) fn ceiling(moment: &Moment<'_>) -> Option<String> {
    let (part, from, to) = recount(moment)?;
    let sum = |state: &State| {
        // Pods that somebody else asks of a drained target are not Siskin's: it takes them away.
        let target = if state.adopted() { 0 } else { state.count(Part::Target) };
        target + state.count(Part::Primary) + state.count(Part::Canary)
    };
    let (before, after) = (sum(moment.before), sum(moment.after));
    let total = moment.before.total().max(moment.after.total())?;
    let spec = &moment.after.rollout()?.spec.strategy;
    let surge = u32::from(orders(moment.after).contains(&Order::SurgeFirst));
    let most = spec.max_consumers.and_then(|it| u32::try_from(it).ok());
    let most = most.unwrap_or(u32::MAX).min(total + surge);
    (from < to && before < after && most < after).then(|| {
        format!("{part:?} from {from} to {to} makes {after} of at most {most}, N is {total}")
    })
}

/// The part whose count Siskin has just changed, and how.
fn recount(moment: &Moment<'_>) -> Option<(Part, u32, u32)> {
    let Change::Put(name, Seen::Deployment(now)) = &moment.entry.change else { return None };
    let part = Part::of(name)?;
    let (from, to) = (moment.before.count(part), now.replicas);
    let created = !moment.before.parts.contains_key(&part);
    let ours = now.counted_by_us() && (from != to || created);
    ours.then_some((part, from, to))
}

/// Ready consumers that the counts of `state` keep. A Deployment gives up unready pods first.
fn ready(state: &State, after: &State, past: &Past, at: Duration) -> u32 {
    let counted = |name: &str, pod: &SeenPod| {
        let recently =
            || past.unready.get(name).is_some_and(|since| at.saturating_sub(*since) < NEWS_TRAVEL);
        !pod.terminating
            && (pod.ready || recently())
            && !(pod.part == Part::Canary && failed(after))
    };
    [Part::Target, Part::Primary, Part::Canary]
        .into_iter()
        .map(|part| {
            let pods = state.pods_of(part).filter(|(name, pod)| counted(name, pod)).count();
            u32::try_from(pods).unwrap_or(u32::MAX).min(state.count(part))
        })
        .sum()
}

/// Whether a guard has failed what the canary runs: its pods count as no consumers.
fn failed(state: &State) -> bool {
    let running = state.parts.get(&Part::Canary).and_then(|it| it.version.as_ref());
    running.is_some_and(|version| {
        state.frozen.values().any(|it| {
            it.version.as_ref() == Some(version) && it.rejected.as_deref() == Some(GUARD_FAILED)
        })
    })
}

/// How many may be missing: maxUnavailable, and one where there is no room to add first.
fn slack(state: &State, total: u32) -> u32 {
    let source = state.parts.get(&Part::Target).or_else(|| state.parts.get(&Part::Primary));
    let own = source.map_or(0, |it: &Deployment| it.max_unavailable(total));
    let max = state.rollout().and_then(|it| it.spec.strategy.max_consumers);
    let full = max.is_some_and(|it| it <= i32::try_from(total).unwrap_or(i32::MAX));
    let no_room = full || orders(state).contains(&Order::DrainFirst);
    own.max(u32::from(no_room))
}

/// The order of the plan under way and that of the spec: an edit counts for the next attempt.
fn orders(state: &State) -> Vec<Order> {
    let Some(rollout) = state.rollout() else { return Vec::new() };
    let progress = rollout.status.progress.as_ref();
    let frozen = progress.and_then(|it| it.plan.as_ref()).map(|it| it.order);
    frozen.into_iter().chain([rollout.spec.strategy.order]).collect()
}
