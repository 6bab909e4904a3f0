//! Then: what must follow. Waits for it with a deadline, and says what was there instead.

use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;
use siskin_api::{Cause, HistoryEntry, Phase, PromotionReason, RolloutOutcome};
use tokio::time::{Instant, sleep};

use super::event_log::View;
use super::given::PATIENCE;
use super::history::{Change, State};
use super::load::Account;
use super::run::Scenario;
use super::seen::{Event, Part, Rollout, Seen, SeenPod, TARGET};

/// Pause between two questions whose answers no watch brings.
const LOOKS_EVERY: Duration = Duration::from_millis(200);

/// What a scenario expects. An expectation that is not met in time is an error, which says what was there instead.
pub struct Then<'a>(pub(super) &'a mut Scenario);

impl Scenario {
    /// What must follow.
    pub fn then(&mut self) -> Then<'_> {
        Then(self)
    }

    /// The rollout's phase, as last seen.
    #[must_use]
    pub fn phase(&self) -> Option<Phase> {
        self.log.look(|view| phase(view.state))
    }
}

impl Then<'_> {
    /// The rollout reaches this phase, after what the last `when` did and the last `reaches` saw.
    pub async fn reaches(&mut self, phase: Phase) -> Result<()> {
        let from = self.0.cursor;
        let what = format!("phase {phase:?}");
        let place = self.sees(&what, |view| {
            let found = view.history[from..].iter().position(|it| it.change.enters(phase));
            found.map(|place| from + place)
        });
        let place = place.await?;
        self.0.cursor = place + 1;
        Ok(())
    }

    /// The version is promoted for this reason: primary runs it at N, all Ready, and no canary.
    pub async fn promotes(&mut self, version: &str, by: PromotionReason) -> Result<()> {
        self.promotes_within(PATIENCE, version, by).await
    }

    /// [Promotes](Then::promotes) with a deadline of its own, for what takes long to be proven.
    pub async fn promotes_within(
        &mut self,
        within: Duration,
        version: &str,
        by: PromotionReason,
    ) -> Result<()> {
        let what = format!("version {version} is promoted by {by:?}");
        self.sees_within(&what, within, |view| {
            let ended = latest(view.state)?;
            let right = ended.outcome == RolloutOutcome::Promoted && ended.promoted_by == Some(by);
            let at_rest = phase(view.state) == Some(Phase::Succeeded);
            (right && at_rest && serves(view.state, version)).then_some(())
        })
        .await
    }

    /// The attempt is given up for this cause, and the primary serves this version again, alone.
    pub async fn rolls_back(&mut self, cause: Cause, to: &str) -> Result<()> {
        self.rolls_back_within(PATIENCE, cause, to).await
    }

    /// [Rolls back](Then::rolls_back) with a deadline of its own, for what takes long to be proven.
    pub async fn rolls_back_within(
        &mut self,
        within: Duration,
        cause: Cause,
        to: &str,
    ) -> Result<()> {
        let from = self.0.cursor;
        let what = format!("a rollback for {cause:?} to version {to}");
        self.sees_within(&what, within, |view| {
            let ended = view.history.iter().skip(from).any(|entry| {
                matches!(&entry.change, Change::Put(_, Seen::Rollout(it)) if ended_by(it, cause))
            });
            (ended && serves(view.state, to)).then_some(())
        })
        .await
    }

    /// The primary serves this version at N, alone.
    pub async fn serves(&mut self, version: &str) -> Result<()> {
        self.sees(&format!("only version {version} serves"), |view| {
            serves(view.state, version).then_some(())
        })
        .await
    }

    /// The target runs its pods itself again, of this version, and nothing of Siskin is left.
    pub async fn hands_back(&mut self, version: &str) -> Result<()> {
        let pods = self.0.fleet.pods;
        self.sees("the target runs its pods itself, and nothing of ours is left", |view| {
            let target = view.state.parts.get(&Part::Target)?;
            let whole = target.replicas == pods && target.ready == pods && target.rolled;
            let right = target.version.as_deref() == Some(version);
            let alone = view.state.parts.len() == 1 && view.state.frozen.is_empty();
            (whole && right && alone && view.state.rollouts.is_empty()).then_some(())
        })
        .await
    }

    /// The primary stays, whole and of this version, and belongs to the target; the rollout and the canary's pods are gone.
    pub async fn leaves_primary_in_charge(&mut self, version: &str) -> Result<()> {
        let pods = usize::try_from(self.0.fleet.pods)?;
        self.sees("the primary stays in charge", |view| {
            let primary = view.state.parts.get(&Part::Primary)?;
            let ready = view.state.pods_of(Part::Primary).filter(|(_, it)| it.ready).count();
            let right = primary.version.as_deref() == Some(version) && ready == pods;
            let owned = primary.owners.iter().any(|it| it == TARGET);
            let alone = view.state.pods.values().all(|it| it.part == Some(Part::Primary));
            (right && owned && alone && view.state.rollouts.is_empty()).then_some(())
        })
        .await?;
        self.tells("PrimaryLeft", "Revert orders in Git").await
    }

    /// A part runs this version, with Ready pods and no others.
    pub async fn runs(&mut self, part: Part, version: &str) -> Result<()> {
        self.sees(&format!("{part:?} runs version {version}"), |view| {
            let mut pods = view.state.pods_of(part).peekable();
            pods.peek()?;
            pods.all(|(_, it)| it.ready && it.version.as_deref() == Some(version)).then_some(())
        })
        .await
    }

    /// A condition of the rollout has this status and reason.
    pub async fn says(&mut self, condition: &str, status: &str, reason: &str) -> Result<()> {
        self.sees(&format!("{condition}={status} {reason}"), |view| {
            let conditions = &view.state.rollout()?.status.conditions;
            let found = conditions.iter().find(|it| it.type_ == condition)?;
            (found.status == status && found.reason == reason).then_some(())
        })
        .await
    }

    /// A condition of the rollout has this status, for whatever reason.
    pub async fn says_status(&mut self, condition: &str, status: &str) -> Result<()> {
        self.sees(&format!("{condition}={status}"), |view| {
            let conditions = &view.state.rollout()?.status.conditions;
            conditions.iter().any(|it| it.type_ == condition && it.status == status).then_some(())
        })
        .await
    }

    /// The message of the status contains this text, or has since the scenario began.
    pub async fn says_in_words(&mut self, text: &str) -> Result<()> {
        self.sees(&format!("the message …{text}…"), |view| {
            let said = |it: &Change| {
                let Change::Put(_, Seen::Rollout(it)) = it else { return false };
                it.status.message.as_ref().is_some_and(|it| it.contains(text))
            };
            view.history.iter().any(|it| said(&it.change)).then_some(())
        })
        .await
    }

    /// An Event of this reason whose note contains this text was told.
    pub async fn tells(&mut self, reason: &str, text: &str) -> Result<()> {
        self.sees(&format!("an Event {reason}: …{text}…"), |view| {
            let told = |it: &Event| it.reason == reason && it.note.contains(text);
            view.history.iter().any(|it| it.change.tells(told)).then_some(())
        })
        .await
    }

    /// The last rollout ended for a reason that contains one of these texts, and both its status and
    /// an Event say so. Answers with the reason.
    pub async fn ends_because(&mut self, texts: &[&str]) -> Result<String> {
        let right = |reason: &str| texts.iter().any(|it| reason.contains(it));
        self.sees(&format!("a rollback because of {texts:?}"), |view| {
            let ended = latest(view.state)?.message.clone()?;
            let told = |it: &Event| it.reason == "RollingBack" && right(&it.note);
            let told = view.history.iter().any(|it| it.change.tells(told));
            (told && right(&ended)).then_some(ended)
        })
        .await
        .with_context(|| {
            let ended = self.0.log.look(|view| latest(view.state)?.message.clone());
            format!("it ended because of {ended:?}")
        })
    }

    /// An admission policy acts: a write of the target that sets these fields would leave `value` at this
    /// JSON path. The API server learns of a policy some time after it was made.
    pub async fn mutates(&self, fields: &Value, path: &str, value: &str) -> Result<()> {
        self.mutates_object(&format!("deployment/{TARGET}"), fields, path, value).await
    }

    /// As [`Self::mutates`], of an object by its kind and name.
    pub async fn mutates_object(
        &self,
        object: &str,
        fields: &Value,
        path: &str,
        value: &str,
    ) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let (fields, output) = (fields.to_string(), format!("jsonpath={path}"));
        let command = ["patch", object, "--dry-run=server", "--type=merge"];
        let arguments = [&command[..], &["-p", &fields, "-o", &output]].concat();
        while self.0.kubectl(&arguments, "").await? != value {
            ensure!(Instant::now() < deadline, "{path} is not {value:?} after {fields}");
            sleep(LOOKS_EVERY).await;
        }
        Ok(())
    }

    /// The API server refuses this command of kubectl, a dry run, in words that contain this text. It learns of a policy
    /// some time after it was made.
    pub async fn refuses(&self, command: &[&str], text: &str) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let arguments = [command, &["--dry-run=server"]].concat();
        loop {
            match self.0.kubectl(&arguments, "").await {
                Err(error) if format!("{error:#}").contains(text) => return Ok(()),
                Err(error) => return Err(error),
                Ok(_) => ensure!(Instant::now() < deadline, "{command:?} is not refused"),
            }
            sleep(LOOKS_EVERY).await;
        }
    }

    /// The API server follows this command of kubectl, a dry run: it has learned that a policy is gone.
    pub async fn allows(&self, command: &[&str]) -> Result<()> {
        let deadline = Instant::now() + PATIENCE;
        let arguments = [command, &["--dry-run=server"]].concat();
        while let Err(error) = self.0.kubectl(&arguments, "").await {
            ensure!(Instant::now() < deadline, "{command:?} is refused: {error:#}");
            sleep(LOOKS_EVERY).await;
        }
        Ok(())
    }

    /// The change is over without an attempt, for this version serves already.
    pub async fn keeps(&mut self, version: &str) -> Result<()> {
        let what = format!("the change to version {version} needs no attempt");
        self.sees(&what, |view| {
            let status = &view.state.rollout()?.status;
            let seen = status.change_id.as_deref() == Some(version);
            let mut conditions = status.conditions.iter();
            let over = conditions.any(|it| it.type_ == "Completed" && it.status == "True");
            (seen && over && serves(view.state, version)).then_some(())
        })
        .await
    }

    /// The load ends, and the consumers work off what is left: what became of each record.
    pub async fn accounts(&mut self, within: Duration) -> Result<Account> {
        self.0.log.note("end the load");
        self.0.load = None;
        let deadline = Instant::now() + within;
        loop {
            let account = Account::of(&self.0.run.program("producer"), &self.0.fleet).await?;
            if account.missing == 0 || deadline < Instant::now() {
                return Ok(account);
            }
            sleep(LOOKS_EVERY).await;
        }
    }

    /// A Deployment is gone.
    pub async fn loses(&mut self, part: Part) -> Result<()> {
        let gone = |view: View<'_>| (!view.state.parts.contains_key(&part)).then_some(());
        self.sees(&format!("{part:?} is gone"), gone).await
    }

    /// For so long no version is given up: it is what a wait that is held against nobody looks like.
    pub async fn gives_nobody_up_for(&mut self, span: Duration) -> Result<()> {
        let log = self.0.log.clone();
        let gives_up = |view: View<'_>| {
            let mut history = view.history.iter();
            history.any(|it| it.change.enters(Phase::RollingBack)).then_some(())
        };
        match log.until("a version is given up", span, gives_up).await {
            Ok(()) => {
                bail!("a healthy version was rolled back: {}", log.look(|it| present(it.state)))
            }
            Err(_) => Ok(()),
        }
    }

    /// Anything else that can be seen.
    pub async fn sees<T>(
        &mut self,
        what: &str,
        look: impl FnMut(View<'_>) -> Option<T>,
    ) -> Result<T> {
        self.sees_within(what, PATIENCE, look).await
    }

    /// [Sees](Then::sees) with a deadline of its own.
    pub async fn sees_within<T>(
        &mut self,
        what: &str,
        within: Duration,
        look: impl FnMut(View<'_>) -> Option<T>,
    ) -> Result<T> {
        let log = self.0.log.clone();
        let found = log.until(what, within, look).await;
        found.with_context(|| self.0.log.look(|view| present(view.state)))
    }
}

/// The entry of the rollout that ended last.
pub fn latest(state: &State) -> Option<&HistoryEntry> {
    state.rollout()?.status.history.first()
}

/// The phase now.
pub fn phase(state: &State) -> Option<Phase> {
    state.rollout()?.status.phase
}

/// Whether primary serves this version at N with every pod Ready, the target and the canary have no pods.
fn serves(state: &State, version: &str) -> bool {
    let Some(primary) = state.parts.get(&Part::Primary) else { return false };
    let total = state.total().unwrap_or(0);
    let alone = [Part::Target, Part::Canary].iter().all(|part| {
        state.count(*part) == 0 && state.pods.values().all(|it| it.part != Some(*part))
    });
    let right = |it: &SeenPod| it.ready && it.version.as_deref() == Some(version);
    let ready = state.pods_of(Part::Primary).filter(|(_, it)| right(it)).count();
    alone
        && primary.version.as_deref() == Some(version)
        && primary.replicas == total
        && u32::try_from(ready) == Ok(total)
}

fn ended_by(rollout: &Rollout, cause: Cause) -> bool {
    let at_rest =
        matches!(rollout.status.phase, Some(Phase::Initialized | Phase::Succeeded | Phase::Failed));
    at_rest && rollout.status.history.first().is_some_and(|it| it.cause == Some(cause))
}

/// What is there, in a few lines.
fn present(state: &State) -> String {
    let parts = state.parts.iter().map(|(part, it)| {
        let version = it.version.as_deref().unwrap_or("-");
        format!("{part:?} {}/{} at {version}", it.ready, it.replicas)
    });
    let parts: Vec<_> = parts.collect();
    let status = state.rollout().map(|it| &it.status);
    let phase = status.and_then(|it| it.phase);
    let message = status.and_then(|it| it.message.clone()).unwrap_or_default();
    format!("there is: {}; phase {phase:?}: {message}", parts.join(", "))
}
