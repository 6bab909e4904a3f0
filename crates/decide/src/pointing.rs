//! The target's autoscaler pointed at the `CanaryRollout` and, where that does not work, back: writes and
//! waits. Moves no pod.

use jiff::{SignedDuration, Timestamp};

use crate::autoscaler::{Autoscalers, Scaler, Scales};
use crate::observed::Facts;
use crate::plan::{Effect, Held, ScaleTo};
use crate::scaling::{in_the_way, is_declined, is_scaled};
use crate::scene::Scene;

/// One that is waited for is looked at this often.
const LOOK_AGAIN: SignedDuration = SignedDuration::from_secs(5);

impl Scene<'_> {
    /// What is written for autoscalers, once the facts that it follows from are persisted: the seed of
    /// `spec.replicas` before anybody counts on it, and away with the last who did.
    pub(crate) fn scale_effects(&self) -> Vec<Effect> {
        let (observed, known) = (self.seen, &self.primary.facts);
        let is_known = matches!(observed.autoscalers, Autoscalers::Known { .. });
        if !is_known || observed.deleted_at.is_some() || known.owner != observed.uid {
            return vec![];
        }
        let persisted = known.scaled_by.as_ref().map(|it| &it.scaler);
        let taken = self.facts.scaled_by.as_ref().filter(|it| persisted == Some(&it.scaler));
        let taken = taken.and_then(|it| observed.autoscalers.find(&it.scaler));
        let seed = match (is_scaled(&observed.autoscalers, &self.facts), observed.replicas) {
            (true, None) if known.seeded => Some(Effect::SeedScale { replicas: self.total }),
            (false, Some(_)) if known.seeded && known.replicas == self.total => {
                Some(Effect::UnseedScale)
            }
            (true | false, _) => None,
        };
        let seeded = observed.replicas.is_some() || seed.is_some();
        let pointed = taken.and_then(|it| match it.scales {
            Scales::Target | Scales::Primary if seeded => {
                Some(Effect::TakeScale { scaler: it.name.clone() })
            }
            Scales::Rollout if declines(known, it) && declines(&self.facts, it) => {
                let (scaler, to) = (it.name.clone(), ScaleTo::Target);
                Some(Effect::GiveScale { scaler, to })
            }
            Scales::Target | Scales::Primary | Scales::Rollout | Scales::Other => None,
        });
        seed.into_iter().chain(pointed).collect()
    }

    /// Why no unit of the target moves yet: its count is an autoscaler's to set until that has been
    /// taken over, and works.
    pub(crate) fn waits_for_autoscaler(&self) -> Option<Held> {
        let autoscalers = &self.seen.autoscalers;
        if *autoscalers == Autoscalers::Unknown || self.autoscaler_in_the_way() {
            return Some(Held::AutoscalerOnTarget);
        }
        let taken = self.facts.scaled_by.as_ref()?;
        let there = autoscalers.find(&taken.scaler).is_some_and(|it| it.scales == Scales::Rollout);
        (!there || !taken.answered).then_some(Held::AutoscalerPending)
    }

    /// When to look again at one that is waited for, or at who scales a target whose new count is noted.
    pub(crate) fn look_at_autoscaler(&self) -> Option<Timestamp> {
        let noted = self.seen.target.as_ref().and_then(|it| it.noted);
        let news = noted.zip(self.facts.target_replicas).is_some_and(|(now, then)| now != then);
        let unread = news && self.seen.autoscalers == Autoscalers::Unknown;
        let waits = unread || self.facts.scaled_by.as_ref().is_some_and(|it| !it.answered);
        self.now.checked_add(LOOK_AGAIN).ok().filter(|_| waits)
    }

    /// Whether the target is autoscaled by what can't be taken over.
    pub(crate) fn autoscaler_in_the_way(&self) -> bool {
        in_the_way(&self.seen.autoscalers, Some(&self.facts)).is_some()
    }
}

fn declines(facts: &Facts, it: &Scaler) -> bool {
    is_declined(facts.declined.as_ref(), it)
}
