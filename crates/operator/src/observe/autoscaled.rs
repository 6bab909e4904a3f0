//! Who scales a rollout's pods, asked anew where something follows from it; else as the watches show it.
//! Remembers since when each autoscaler has named the rollout.

use std::time::Duration;

use jiff::Timestamp;
use siskin_api::CanaryRollout;

use crate::name::Name;
use crate::observe::observer::Observer;
use crate::observe::scaling::{Need, ScaledRollout, Scaling, interest};

/// How old an answer may be before an adoption, which takes longer than that.
const ADOPTS_WITHIN: Duration = Duration::from_secs(10);

impl Observer {
    pub(super) async fn scaling(
        &self,
        name: &Name,
        rollout: &CanaryRollout,
        need: Need,
        now: Timestamp,
    ) -> Scaling {
        let target = &rollout.spec.target_ref.name;
        let (namespace, interest) = (&*name.namespace, interest(&name.name, target));
        let seen = match need {
            Need::Begins | Need::Moves => {
                self.autoscalers.ask(namespace, &interest, ADOPTS_WITHIN).await
            }
            Need::Drains => self.autoscalers.ask(namespace, &interest, Duration::ZERO).await,
            Need::Rests => self.autoscalers.known(namespace, &interest),
        };
        let vertical = match need {
            Need::Begins => self.autoscalers.ask_vertical(namespace, target, ADOPTS_WITHIN).await,
            Need::Moves | Need::Drains | Need::Rests => Ok(false),
        };
        let vertical = match vertical {
            Ok(vertical) => vertical,
            Err(because) => return Scaling::unknown(Some(because)),
        };
        let of = ScaledRollout { rollout, name: &name.name, vertical };
        self.remembered.with(name, |it| Scaling::of(seen, of, &mut it.pointed, now))
    }

    /// What was asked of autoscalers before is no answer any more: one was written.
    pub(crate) fn autoscalers_changed(&self, name: &Name) {
        self.autoscalers.changed(&name.namespace);
    }
}
