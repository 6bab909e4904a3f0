//! Where a rollout is: the persisted state, each variant holding only what has a meaning there.
//! Reasons why it can't go on (`Held`) stand beside the state, never in it.

use jiff::{SignedDuration, Timestamp};
use strum::{EnumIter, EnumString, IntoStaticStr};

use crate::revision::{Cause, Revision, RolloutId};

/// The state of one `CanaryRollout`, as persisted in its status.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Nothing has begun: the target is not adopted, and there is no primary yet.
    Pending,
    /// The units of the target go over to the primary Deployment.
    Adopting,
    /// Primary serves at N on the promoted revision; no canary.
    AtRest(Rest),
    /// A revision is prepared for, or under, judgment.
    Trial(Trial),
    /// Primary takes a revision over.
    Promoting(Promotion),
    /// The canary is being removed.
    RollingBack(Rollback),
    /// The `CanaryRollout` is being deleted.
    Terminating(Termination),
}

/// Where a rollout is, without what it carries: `status.phase`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// [`State::Pending`].
    Pending,
    /// [`State::Adopting`].
    Adopting,
    /// [`Rest::Initialized`].
    Initialized,
    /// [`Rest::Succeeded`].
    Succeeded,
    /// [`Rest::Failed`].
    Failed,
    /// [`Stage::Preparing`].
    Preparing,
    /// [`Stage::Progressing`].
    Progressing,
    /// [`Stage::Paused`].
    Paused,
    /// [`State::Promoting`].
    Promoting,
    /// [`State::RollingBack`].
    RollingBack,
    /// [`State::Terminating`].
    Terminating,
}

/// How the last rollout left things.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rest {
    /// Nothing has been rolled out since adoption.
    Initialized,
    /// The last rollout promoted its revision.
    Succeeded,
    /// The last rollout rejected `revision`, which is not tried again by itself.
    Failed {
        /// The rejected revision.
        revision: Revision,
        /// What it was rejected for.
        cause: Cause,
    },
}

/// One attempt under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Trial {
    /// Which attempt at which revision.
    pub id: RolloutId,
    /// The rest to return to when this attempt ends without a rejection.
    pub before: Rest,
    /// Stage that the attempt is in.
    pub stage: Stage,
}

/// Stages of a trial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// Waiting for preflight; the clock bounds when that is called overdue.
    Preparing(Stopwatch),
    /// A step's canary is scaled up, settled, held and judged.
    Progressing(CurrentStep),
    /// The hold is over and evidence or a person is waited for.
    Paused(CurrentStep),
}

/// The step of the strategy that a trial is at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CurrentStep {
    /// Index into the strategy's steps, from 0.
    pub index: usize,
    /// Canary pods of this step, fixed when it was entered.
    pub canary: u32,
    /// Most canary pods that were available and in the group at one time: more of them is progress.
    pub reached: u32,
    /// Time without progress of the canary's own; bounded by `progressDeadline`. Flapping does not
    /// reset it: only another pod, or a whole `progressDeadline` in which all was well.
    pub unsettled: Stopwatch,
    /// Time in which it was: what `hold` and `maxHold` measure.
    pub hold: Stopwatch,
    /// The part of `hold` in which every source delivered: what may end an Inconclusive.
    pub delivered: Stopwatch,
    /// Since when the step has not got on, whoever is in its way; `None` while it is settled.
    pub waits: Option<Timestamp>,
}

/// Primary taking a revision over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Promotion {
    /// Which attempt at which revision.
    pub id: RolloutId,
    /// What allowed it.
    pub promoted_by: PromotedBy,
    /// The rest to return to if it is rolled back without a rejection.
    pub before: Rest,
    /// When it began.
    pub since: Timestamp,
    /// Overdue after `progressDeadline` without any.
    pub headway: Headway,
}

/// How far pods have got on their way, and since when they have got no further.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Headway {
    /// Most pods that were where they are to be; each counts for all that it has still to become.
    pub reached: u32,
    /// When that was, or when the way began.
    pub since: Timestamp,
}

impl Headway {
    /// Nothing reached yet.
    #[must_use]
    pub const fn started(now: Timestamp) -> Self {
        Self { reached: 0, since: now }
    }

    /// With what is reached now. Where N has changed the way is another one, and begins anew.
    pub(crate) fn at(self, reached: u32, other_way: bool, now: Timestamp) -> Self {
        if other_way || self.reached < reached { Self { reached, since: now } } else { self }
    }
}

/// What allowed a promotion.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, EnumString, IntoStaticStr)]
pub enum PromotedBy {
    /// Every step passed.
    Passed,
    /// A person skipped what was left.
    Commanded,
    /// Inconclusive at `maxHold` under `onInconclusive: Promote`.
    Inconclusive,
    /// `siskin.dev/bypass`.
    Bypass,
    /// The change needs no trial by `spec.canaryOn`.
    NoTrialNeeded,
    /// The primary Deployment says that a promotion is under way, and not why.
    Resumed,
}

/// The canary being removed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rollback {
    /// Which attempt at which revision.
    pub id: RolloutId,
    /// What the canary is removed for.
    pub cause: Cause,
    /// What was interrupted: after a promotion primary goes first.
    pub from: Origin,
    /// The rest to return to when nothing was rejected.
    pub before: Rest,
    /// When it began.
    pub since: Timestamp,
    /// Overdue after `progressDeadline` without any.
    pub headway: Headway,
}

/// What a rollback interrupted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumString, IntoStaticStr)]
pub enum Origin {
    /// A trial: primary never left the promoted revision.
    Trial,
    /// A promotion: primary may run the revision that is taken back.
    Promoting,
}

/// How a deletion ends; decided once, and only `HandBack` may still become `Leave`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, EnumIter, EnumString, IntoStaticStr)]
pub enum Ending {
    /// The target runs the promoted revision again and the children go.
    HandBack,
    /// The primary Deployment keeps serving, owned by the target from then on.
    Leave,
    /// The target is gone: the children go too.
    Remove,
}

/// The way to the end of a deletion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Termination {
    /// How it ends.
    pub ending: Ending,
    /// Overdue after `progressDeadline` without any.
    pub headway: Headway,
}

/// The state of a deletion that ends so; how far it has got is told at the end of the decision.
pub(crate) const fn terminating(ending: Ending) -> State {
    let headway = Headway::started(Timestamp::UNIX_EPOCH);
    State::Terminating(Termination { ending, headway })
}

/// Time spent in a condition, over interruptions. Persisted, so an operator's restart neither
/// shortens nor lengthens it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stopwatch {
    /// Sum of the closed intervals.
    pub spent: SignedDuration,
    /// Start of the open one.
    pub since: Option<Timestamp>,
}

/// A time without a gap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unbroken {
    /// When it began.
    pub since: Timestamp,
    /// When it was seen last.
    pub until: Timestamp,
}

impl Unbroken {
    /// What was seen until `now`: it goes on from `before`, unless the gap between them is longer than
    /// `longest`. A clock that was put forward leaves a gap as well, and so does one that was put back.
    #[must_use]
    pub fn until(now: Timestamp, before: Option<Self>, longest: SignedDuration) -> Self {
        let goes_on = |it: &Self| it.until <= now && now.duration_since(it.until) <= longest;
        let since = before.filter(goes_on).map_or(now, |it| it.since);
        Self { since, until: now }
    }
}

impl Stopwatch {
    /// A stopwatch that runs from `now`.
    pub(crate) const fn started(now: Timestamp) -> Self {
        Self { spent: SignedDuration::ZERO, since: Some(now) }
    }

    /// Runs or stands still from `now`; no change when it already does.
    #[must_use]
    pub fn run(self, running: bool, now: Timestamp) -> Self {
        match (self.since, running) {
            (None, true) => Self { since: Some(now), ..self },
            (Some(_), false) => Self { spent: self.elapsed(now), since: None },
            (None, false) | (Some(_), true) => self,
        }
    }

    /// Without what passed of the open interval while nobody watched: before `watched`, or all of
    /// it.
    pub(crate) fn watched(self, watched: Option<Timestamp>) -> Self {
        let since = self.since.zip(watched).map(|(since, watched)| since.max(watched));
        Self { since, ..self }
    }

    /// Runs or stands still from `now`, and counts of the open interval only what lies within `seen`: a
    /// status that was refused meanwhile, or a clock that was put forward, adds nothing.
    pub(crate) fn run_within(self, seen: Option<Unbroken>, running: bool, now: Timestamp) -> Self {
        let Some(since) = self.since else { return self.run(running, now) };
        let since = Some(seen.map_or(now, |it| since.max(it.since)));
        let until = seen.map_or(now, |it| now.min(it.until));
        Self { since, ..self }.run(running, if running { now } else { until })
    }

    /// Time spent until `now`. A clock that went backwards adds nothing.
    #[must_use]
    pub fn elapsed(self, now: Timestamp) -> SignedDuration {
        let open = self.since.map_or(SignedDuration::ZERO, |since| now.duration_since(since));
        self.spent.saturating_add(open.max(SignedDuration::ZERO))
    }

    /// When `span` will have been spent if it goes on running; `None` while it stands still.
    pub(crate) fn due(self, span: SignedDuration) -> Option<Timestamp> {
        let left = span.saturating_sub(self.spent).max(SignedDuration::ZERO);
        self.since.map(|since| since.saturating_add(left).unwrap_or(Timestamp::MAX))
    }
}

impl Stage {
    /// The step whose canary is scaled up or judged; `None` before the first.
    #[must_use]
    pub const fn step(self) -> Option<CurrentStep> {
        match self {
            Self::Preparing(_) => None,
            Self::Progressing(step) | Self::Paused(step) => Some(step),
        }
    }
}

impl State {
    /// The phase that people see.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        match self {
            Self::Pending => Phase::Pending,
            Self::Adopting => Phase::Adopting,
            Self::AtRest(Rest::Initialized) => Phase::Initialized,
            Self::AtRest(Rest::Succeeded) => Phase::Succeeded,
            Self::AtRest(Rest::Failed { .. }) => Phase::Failed,
            Self::Trial(it) => match it.stage {
                Stage::Preparing(_) => Phase::Preparing,
                Stage::Progressing(_) => Phase::Progressing,
                Stage::Paused(_) => Phase::Paused,
            },
            Self::Promoting(_) => Phase::Promoting,
            Self::RollingBack(_) => Phase::RollingBack,
            Self::Terminating(_) => Phase::Terminating,
        }
    }

    /// The step of the trial under way.
    #[must_use]
    pub const fn step(&self) -> Option<CurrentStep> {
        let Self::Trial(trial) = self else { return None };
        trial.stage.step()
    }

    /// The attempt that is under way or being undone.
    #[must_use]
    pub const fn rollout(&self) -> Option<RolloutId> {
        match self {
            Self::Trial(it) => Some(it.id),
            Self::Promoting(it) => Some(it.id),
            Self::RollingBack(it) => Some(it.id),
            Self::Pending | Self::Adopting | Self::AtRest(_) | Self::Terminating(_) => None,
        }
    }

    /// The attempt whose canary has, or may have, pods.
    #[must_use]
    pub fn attempt_with_canary(&self) -> Option<RolloutId> {
        self.rollout().filter(|_| self.phase() != Phase::Preparing)
    }

    /// The rest that an interruption without rejection returns to.
    pub(crate) const fn rest(&self) -> Rest {
        match self {
            Self::AtRest(rest) => *rest,
            Self::Trial(it) => it.before,
            Self::Promoting(it) => it.before,
            Self::RollingBack(it) => it.before,
            Self::Pending | Self::Adopting | Self::Terminating(_) => Rest::Initialized,
        }
    }
}
