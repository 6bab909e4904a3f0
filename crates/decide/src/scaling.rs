//! Which autoscaler is taken over from the target, and what is remembered of it: facts, before anything
//! follows from them. Writes nothing.

use jiff::{SignedDuration, Timestamp};

use crate::autoscaler::{Answer, Autoscalers, Declined, InTheWay, Scaler, Scales, Taken};
use crate::observed::{Facts, Observed};
use crate::plan::{Effect, ScaleTo};

/// An autoscaler that does not work on the `CanaryRollout` by then is given back.
const PATIENCE: SignedDuration = SignedDuration::from_secs(60);

/// What keeps the target's autoscaler from being taken over; `None` also where there is none.
/// `facts` are those of the primary Deployment, before which a vertical autoscaler matters, too.
#[must_use]
pub fn in_the_way(autoscalers: &Autoscalers, facts: Option<&Facts>) -> Option<InTheWay> {
    let Autoscalers::Known { all, vertical } = autoscalers else { return None };
    let vertical = (*vertical && facts.is_none()).then_some(InTheWay::Vertical);
    let same_pods = || all.iter().filter(|it| it.scales != Scales::Other);
    // Two that somebody has pointed at the CanaryRollout by hand are that person's business.
    if 1 < same_pods().count() && same_pods().any(|it| it.is_rival() || it.marked) {
        return Some(InTheWay::Several(same_pods().map(|it| it.name.clone()).collect()));
    }
    let Some(rival) = all.iter().find(|it| it.is_rival()) else { return vertical };
    if let Some(bar) = rival.bar {
        return Some(InTheWay::Barred(rival.name.clone(), bar));
    }
    let declined = facts.and_then(|it| it.declined.as_ref());
    match declined.filter(|it| it.version == rival.version) {
        Some(it) => Some(InTheWay::Declined(rival.name.clone(), it.says.clone())),
        None => vertical,
    }
}

/// Brings the facts about autoscalers up to date with what was seen of them. They are persisted before
/// anything follows from them.
pub(crate) fn remember(seen: &Observed, facts: &mut Facts, now: Timestamp) {
    let Autoscalers::Known { all, .. } = &seen.autoscalers else { return };
    if seen.deleted_at.is_some() {
        return;
    }
    if facts.declined.as_ref().is_some_and(|old| all.iter().all(|it| it.version != old.version)) {
        facts.declined = None;
    }
    keep(&seen.autoscalers, facts, now);
    if facts.scaled_by.is_none() {
        let found = candidate(&seen.autoscalers, facts).map(|it| it.name.clone());
        facts.scaled_by = found.map(|scaler| Taken { scaler, answered: false });
    }
    if seen.replicas.is_none() {
        facts.seeded = is_scaled(&seen.autoscalers, facts);
    }
}

/// The autoscaler that was taken over: whether it is still there, and whether it works.
fn keep(autoscalers: &Autoscalers, facts: &mut Facts, now: Timestamp) {
    let Some(taken) = &mut facts.scaled_by else { return };
    let Some(it) = autoscalers.find(&taken.scaler) else {
        facts.scaled_by = None;
        return;
    };
    match (it.scales, it.answer) {
        (Scales::Rollout, Answer::Serves) => {
            // It works after all.
            taken.answered = true;
            facts.declined = None;
        }
        (Scales::Rollout, answer) if !taken.answered => {
            let late = match answer {
                Answer::Waiting { since } => PATIENCE <= now.duration_since(since),
                Answer::Refuses | Answer::Serves => true,
            };
            if late && !is_declined(facts.declined.as_ref(), it) {
                let says = it.says.clone().unwrap_or_else(|| "no answer".into());
                facts.declined = Some(Declined { version: it.version, says });
            }
        }
        (Scales::Rollout, _) => {}
        // Somebody has pointed it back: it is taken again, but where it must not be.
        (Scales::Target | Scales::Primary, _) => {
            if it.bar.is_some() || is_declined(facts.declined.as_ref(), it) {
                facts.scaled_by = None;
            }
        }
        (Scales::Other, _) => facts.scaled_by = None,
    }
}

/// The autoscaler that is to be taken over: one that was, as its annotation says, else the only one
/// of the target.
fn candidate<'a>(autoscalers: &'a Autoscalers, facts: &Facts) -> Option<&'a Scaler> {
    let marked = autoscalers.on_rollout().find(|it| it.marked);
    let rival = || autoscalers.all().iter().find(|it| it.is_rival());
    let takeable = in_the_way(autoscalers, Some(facts)).is_none();
    marked.or_else(|| rival().filter(|_| takeable))
}

/// Whether this is the one that did not work, and is asked for the same still.
pub(crate) fn is_declined(declined: Option<&Declined>, it: &Scaler) -> bool {
    declined.is_some_and(|old| old.version == it.version)
}

/// Whether an autoscaler sets `spec.replicas`, or is about to.
pub(crate) fn is_scaled(autoscalers: &Autoscalers, facts: &Facts) -> bool {
    facts.scaled_by.is_some() || autoscalers.on_rollout().next().is_some()
}

/// The autoscalers that are given back when a `CanaryRollout` is released. Also to a target that is
/// missing: one that is made anew is scaled as before. None in a namespace that goes with all of them.
pub(crate) fn given_back(seen: &Observed, facts: Option<&Facts>, to: ScaleTo) -> Vec<Effect> {
    if seen.namespace_terminating {
        return vec![];
    }
    let taken = facts.and_then(|it| it.scaled_by.as_ref()).map(|it| &it.scaler);
    let ours = |it: &&Scaler| it.marked || taken == Some(&it.name);
    let all = seen.autoscalers.on_rollout().filter(ours);
    all.map(|it| Effect::GiveScale { scaler: it.name.clone(), to }).collect()
}
