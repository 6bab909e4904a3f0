//! One seeded life: a storm of events, crashes and weather, then calm until everything rests.
//! Holds what the operator can't see: the nature of each revision, and what is remembered of I1–I8.

use std::collections::BTreeMap;
use std::panic::resume_unwind;

use jiff::{SignedDuration, Timestamp};

use super::cluster::{Cluster, REVISIONS, View};
use super::memory::Memory;
use super::operator::Operator;
use super::profile::Profile;
use super::refusals::Refusals;
use super::storm;
use super::weather::Weather;
use super::{beginnings, calm, health, operator, scalers};
use crate::autoscaler::Autoscalers;
use crate::observed::{Evidence, Membership, Preflight, Strategy};
use crate::revision::{Cause, Revision, RolloutId};
use crate::state::Phase;
use crate::state::{Stage, State};
use siskin_simulation::random::Random;

/// Ticks of storm beyond the first few; each is 3 to 20 s, some a minute. Many short lives find more
/// in the same time than few long ones.
const STORM: u32 = 20;

/// Percent of those ticks in which something happens.
const STRIKES: u32 = 50;

/// Ticks of calm after which a world that does not rest is a bug: several trials end within.
const CALM: u32 = 1_200;

/// How a revision behaves, which the operator has to find out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Nature {
    Good,
    /// Worse than the promoted one.
    Bad,
    /// A guard fires.
    Crashing,
    /// Never enough evidence.
    Weak,
    /// Never gets ready.
    Stuck,
}

/// What the judge, the group and preflight say.
#[derive(Clone, Debug)]
pub(super) struct Signs {
    pub(super) preflight: Preflight,
    pub(super) membership: Membership,
    pub(super) evidence: Evidence,
    pub(super) fault_stayed: Option<RolloutId>,
    pub(super) awaits_last_sample: bool,
    pub(super) watched_since: Option<Timestamp>,
    pub(super) autoscalers: Autoscalers,
    pub(super) blocked: Option<Blocked>,
}

/// How often what happened, and which way phases went.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) events: BTreeMap<&'static str, u32>,
    pub(super) edges: BTreeMap<(Phase, Phase), u32>,
}

/// Pods can't be made or placed: a quota is full, a webhook is down.
#[derive(Clone, Copy, Debug)]
pub(super) struct Blocked {
    pub(super) since: Timestamp,
    /// Those of primary, too.
    pub(super) everybody: bool,
}

/// A promise that a world did not keep.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) promise: String,
    pub(super) seed: u64,
}

impl Broken {
    /// The invariant, or the first words, without their figures.
    pub(super) fn kind(&self) -> String {
        let end = self.promise.find(['{', '(']).unwrap_or(self.promise.len());
        let end = self.promise[..end].find(" brings").unwrap_or(end);
        let words = self.promise[..end]
            .split(' ')
            .filter(|it| it.trim_end_matches(',').parse::<u32>().is_err());
        words.collect::<Vec<_>>().join(" ").trim_end().to_owned()
    }
}

impl Tally {
    pub(super) fn add(&mut self, other: Self) {
        for (what, count) in other.events {
            *self.events.entry(what).or_default() += count;
        }
        for (edge, count) in other.edges {
            *self.edges.entry(edge).or_default() += count;
        }
    }
}

#[expect(clippy::struct_excessive_bools, reason = "independent kinds of weather")]
pub(super) struct World {
    pub(super) seed: u64,
    pub(super) trace: bool,
    /// Broken promises are collected.
    pub(super) one_of_many: bool,
    pub(super) dice: Random,
    /// The clock of the operator's machine, which may be set.
    pub(super) now: Timestamp,
    /// The longest that may seem to have passed: what the clock was set back is not taken off.
    pub(super) felt: Timestamp,
    /// What has passed.
    pub(super) age: Timestamp,
    pub(super) calm: bool,
    /// Seconds between two looks in calm weather.
    pub(super) tick: u32,
    pub(super) profile: Profile,
    pub(super) natures: [Nature; 8],
    pub(super) cluster: Cluster,
    pub(super) operator: Operator,
    /// Kafka does not answer.
    pub(super) outage: bool,
    pub(super) blocked: Option<Blocked>,
    pub(super) refusals: Refusals,
    /// Writes by others, to tell whether the operator's view is still true.
    pub(super) foreign: u32,
    pub(super) memory: Memory,
    pub(super) tally: Tally,
}

impl World {
    pub(super) fn new(seed: u64, trace: bool) -> Self {
        let mut dice = Random::new(seed);
        let profile = Profile::of(&mut dice);
        let total = 1 + dice.below(profile.size);
        let template = Revision(u64::from(dice.below(8)));
        let mut it = Self::plain(seed, profile, template, total);
        (it.trace, it.one_of_many, it.dice) = (trace, !trace, dice);
        it.natures = std::array::from_fn(|_| profile.nature(&mut it.dice));
        // What runs already runs well.
        it.natures[usize::try_from(template.0).unwrap()] = Nature::Good;
        storm::create_rollout(&mut it);
        if it.dice.one_in(2) {
            it.adopt();
        }
        scalers::begin(&mut it);
        it
    }

    /// A calm world, adopted long ago, looked at each second.
    pub(super) fn at_rest(
        seed: u64,
        profile: Profile,
        template: Revision,
        strategy: Strategy,
    ) -> Self {
        let mut it = Self::plain(seed, profile, template, profile.size);
        (it.calm, it.tick) = (true, 1);
        storm::create_rollout(&mut it);
        if let Some(rollout) = &mut it.cluster.rollout {
            (rollout.strategy, rollout.max_consumers) = (strategy, None);
        }
        it.adopt();
        it
    }

    /// The target as its user applied it, and no `CanaryRollout` yet.
    pub(super) fn plain(seed: u64, profile: Profile, template: Revision, total: u32) -> Self {
        Self {
            seed,
            trace: false,
            one_of_many: false,
            dice: Random::new(seed),
            now: BEGINNING,
            felt: BEGINNING,
            age: BEGINNING,
            calm: false,
            tick: 12,
            profile,
            natures: [Nature::Good; 8],
            cluster: beginnings::plain(&profile, template, total),
            operator: Operator::default(),
            outage: false,
            blocked: None,
            refusals: Refusals::None,
            foreign: 0,
            memory: Memory::new(total),
            tally: Tally::default(),
        }
    }

    fn adopt(&mut self) {
        beginnings::adopt(&mut self.cluster);
    }

    /// The whole life.
    pub(super) fn live(mut self) -> Tally {
        let longest = if self.profile.benign { 3 * STORM } else { STORM };
        let storm = 6 + self.dice.below(longest);
        for _ in 0..storm {
            self.pass_time();
            if self.dice.percent(STRIKES) {
                storm::strike(&mut self);
            }
            scalers::act(&mut self);
            if self.dice.percent(85) {
                operator::pass(&mut self);
            }
            operator::old_leader(&mut self);
        }
        self.calm = true;
        calm::clear_up(&mut self);
        for _ in 0..CALM {
            self.pass_time();
            calm::person(&mut self);
            scalers::act(&mut self);
            operator::pass(&mut self);
            health::after_a_failure(&self);
            if calm::is_over(&mut self) {
                calm::inspect(&mut self);
                let profile = self.profile;
                profile.traits().for_each(|it| self.count(it));
                return self.tally;
            }
        }
        self.fail("does not come to rest");
    }

    pub(super) fn count(&mut self, what: &'static str) {
        *self.tally.events.entry(what).or_default() += 1;
    }

    pub(super) fn log(&self, text: impl FnOnce() -> String) {
        if self.trace {
            let seconds = self.age.duration_since(BEGINNING).as_secs();
            println!("{seconds:>6} s  {}", text());
        }
    }

    pub(super) fn fail(&self, what: &str) -> ! {
        let seconds = self.age.duration_since(BEGINNING).as_secs();
        let failure = format!("seed {}, second {seconds}: {what}", self.seed);
        if self.one_of_many {
            // Without the noise of a panic: they are collected.
            resume_unwind(Box::new(Broken { promise: what.to_owned(), seed: self.seed }));
        }
        panic!("{failure}");
    }

    pub(super) fn view(&mut self) -> Option<View> {
        let signs = self.signs();
        let absent_for = self.operator.absent_for(self.cluster.target.is_none(), self.now);
        self.cluster.view(signs, absent_for, self.now)
    }

    pub(super) fn pass_time(&mut self) {
        let seconds = match self.dice.below(6) {
            _ if self.calm => self.tick,
            0 => 60,
            _ => 3 + self.dice.below(18),
        };
        let passed = SignedDuration::from_secs(i64::from(seconds));
        self.now += passed;
        self.felt += passed;
        self.age += passed;
        let climate = self.profile.climate;
        let open = Weather { climate, seconds, prompt: self.calm, blocked: false };
        let everybody = Weather { blocked: self.blocked.is_some_and(|it| it.everybody), ..open };
        let canaries = Weather { blocked: self.blocked.is_some(), ..open };
        let natures = self.natures;
        let starts = |it: Revision| {
            let index = usize::try_from(it.0).unwrap_or(0);
            natures.get(index).is_none_or(|it| *it != Nature::Stuck)
        };
        let Cluster { target, primary, canary, versions, .. } = &mut self.cluster;
        let all = [
            target.as_mut().map(|it| (&mut it.deployment, open)),
            primary.as_mut().map(|it| (&mut it.deployment, everybody)),
            canary.as_mut().map(|it| (it, canaries)),
        ];
        for (deployment, weather) in all.into_iter().flatten() {
            if deployment.tick(&mut self.dice, weather, starts) {
                *versions += 1;
                deployment.version = *versions;
            }
        }
        self.remember();
        health::check(self);
    }

    /// When each step's canary was first seen complete, by someone who looks all the time.
    pub(super) fn remember(&mut self) {
        let Some(rollout) = &self.cluster.rollout else { return };
        let State::Trial(trial) = rollout.state() else { return };
        let step = match trial.stage {
            Stage::Preparing(_) => return,
            Stage::Progressing(step) | Stage::Paused(step) => step,
        };
        self.memory.enter((trial.id.attempt, step.index), self.felt);
        let complete = self.cluster.canary.as_ref().is_some_and(|it| {
            it.named == trial.id.revision && 0 < it.replicas && it.replicas <= it.ready()
        });
        if complete {
            self.memory.complete((trial.id.attempt, step.index), self.felt);
        }
    }

    fn signs(&mut self) -> Signs {
        let primary = self.cluster.primary.as_ref();
        let serves = primary.is_some_and(|it| {
            it.deployment.counted.ready == it.facts.replicas && 0 < it.facts.replicas
        });
        let passes = serves && !self.outage && (self.calm || self.dice.percent(70));
        let membership = if self.outage {
            Membership::Unknown
        } else if self.calm || self.dice.percent(80) {
            Membership::Settled
        } else {
            // A version whose pods stay away from the group is not a healthy one.
            let stays_away = !self.profile.benign && self.dice.one_in(2);
            if stays_away { Membership::NotJoined } else { Membership::Rebalancing }
        };
        Signs {
            preflight: if passes { Preflight::Passed } else { Preflight::Failed },
            membership,
            evidence: self.evidence(),
            fault_stayed: self.fault_stayed(),
            awaits_last_sample: self.outage || self.now.as_second().rem_euclid(4) == 0,
            watched_since: Some(self.operator.watched_since(self.now)),
            autoscalers: scalers::seen(self),
            blocked: self.blocked,
        }
    }

    /// A fault of half of the bad revisions is the data's. Said at every look: it may have an effect once.
    fn fault_stayed(&self) -> Option<RolloutId> {
        let mut rejections = self.cluster.frozen.iter().filter_map(|it| it.frozen.rejection);
        let is_datas = |cause, id: RolloutId| {
            cause == Cause::AnalysisFailed && id.revision.0.is_multiple_of(2)
        };
        rejections.find(|it| is_datas(it.cause, it.rollout)).map(|it| it.rollout)
    }

    fn evidence(&mut self) -> Evidence {
        let nothing = Evidence::Inconclusive { delivered: !self.outage };
        let Some(rollout) = &self.cluster.rollout else { return nothing };
        let judged = match rollout.state() {
            State::Trial(it) => !matches!(it.stage, Stage::Preparing(_)),
            State::Promoting(_) | State::RollingBack(_) => true,
            State::Pending | State::Adopting | State::AtRest(_) | State::Terminating(_) => false,
        };
        let Some(canary) = self.cluster.canary.as_ref().filter(|_| judged) else { return nothing };
        let (runs, ready) = (canary.count().all, canary.counted.ready);
        let dice = &mut self.dice;
        let index = usize::try_from(canary.named.0).unwrap_or(0);
        match self.natures.get(index).copied().unwrap_or(Nature::Good) {
            // A guard needs no source; its word may outlive the canary's last pod.
            Nature::Crashing if 0 < runs && dice.percent(40) => Evidence::GuardFailed,
            Nature::Crashing if dice.percent(10) => Evidence::GuardFailed,
            Nature::Good | Nature::Bad | Nature::Crashing | Nature::Weak | Nature::Stuck
                if self.outage || ready == 0 =>
            {
                nothing
            }
            Nature::Good if dice.percent(70) => Evidence::Pass,
            Nature::Bad if dice.percent(25) => Evidence::Failed,
            Nature::Weak => Evidence::Inconclusive { delivered: dice.percent(90) },
            Nature::Good | Nature::Bad | Nature::Crashing | Nature::Stuck => nothing,
        }
    }
}

/// Every world begins a day after the epoch: clocks may be set back.
const BEGINNING: Timestamp = Timestamp::constant(86_400, 0);

const _: () = assert!(REVISIONS == 8);
