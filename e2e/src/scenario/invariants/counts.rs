//! I1, I2, I3: how many pods each Deployment is asked for, judged whenever Siskin changes a count.

use std::time::Duration;

use siskin_api::Order;

use super::moment::Moment;
use crate::scenario::history::{Change, State};
use crate::scenario::seen::{Deployment, Part, Seen, SeenPod};

/// A pod that stopped being Ready less than this long ago may still have been counted: the kubelet,
/// the Deployment controller and the operator tell each other one after the other.
const NEWS_TRAVEL: Duration = Duration::from_secs(5);

/// Causes for which a canary goes in one write, its Ready pods with it: they count as no consumers.
const AT_ONCE: [&str; 4] = ["GuardFailed", "AnalysisFailed", "DeadlineExceeded", "Aborted"];

/// Rollback comes first: the rejection is marked on the frozen template a few writes after the canary went.
const MARKED_WITHIN: Duration = Duration::from_secs(15);

/// I1. A write that takes ready consumers away leaves N − maxUnavailable of them.
pub(super) fn available(moment: &Moment<'_>) -> Option<String> {
    let (part, from, to) = recount(moment)?;
    if from <= to {
        return None;
    }
    let given_up = failed(moment, part);
    let total = wanted(moment.after)?;
    let least = total.saturating_sub(slack(moment.after, total));
    // Whether pods that have just become unready were still counted nobody can know: a count that
    // takes nobody away in either reading broke nothing.
    let readings = [true, false].map(|lately| {
        let ready = |state| ready(state, moment, Counted { given_up, lately });
        (ready(moment.before), ready(moment.after))
    });
    let (before, after) = readings[0];
    readings.iter().all(|(before, after)| after < before && *after < least).then(|| {
        format!(
            "{part:?} from {from} to {to} left {after} of {before} ready consumers, N is {total}, at least {least} must stay"
        )
    })
}

/// N; one that the rollout's spec makes smaller is heeded before it is noted.
fn wanted(state: &State) -> Option<u32> {
    let noted = state.total()?;
    let asked = state.rollout().and_then(|it| it.spec.replicas);
    Some(asked.and_then(|it| u32::try_from(it).ok()).map_or(noted, |it| it.min(noted)))
}

/// I1 for templates. A write that begins to replace the pods of one child while the other child's are being replaced:
/// together they may take no more than the slack, and add no more than the surge.
pub(super) fn one_after_the_other(moment: &Moment<'_>) -> Option<String> {
    let Change::Put(name, Seen::Deployment(now)) = &moment.entry.change else { return None };
    let part = Part::of(name).filter(|it| *it != Part::Target)?;
    let other = if part == Part::Primary { Part::Canary } else { Part::Primary };
    let (before, other_child) = (moment.before.parts.get(&part)?, moment.after.parts.get(&other)?);
    let begins = now.template_is_ours && now.spec["template"] != before.spec["template"];
    // One that had no pods has none that are replaced.
    let both = 0 < before.replicas.min(now.replicas) && 0 < other_child.replicas;
    if !begins || !both || !moment.past.rolling.contains(&other) {
        return None;
    }
    let total = moment.after.total()?;
    let children = [now, other_child];
    let taken: u32 = children.iter().map(|it| it.max_unavailable(it.replicas)).sum();
    let added: u32 = children.iter().map(|it| it.max_surge(it.replicas)).sum();
    let (slack, surge) = (slack(moment.after, total), surge(moment.after, total));
    (slack < taken || surge < added).then(|| {
        format!(
            "{part:?} is replaced while {other:?} is: they take {taken} of at most {slack} and add {added} of at most {surge}"
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
    let surge = surge(moment.after, total);
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

/// Which pods count as Ready consumers.
#[derive(Clone, Copy)]
struct Counted {
    /// A canary that is given up has none.
    given_up: bool,
    /// Those that became unready less than [`NEWS_TRAVEL`] ago are counted, too.
    lately: bool,
}

/// Ready consumers that the counts of `state` keep. A Deployment gives up unready pods first.
fn ready(state: &State, moment: &Moment<'_>, Counted { given_up, lately }: Counted) -> u32 {
    let (past, at) = (moment.past, moment.entry.at);
    let counted = |name: &str, pod: &SeenPod| {
        let recently =
            || past.unready.get(name).is_some_and(|since| at.saturating_sub(*since) < NEWS_TRAVEL);
        !pod.terminating
            && (pod.ready || lately && recently())
            && !(pod.part == Some(Part::Canary) && given_up)
    };
    [Part::Target, Part::Primary, Part::Canary]
        .into_iter()
        .map(|part| {
            let pods = state.pods_of(part).filter(|(name, pod)| counted(name, pod)).count();
            u32::try_from(pods).unwrap_or(u32::MAX).min(state.count(part))
        })
        .sum()
}

/// Whether what the canary runs is rejected for a cause that takes it away at once. A write that takes it away may come
/// before the mark.
fn failed(moment: &Moment<'_>, written: Part) -> bool {
    let running = moment.after.parts.get(&Part::Canary).and_then(|it| it.version.as_ref());
    let at_once = |cause: &str| AT_ONCE.contains(&cause);
    running.is_some_and(|version| {
        let marked = moment.after.frozen.values().any(|it| {
            it.version.as_ref() == Some(version) && it.rejected.as_deref().is_some_and(at_once)
        });
        let at = moment.entry.at;
        let soon = moment.past.verdicts.iter().any(|it| {
            let within = at <= it.at && it.at.saturating_sub(at) < MARKED_WITHIN;
            it.version == *version && within && at_once(&it.cause)
        });
        marked || (written == Part::Canary && soon)
    })
}

/// How many may be missing: maxUnavailable, and one where there is no room to add first.
fn slack(state: &State, total: u32) -> u32 {
    let own = shape(state).map_or(0, |it| it.max_unavailable(total));
    let max = state.rollout().and_then(|it| it.spec.strategy.max_consumers);
    let full = max.is_some_and(|it| it <= i32::try_from(total).unwrap_or(i32::MAX));
    let no_room = full || orders(state).contains(&Order::DrainFirst);
    own.max(u32::from(no_room))
}

/// How many may be added at a time: maxSurge, at least one; none where pods are drained first.
fn surge(state: &State, total: u32) -> u32 {
    let adds_first = orders(state).contains(&Order::SurgeFirst);
    let own = shape(state).map_or(0, |it| it.max_surge(total));
    if adds_first { own.max(1) } else { 0 }
}

/// Whose strategy counts: the target's, or what the primary took over from it.
fn shape(state: &State) -> Option<&Deployment> {
    state.parts.get(&Part::Target).or_else(|| state.parts.get(&Part::Primary))
}

/// The order of the plan under way and that of the spec: an edit counts for the next attempt.
fn orders(state: &State) -> Vec<Order> {
    let Some(rollout) = state.rollout() else { return Vec::new() };
    let progress = rollout.status.progress.as_ref();
    let frozen = progress.and_then(|it| it.plan.as_ref()).map(|it| it.order);
    let drains = shape(state).is_some_and(Deployment::drains_first);
    let default = if drains { Order::DrainFirst } else { Order::SurgeFirst };
    frozen.into_iter().chain([rollout.spec.strategy.order.unwrap_or(default)]).collect()
}
