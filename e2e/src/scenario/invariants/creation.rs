//! I6: each object once, by its name; again only where somebody deleted it.

use super::moment::Moment;
use crate::scenario::history::Change;
use crate::scenario::seen::{Part, Seen, TARGET};

/// Siskin makes two Deployments, and makes them again only as a repair or in a new life.
pub(super) fn once(moment: &Moment<'_>) -> Option<String> {
    let Change::Put(name, Seen::Deployment(now)) = &moment.entry.change else { return None };
    match Part::of(name) {
        Some(Part::Target) => None,
        None => (now.counted_by_us() && !of_another_rollout(moment, name))
            .then(|| format!("Siskin made a Deployment named {name}")),
        Some(part @ (Part::Primary | Part::Canary)) => {
            let gone = moment.past.gone.get(name).filter(|it| it.uid != now.uid)?;
            let lives = moment.before.parts.contains_key(&part);
            let life = moment.after.rollout().map(|it| it.uid.clone());
            let repair = moment.past.deleted.contains(name) || gone.life != life;
            (!lives && !repair).then(|| format!("{name} was made again, but nobody deleted it"))
        }
    }
}

/// Whether a rollout of another target in the namespace has this Deployment as its target or its child.
fn of_another_rollout(moment: &Moment<'_>, name: &str) -> bool {
    let mut targets = moment.before.rollouts.values().map(|it| &it.spec.target_ref.name);
    targets.any(|target| {
        *target != TARGET
            && name
                .strip_prefix(target.as_str())
                .is_some_and(|it| ["", "-primary", "-canary"].contains(&it))
    })
}
