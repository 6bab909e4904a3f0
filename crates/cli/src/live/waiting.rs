//! What a waiting pipeline is told: from one look at Deployment and CanaryRollout to the next.
//! Pure. Takes no status for an answer but one about the Deployment as it is.

use k8s_openapi::api::apps::v1::Deployment;
use kube::ResourceExt as _;
use siskin_api::annotations::target::CHANGE_ID;
use siskin_api::conditions::{COMPLETED, PROMOTED, RECONCILING, STALLED, is_true};
use siskin_api::{
    CanaryRollout, CanaryRolloutSpec, CanaryRolloutStatus, Duration, HistoryEntry, Order, Phase,
    ProgressStatus, RolloutOutcome,
};

use crate::live::advice;

/// What is known of a wait at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum WaitAnswer {
    /// Not over; why.
    Waits(String),
    /// The version serves; the operator's words.
    Promoted(String),
    /// It does not serve, and will not without another change; why.
    RolledBack(String),
    /// It goes on only when a person does something; what.
    NeedsPerson(String),
}

/// A wait under way.
#[derive(Clone, Debug, Default)]
pub(crate) struct Waiting {
    /// The change that is waited for; `None`: whatever the Deployment asks for.
    change_id: Option<String>,
    /// Whether a need for a person ends nothing.
    patient: bool,
    /// Attempts that were over before the wait began: none of them answers it.
    earlier: Option<Vec<String>>,
    /// Whether the Deployment was seen with the change's id.
    carried: bool,
    /// Revision of the change, once the operator has named it.
    revision: Option<String>,
}

/// How long a rollout of this plan may take: all that its deadlines and holds allow, from the change to the promotion.
pub(crate) fn longest(spec: &CanaryRolloutSpec) -> Duration {
    // How pods are exchanged changes no time of the plan.
    let plan = spec.freeze(Order::SurgeFirst);
    let (start, promotion) = (plan.progress_deadline, plan.progress_deadline);
    let steps = plan.steps().into_iter().map(|it| [plan.max_hold_of(&it), plan.progress_deadline]);
    [start, promotion]
        .into_iter()
        .chain(steps.flatten())
        .fold(Duration::default(), Duration::saturating_add)
}

impl Waiting {
    /// A wait that has seen nothing yet.
    pub(crate) fn new(change_id: Option<String>, patient: bool) -> Self {
        Self { change_id, patient, ..Self::default() }
    }

    /// Takes a look at both objects, read at about the same time.
    pub(crate) fn look(
        &mut self,
        deployment: Option<&Deployment>,
        rollout: &CanaryRollout,
    ) -> WaitAnswer {
        let unseen = CanaryRolloutStatus::default();
        let status = rollout.status.as_ref().unwrap_or(&unseen);
        self.earlier
            .get_or_insert_with(|| status.history.iter().map(|it| it.rollout_id.clone()).collect());
        let target = &rollout.spec.target_ref.name;
        let Some(deployment) = deployment else {
            return self.without_deployment(status, target);
        };
        if let Some(id) = self.change_id.clone() {
            let carries = deployment.annotations().get(CHANGE_ID);
            if carries == Some(&id) {
                self.carried = true;
            } else if self.carried {
                let by = carries.map(String::as_str);
                if self.is_unnoticed(status, deployment) {
                    return self.seen(rollout, status);
                }
                return self.replaced(status, deployment, by);
            } else {
                let carries = carries.map_or_else(|| "none".to_owned(), Clone::clone);
                return WaitAnswer::Waits(format!(
                    "Deployment {target} does not carry change-id {id} yet, but {carries}"
                ));
            }
        }
        if let Some(why) = self.unseen(rollout, status, deployment) {
            return WaitAnswer::Waits(why);
        }
        let desired = status.revisions.as_ref().and_then(|it| it.desired.clone());
        let before = self.revision.clone();
        if self.change_id.is_some() && before.is_some() && before != desired {
            return self.replaced(status, deployment, self.change_id.as_deref());
        }
        self.revision = desired;
        self.seen(rollout, status)
    }

    /// Why the status says nothing about the objects as they are; `None`: it does.
    fn unseen(
        &self,
        rollout: &CanaryRollout,
        status: &CanaryRolloutStatus,
        deployment: &Deployment,
    ) -> Option<String> {
        if is_about(status, deployment).is_none() && status.phase.is_some() {
            return Some(
                "the operator does not say which Deployment it has seen: is it older than this program?"
                    .to_owned(),
            );
        }
        let generation = rollout.metadata.generation.unwrap_or(0);
        let current = is_about(status, deployment) == Some(true)
            && generation <= status.observed_generation
            && (self.change_id.is_none() || status.change_id == self.change_id);
        (!current).then(|| "the operator has not seen the change yet".to_owned())
    }

    /// The answer of a status about the objects as they are.
    fn seen(&self, rollout: &CanaryRollout, status: &CanaryRolloutStatus) -> WaitAnswer {
        let message = status.message.clone().unwrap_or_default();
        if is_true(&status.conditions, COMPLETED) {
            return if is_true(&status.conditions, PROMOTED) {
                WaitAnswer::Promoted(message)
            } else {
                WaitAnswer::RolledBack(message)
            };
        }
        match need(rollout, status) {
            Some(need) if !self.patient => WaitAnswer::NeedsPerson(need),
            Some(need) => WaitAnswer::Waits(need),
            None => WaitAnswer::Waits(message),
        }
    }

    fn without_deployment(&self, status: &CanaryRolloutStatus, target: &str) -> WaitAnswer {
        let told = is_true(&status.conditions, STALLED) && status.observed_target.is_none();
        let text = format!("Deployment {target} does not exist");
        if told && !self.patient {
            return WaitAnswer::NeedsPerson(text);
        }
        WaitAnswer::Waits(text)
    }

    /// Whether the Deployment has got another id alone, and the status still speaks of the change.
    fn is_unnoticed(&self, status: &CanaryRolloutStatus, deployment: &Deployment) -> bool {
        is_about(status, deployment) == Some(true) && status.change_id == self.change_id
    }

    /// The Deployment asks for something else by now. The change may have been promoted before.
    fn replaced(
        &self,
        status: &CanaryRolloutStatus,
        deployment: &Deployment,
        by: Option<&str>,
    ) -> WaitAnswer {
        if let Some(over) = self.of_history(status) {
            return over;
        }
        let promoted = status.revisions.as_ref().and_then(|it| it.promoted.as_ref());
        if self.revision.is_some() && promoted == self.revision.as_ref() {
            return WaitAnswer::Promoted("it was promoted, and replaced since".to_owned());
        }
        let is_its = |it: &ProgressStatus| {
            it.change_id == self.change_id || Some(&it.revision) == self.revision.as_ref()
        };
        let on_its_way = status.progress.as_ref().is_some_and(is_its) && is_moving(status.phase);
        if is_about(status, deployment) != Some(true) || on_its_way {
            return WaitAnswer::Waits("the Deployment was changed again".to_owned());
        }
        let by = match (by, &self.change_id) {
            (Some(by), Some(id)) if by == id => {
                "another template under the same change-id".to_owned()
            }
            (Some(by), _) => format!("change {by}"),
            (None, _) => "a change without change-id".to_owned(),
        };
        WaitAnswer::RolledBack(format!("replaced by {by} before it was seen to be promoted"))
    }

    /// How the change's attempt ended, if it is among those that ended since the wait began.
    fn of_history(&self, status: &CanaryRolloutStatus) -> Option<WaitAnswer> {
        let earlier = self.earlier.as_deref().unwrap_or_default();
        let is_of_it = |it: &&HistoryEntry| {
            it.change_id == self.change_id && !earlier.contains(&it.rollout_id)
        };
        let entry = status.history.iter().find(is_of_it)?;
        let said = entry.message.clone().unwrap_or_default();
        Some(match entry.outcome {
            RolloutOutcome::Promoted => WaitAnswer::Promoted(said),
            RolloutOutcome::RolledBack => WaitAnswer::RolledBack(said),
            RolloutOutcome::Superseded | RolloutOutcome::Reverted => {
                WaitAnswer::RolledBack(format!("replaced before it was promoted: {said}"))
            }
        })
    }
}

/// Whether the operator wrote the status after it had seen the Deployment as it is; `None`: it does not say.
fn is_about(status: &CanaryRolloutStatus, deployment: &Deployment) -> Option<bool> {
    let seen = status.observed_target.as_ref()?;
    let same = deployment.metadata.uid.as_ref() == Some(&seen.uid);
    Some(same && deployment.metadata.generation == Some(seen.generation))
}

/// What only a person can do, if the rollout waits for that.
fn need(rollout: &CanaryRollout, status: &CanaryRolloutStatus) -> Option<String> {
    let message = status.message.clone().unwrap_or_default();
    let paused_target = status
        .conditions
        .iter()
        .any(|it| it.type_ == RECONCILING && it.status == "True" && it.reason == "TargetPaused");
    // A promotion and a rollback under way go on while suspended.
    let held = rollout.spec.suspend
        && !matches!(status.phase, Some(Phase::Promoting | Phase::RollingBack));
    let waits = is_true(&status.conditions, STALLED)
        || status.phase == Some(Phase::Paused)
        || paused_target
        || held;
    let todo = advice::of(rollout).into_iter().next();
    waits.then(|| todo.map_or_else(|| message.clone(), |it| format!("{message}\n  {it}")))
}

/// Whether an attempt is under way.
fn is_moving(phase: Option<Phase>) -> bool {
    match phase {
        Some(
            Phase::Preparing
            | Phase::Progressing
            | Phase::Paused
            | Phase::Promoting
            | Phase::RollingBack,
        ) => true,
        Some(
            Phase::Pending
            | Phase::Adopting
            | Phase::Initialized
            | Phase::Succeeded
            | Phase::Failed
            | Phase::Terminating,
        )
        | None => false,
    }
}

#[cfg(test)]
mod tests;
