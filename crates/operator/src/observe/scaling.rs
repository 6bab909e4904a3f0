//! The autoscalers of one rollout, as `decide` knows them and as they are written. Pure but for when
//! each was first seen to name the rollout.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use siskin_analysis::observation::Role;
use siskin_api::annotations::SCALE_TARGET_KEEP;
use siskin_api::{CanaryRollout, CanaryRolloutSpec};
use siskin_decide::{Answer, Autoscalers, Bar, Primary, Scaler, ScalerName, Scales, Target};

use crate::cluster::autoscalers::{AutoscalerFound, Scaled, ScalerWord, digest};
use crate::observe::autoscalers::AutoscalersSeen;
use crate::workloads::children::child_name;

/// What an autoscaler says of its work may be about what it scaled before, until its controller has
/// looked at it again: every 15 s by default.
const OLD_WORDS: SignedDuration = SignedDuration::from_secs(20);

/// What follows from who scales the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    /// The adoption, which has not begun.
    Begins,
    /// The adoption, or the end of a deletion.
    Moves,
    /// A foreign count on a drained target, or noted there by the guard: a wish, or not.
    Drains,
    /// Where it is pointed.
    Rests,
}

impl Need {
    pub(crate) fn of(target: Option<&Target>, primary: Option<&Primary>, going: bool) -> Self {
        let Some(primary) = primary else { return Self::Begins };
        let known = primary.facts.target_replicas;
        let is_asked = |it: &Target| it.noted.zip(known).is_some_and(|(now, then)| now != then);
        let runs = target.is_some_and(|it| 0 < it.workload.replicas || is_asked(it));
        match (&primary.facts.scaled_by, primary.facts.adopted) {
            (_, false) => Self::Moves,
            (Some(_), true) if going => Self::Moves,
            (_, true) if runs => Self::Drains,
            (_, true) => Self::Rests,
        }
    }
}

/// The autoscalers of one rollout.
#[derive(Clone, Debug)]
pub struct Scaling {
    /// As `decide` knows them.
    pub known: Autoscalers,
    found: Vec<Arc<AutoscalerFound>>,
    /// Why nobody can say which there are, if it was asked.
    pub(crate) unknown_because: Option<Arc<str>>,
}

/// Since when autoscalers have named a rollout, as seen by this process.
#[derive(Default)]
pub struct Pointed(Vec<(ScalerName, u64, Timestamp)>);

/// The rollout that they are looked at for.
#[derive(Clone, Copy)]
pub(crate) struct ScaledRollout<'a> {
    pub(crate) rollout: &'a CanaryRollout,
    pub(crate) name: &'a str,
    /// Whether a vertical autoscaler acts on its target.
    pub(crate) vertical: bool,
}

impl Scaling {
    /// No autoscaler at all.
    #[cfg(test)]
    pub(crate) const NONE: Self =
        Self { known: Autoscalers::NONE, found: Vec::new(), unknown_because: None };

    /// Nobody can say.
    pub(crate) const fn unknown(because: Option<Arc<str>>) -> Self {
        Self { known: Autoscalers::Unknown, found: Vec::new(), unknown_because: because }
    }

    /// From what was found.
    pub(crate) fn of(
        seen: AutoscalersSeen,
        of: ScaledRollout<'_>,
        pointed: &mut Pointed,
        now: Timestamp,
    ) -> Self {
        let found = match seen {
            AutoscalersSeen::Known(found) => found,
            AutoscalersSeen::Unknown(because) => return Self::unknown(because),
        };
        let plan = asked_of(&of.rollout.spec);
        let all: Vec<_> = found.iter().map(|it| scaler(it, of, plan)).collect();
        pointed.0.retain(|(name, version, _)| {
            let is = |it: &Scaler| it.name == *name && it.version == *version;
            all.iter().any(|it| is(it) && it.scales == Scales::Rollout)
        });
        let answered = found.iter().zip(all).map(|(found, it)| pointed.answer(found, it, now));
        let known = Autoscalers::Known { all: answered.collect(), vertical: of.vertical };
        Self { known, found, unknown_because: None }
    }

    /// An autoscaler as it was read.
    pub(crate) fn find(&self, name: &ScalerName) -> Option<&AutoscalerFound> {
        self.found.iter().find(|it| it.name == *name).map(|it| &**it)
    }
}

impl Pointed {
    fn answer(&mut self, found: &AutoscalerFound, mut it: Scaler, now: Timestamp) -> Scaler {
        if it.scales != Scales::Rollout {
            return it;
        }
        let known = self.0.iter().find(|known| known.0 == it.name).map(|known| known.2);
        let since = known.unwrap_or_else(|| {
            self.0.push((it.name.clone(), it.version, now));
            now
        });
        let is_old = now.duration_since(since) < OLD_WORDS;
        it.answer = match &found.told {
            ScalerWord::Works { surely: true } => Answer::Serves,
            ScalerWord::Works { .. } if !is_old => Answer::Serves,
            ScalerWord::Fails(_) if !is_old => Answer::Refuses,
            ScalerWord::Works { .. } | ScalerWord::Fails(_) | ScalerWord::Nothing => {
                Answer::Waiting { since }
            }
        };
        it
    }
}

/// What can scale the pods of a rollout.
pub(crate) fn interest(name: &str, target: &str) -> [Scaled; 3] {
    let primary = child_name(target, Role::Primary);
    [
        Scaled::Deployment(target.into()),
        Scaled::Deployment(primary.as_str().into()),
        Scaled::Rollout(name.into()),
    ]
}

fn scaler(found: &AutoscalerFound, of: ScaledRollout<'_>, plan: u64) -> Scaler {
    let target = &*of.rollout.spec.target_ref.name;
    let scales = match &found.scales {
        Scaled::Deployment(name) if **name == *target => Scales::Target,
        Scaled::Deployment(_) => Scales::Primary,
        Scaled::Rollout(name) if **name == *of.name => Scales::Rollout,
        Scaled::Rollout(_) => Scales::Other,
    };
    let mark = found.mark.as_deref();
    let bar = match mark {
        Some(SCALE_TARGET_KEEP) => Some(Bar::Keeps),
        Some(_) | None => found.reads_environment.then_some(Bar::ReadsEnvironment),
    };
    Scaler {
        name: found.name.clone(),
        scales,
        marked: mark.is_some_and(|it| it == marked(target)),
        bar,
        answer: Answer::Refuses,
        says: match &found.told {
            ScalerWord::Fails(said) => Some(Arc::clone(said)),
            ScalerWord::Works { .. } | ScalerWord::Nothing => None,
        },
        version: digest(&[&found.asked.to_be_bytes(), &plan.to_be_bytes()]),
    }
}

/// The annotation of an autoscaler that was taken over from this target.
pub(crate) fn marked(target: &str) -> String {
    format!("Deployment/{target}")
}

/// Digest of what a rollout is asked to do, but for the count, which autoscalers write.
fn asked_of(spec: &CanaryRolloutSpec) -> u64 {
    let plan = CanaryRolloutSpec { replicas: None, ..spec.clone() };
    digest(&[serde_json::to_string(&plan).unwrap_or_default().as_bytes()])
}
