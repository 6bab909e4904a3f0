//! What is known about one rollout's group: the record before and during a trial, and the judge of
//! the attempt under way. Takes observations in; reads nothing itself.

use jiff::{SignedDuration, Timestamp};
use siskin_analysis::observation::{
    GroupObservation, GroupState, Millis, Observation, Owner, PartitionObservation, PodObservation,
    Role,
};
use siskin_analysis::{
    Aftermath, Assessment, Finding, GroupSummary, Judge, RECORD_SPAN, Record, Settings,
    crash_guard, summarize,
};
use siskin_api::AnalysisStatus;
use siskin_decide::{Membership, RolloutId, Unbroken};
use siskin_kafka::Sample;
use siskin_prometheus::ReadError;
use siskin_trace::Seen;

use crate::evidence::after_rollback::{AfterRollback, StayedFault};
use crate::evidence::concern::Concern;
use crate::evidence::kept_memory::KeptMemory;
use crate::evidence::replay_ranges::{KeptRanges, Lives, ReplayRecord, ReplayView, ReplayWritten};
use crate::evidence::streams::Streams;
use crate::traces::marks::AttemptSnapshot;
use crate::traces::shelf::{Attempt, Beginning, Recorder};

/// Polls without an answer that still count as the same window.
const RECENT_POLLS: i64 = 3;

/// One rollout's evidence.
#[derive(Debug)]
pub struct RolloutEvidence {
    /// Observations before and during the trial.
    pub(super) record: Record,
    recorder: Recorder,
    /// `None` until it is known what the status has of it.
    memory: Option<KeptMemory>,
    /// Apart: a judge is large, and most rollouts rest.
    session: Option<Box<Session>>,
    /// The last outcome of the sampler.
    pub(super) latest: Option<Sample>,
    /// Why the pods' metrics could not be read beside the latest sample.
    pub(super) unread: Option<ReadError>,
    /// What is known of the canary's pods beside the sample that is observed next.
    pub(super) lives: Lives,
    pub(super) streams: Streams,
    reported: Reported,
    after: AfterRollback,
    interval: Millis,
    held: bool,
}

/// What the status says of the sources, beside what the samples say.
#[derive(Debug, Default)]
struct Reported {
    /// Reason why a source does not deliver, as told; `None`: all deliver.
    told: Option<String>,
    /// Reason at the sample before the latest.
    before: Option<&'static str>,
}

#[derive(Debug)]
struct Session {
    id: RolloutId,
    begun: Timestamp,
    /// The latest time without a gap in which every source answered.
    unbroken: Option<Unbroken>,
    judge: Judge,
    /// `None` until it is known what an earlier process kept.
    replay: Option<ReplayRecord>,
    /// What the judge was given and no pass has asked it about: it is not in the trace yet.
    unasked: Option<Observation>,
    /// Whether the latest pass took the primary for healthy.
    primary_healthy: Option<bool>,
    /// What to watch after a rollback for what the judge found.
    aftermath: Option<Aftermath>,
}

/// What an earlier process saved of an attempt.
#[derive(Clone, Copy, Debug)]
pub struct Saved<'a> {
    /// The judge's accounts, and the figures beside them.
    pub analysis: Option<&'a AnalysisStatus>,
    /// Replay ranges kept so far.
    pub replay: &'a KeptRanges,
    /// Whether canary pods already exist: without accounts their evidence was lost.
    pub under_way: bool,
}

impl RolloutEvidence {
    /// The evidence of a rollout that is sampled every `interval` milliseconds: none yet. What its
    /// judges are given goes to `recorder`.
    #[must_use]
    pub fn new(interval: Millis, recorder: Recorder) -> Self {
        Self {
            record: Record::new(RECORD_SPAN),
            recorder,
            memory: None,
            session: None,
            latest: None,
            unread: None,
            lives: Lives::default(),
            streams: Streams::default(),
            reported: Reported::default(),
            after: AfterRollback::default(),
            interval,
            held: false,
        }
    }

    /// Observes one sample: `group` if it is an answer, attributed, and the `pods` of that moment.
    pub fn observe(
        &mut self,
        sample: Sample,
        now: Timestamp,
        pods: Vec<PodObservation>,
        group: Option<GroupObservation>,
    ) {
        let at = sample.as_ref().as_ref().map_or(now.as_millisecond(), |it| it.at);
        let lives = std::mem::take(&mut self.lives);
        let replay = self.session.as_mut().and_then(|it| it.replay.as_mut());
        if let (Some(replay), Some(group)) = (replay, &group) {
            replay.observe(group, &pods, &lives, lives.begun.unwrap_or(at));
        }
        let observation = Observation { at, group, pods };
        self.record_unasked();
        if let Some(session) = &mut self.session {
            session.judge.observe(&observation);
            session.unasked = Some(observation.clone());
        }
        self.after.observe(&observation);
        self.record.push(observation);
        self.latest = Some(sample);
        self.note_unbroken(now);
    }

    /// Notes whether every source has answered by now. The session comes first: most groups are at rest,
    /// and the answer unpacks a sample.
    fn note_unbroken(&mut self, now: Timestamp) {
        if self.session.is_some() && self.delivered(now) {
            let longest = self.longest_gap();
            let Some(session) = &mut self.session else { return };
            session.unbroken = Some(Unbroken::until(now, session.unbroken, longest));
        }
    }

    /// Notes what the status says of the sources: the reason why one does not deliver.
    pub(crate) fn note_told(&mut self, told: Option<String>) {
        self.reported.told = told;
    }

    /// Whether the latest sample is worth a pass: an attempt waits for it, or it says once more what
    /// the sample before it said and the status does not. One failure of a thousand groups at rest
    /// is no news, and each look costs five reads.
    pub(super) fn is_news(&mut self) -> bool {
        let now = self.trouble().map(|it| it.reason);
        let lasts = std::mem::replace(&mut self.reported.before, now) == now;
        let stayed = self.after.is_news();
        self.is_awaited() || stayed || (lasts && self.reported.told.as_deref() != now)
    }

    /// Why the latest sample, or the metrics beside it, could not be read.
    pub(super) fn trouble(&self) -> Option<Concern> {
        let error = self.latest.as_ref()?.as_ref().as_ref().err().map(Concern::from);
        error.or_else(|| self.unread.as_ref().map(Concern::from))
    }

    /// Whether an attempt waits for the next sample: it is being judged, or its preflight holds it.
    pub(crate) const fn is_awaited(&self) -> bool {
        self.session.is_some() || self.held
    }

    /// Notes whether a preflight holds an attempt back.
    pub(crate) const fn hold(&mut self, held: bool) {
        self.held = held;
    }

    /// Goes on from what the status has of the primary's memory, unless this process knows more.
    pub(crate) fn recall(&mut self, kept: Option<&str>, now: Timestamp) {
        self.memory.get_or_insert_with(|| KeptMemory::recall(kept, now));
    }

    /// Takes the record into the memory, if it is a whole one that is not in it yet.
    pub(crate) fn learn(&mut self) {
        if let Some(memory) = &mut self.memory {
            memory.take(self.interval, &self.record);
        }
    }

    /// What the status should keep of the memory.
    pub(crate) fn memory_to_keep(&self) -> Option<String> {
        self.memory.as_ref()?.to_keep()
    }

    /// Begins or resumes the judge of this attempt, if it is not the one at work; `None` ends it. A
    /// judge that begins is given what the memory teaches, and its trace says so.
    pub fn attend(
        &mut self,
        id: Option<RolloutId>,
        settings: Settings,
        saved: Saved<'_>,
        now: Timestamp,
    ) {
        let Some(id) = id else {
            self.close(now);
            return;
        };
        let replay = ReplayRecord::of(saved.replay, &self.record, now);
        if let Some(session) = self.session.as_mut().filter(|it| it.id == id) {
            session.replay = session.replay.take().or(replay);
            return;
        }
        let remembered = self.memory.as_ref().map(|it| it.teaches(now)).unwrap_or_default();
        let settings = Settings { remembered, ..settings };
        let accounts = saved.analysis.and_then(|it| it.accounts.as_deref());
        let resumed = accounts.and_then(|it| Some((Judge::resume(settings.clone(), it).ok()?, it)));
        let (judge, beginning) = match resumed {
            Some((judge, accounts)) => (judge, Beginning::Resumed(accounts)),
            None if saved.under_way => {
                let losses = Judge::times_lost(accounts);
                let judge = Judge::start_over(settings.clone(), &self.record, losses);
                (judge, Beginning::StartedOver)
            }
            None => (Judge::new(settings.clone(), &self.record), Beginning::Fresh),
        };
        self.record_unasked();
        let attempt = Attempt { id, settings, beginning };
        self.recorder.begin(attempt, &self.record, now.as_millisecond());
        self.after.watch(None);
        let (unasked, primary_healthy, aftermath) = (None, None, None);
        let (begun, unbroken) = (now, None);
        let session =
            Session { id, begun, unbroken, judge, replay, unasked, primary_healthy, aftermath };
        self.session = Some(Box::new(session));
        self.note_unbroken(now);
    }

    /// Ends the attempt under way, if there is one.
    pub(crate) fn close(&mut self, now: Timestamp) {
        self.record_unasked();
        if let Some(session) = self.session.take() {
            self.recorder.finish(now.as_millisecond());
            self.after.watch(session.aftermath.map(|it| (session.id, it)));
        }
    }

    /// Notes for the trace what a pass found, and `proof`: pods that a guard judged by and that no
    /// sample has shown to the judge.
    pub(crate) fn note(&self, attempt: &AttemptSnapshot, proof: Option<Observation>) {
        if let Some(observation) = proof {
            let primary_healthy = self.session.as_ref().and_then(|it| it.primary_healthy);
            self.recorder.seen(Seen { observation, primary_healthy });
        }
        self.recorder.follow(attempt);
    }

    /// Since when this process has watched the attempt.
    pub(crate) fn watched_since(&self) -> Option<Timestamp> {
        self.session.as_ref().map(|it| it.begun)
    }

    /// The latest time without a gap in which every source answered, within the attempt.
    pub(crate) fn unbroken(&self) -> Option<Unbroken> {
        self.session.as_ref()?.unbroken
    }

    /// The judge's assessment at `now`, if an attempt is judged. Whether this pass takes the primary
    /// for healthy goes into the trace, for replay, with the latest observation.
    pub fn assess(&mut self, now: Timestamp, primary_healthy: bool) -> Option<Assessment> {
        self.session.as_mut()?.primary_healthy = Some(primary_healthy);
        self.record_unasked();
        let session = self.session.as_mut()?;
        let assessment = session.judge.assess(now.as_millisecond(), primary_healthy);
        if let (None, Finding::Fault(fault)) = (&session.aftermath, &assessment.finding) {
            session.aftermath = session.judge.aftermath(fault);
        }
        Some(assessment)
    }

    /// What the latest attempt was rolled back for and the primary shows without it.
    pub(crate) fn stayed(&self) -> Option<StayedFault> {
        self.after.stayed()
    }

    /// What the crash guard finds on these pods, by what the judge of the attempt remembers of them;
    /// by the pods alone where no attempt is judged.
    pub(crate) fn crash(
        &self,
        now: Timestamp,
        pods: &[PodObservation],
        primary_healthy: bool,
    ) -> Option<Finding> {
        let now = now.as_millisecond();
        match &self.session {
            Some(session) => session.judge.crash(now, pods, primary_healthy),
            None => crash_guard(now, pods, primary_healthy),
        }
    }

    /// Records the latest observation, if it is not yet, with the primary's health of the latest pass.
    fn record_unasked(&mut self) {
        let Some(session) = &mut self.session else { return };
        if let Some(observation) = session.unasked.take() {
            // Once for each observation, so that replay hears the same.
            if let Some(healthy) = session.primary_healthy {
                session.judge.primary_was(healthy);
            }
            self.recorder.seen(Seen { observation, primary_healthy: session.primary_healthy });
        }
    }

    /// The judge's accounts, to be persisted.
    #[must_use]
    pub fn accounts(&self) -> Option<String> {
        self.session.as_ref().map(|it| it.judge.save())
    }

    /// Ranges of offsets that the canary consumed, for the status and the object of this name.
    pub(crate) fn replay(
        &self,
        object: String,
        leaves: bool,
        now: Timestamp,
    ) -> Option<ReplayView> {
        let replay = self.session.as_ref()?.replay.as_ref()?;
        Some(replay.view(object, leaves, now))
    }

    /// Whether it is not known yet what an earlier process kept of this attempt's ranges.
    pub(crate) fn needs_ranges(&self, id: RolloutId) -> bool {
        self.session.as_ref().is_none_or(|it| it.id != id || it.replay.is_none())
    }

    /// Notes what became of the object with the ranges.
    pub(crate) fn note_written(&mut self, tried: ReplayWritten, now: Timestamp) {
        if let Some(replay) = self.session.as_mut().and_then(|it| it.replay.as_mut()) {
            replay.note_written(tried, now);
        }
    }

    /// Lag, throughput and shares by role.
    pub(crate) fn summary(&self) -> GroupSummary {
        summarize(&self.record)
    }

    /// Whether every source answered: Kafka within the last polls, with both offsets of each of the
    /// canary's partitions, and the metrics beside the latest of them.
    pub(crate) fn delivered(&self, now: Timestamp) -> bool {
        self.recent(now).is_some_and(|it| it.partitions.iter().all(is_seen))
            && self.unread.is_none()
    }

    /// Whether all of these Ready canary pods have joined the group and it is Stable.
    pub(crate) fn membership(&self, ready_canaries: u32, now: Timestamp) -> Membership {
        let Some(group) = self.recent(now) else { return Membership::Unknown };
        match group.state {
            GroupState::Stable if ready_canaries <= group.members.canary_pods => {
                Membership::Settled
            }
            GroupState::Rebalancing => Membership::Rebalancing,
            GroupState::Empty if ready_canaries == 0 => Membership::Rebalancing,
            GroupState::Stable | GroupState::Empty => Membership::NotJoined,
        }
    }

    /// Canary pods that are members of the group, as it was read lately.
    pub(crate) fn canary_joined(&self, now: Timestamp) -> u32 {
        self.recent(now).map_or(0, |it| it.members.canary_pods)
    }

    fn recent(&self, now: Timestamp) -> Option<GroupObservation> {
        let latest = self.record.observations().next_back()?;
        let age = now.as_millisecond().saturating_sub(latest.at);
        latest.group.filter(|_| SignedDuration::from_millis(age) <= self.longest_gap())
    }

    /// Longest time from one sample to the next that leaves nothing out.
    fn longest_gap(&self) -> SignedDuration {
        SignedDuration::from_millis(self.interval.saturating_mul(RECENT_POLLS).max(5_000))
    }
}

/// Whether nothing is missing that the canary could be judged by: its commit and the end of its log.
/// Of a log without records nothing can be committed.
fn is_seen(partition: &PartitionObservation) -> bool {
    let PartitionObservation { committed, log_start, log_end, .. } = partition;
    match partition.owner {
        Owner::Pod { role: Role::Canary, .. } => {
            log_end.is_some() && (committed.is_some() || log_start == log_end)
        }
        Owner::Pod { role: Role::Primary, .. }
        | Owner::External
        | Owner::Unattributed
        | Owner::Nobody => true,
    }
}

#[cfg(test)]
mod tests;
