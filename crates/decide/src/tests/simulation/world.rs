//! One seeded life: a storm of events, crashes and weather, then calm until everything rests.
//! Holds what the operator can't see: the nature of each revision, and what is remembered of I1–I8.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use super::cluster::{Cluster, REVISIONS, View};
use super::deployment::Deployment;
use super::memory::Memory;
use super::operator::Operator;
use super::storm::{self, Profile};
use super::{beginnings, calm, operator};
use crate::observed::{Evidence, Membership, MoveOrder, Preflight};
use crate::revision::{Cause, Revision};
use crate::state::Phase;
use crate::state::{Stage, State};
use siskin_simulation::random::Random;

/// Ticks of storm beyond the first few; each is 3 to 20 s, some a minute. Many short lives find more
/// in the same time than few long ones.
const STORM: u32 = 20;

/// Percent of those ticks in which something happens.
const STRIKES: u32 = 50;

/// Ticks of calm after which a world that does not rest is a bug: several trials end within.
const CALM: u32 = 600;

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
#[derive(Clone, Copy, Debug)]
pub(super) struct Signs {
    pub(super) preflight: Preflight,
    pub(super) membership: Membership,
    pub(super) evidence: Evidence,
    pub(super) watched_since: Option<Timestamp>,
}

/// How often what happened, and which way phases went.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) events: BTreeMap<&'static str, u32>,
    pub(super) edges: BTreeMap<(Phase, Phase), u32>,
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

pub(super) struct World {
    pub(super) seed: u64,
    pub(super) trace: bool,
    pub(super) dice: Random,
    pub(super) now: Timestamp,
    pub(super) calm: bool,
    pub(super) profile: Profile,
    pub(super) natures: [Nature; 8],
    pub(super) cluster: Cluster,
    pub(super) operator: Operator,
    /// Kafka does not answer.
    pub(super) outage: bool,
    /// Writes by others, to tell whether the operator's view is still true.
    pub(super) foreign: u32,
    pub(super) memory: Memory,
    pub(super) tally: Tally,
}

impl World {
    pub(super) fn new(seed: u64, trace: bool) -> Self {
        let mut dice = Random::new(seed);
        let profile = Profile::of(&mut dice);
        let natures = std::array::from_fn(|_| profile.nature(&mut dice));
        let total = 1 + dice.below(6);
        let template = Revision(u64::from(dice.below(8)));
        let cluster = beginnings::plain(&mut dice, template, total);
        let mut it = Self {
            seed,
            trace,
            dice,
            now: Timestamp::UNIX_EPOCH,
            calm: false,
            profile,
            natures,
            cluster,
            operator: Operator::default(),
            outage: false,
            foreign: 0,
            memory: Memory::new(total),
            tally: Tally::default(),
        };
        // What runs already runs well.
        it.natures[usize::try_from(template.0).unwrap()] = Nature::Good;
        storm::create_rollout(&mut it);
        let adopted = it.dice.one_in(2);
        if let Some(rollout) = it.cluster.rollout.take_if(|_| adopted) {
            it.cluster = beginnings::adopted(it.cluster, rollout);
        }
        it
    }

    /// The whole life.
    pub(super) fn live(mut self) -> Tally {
        let storm = 6 + self.dice.below(STORM);
        for _ in 0..storm {
            self.pass_time();
            if self.dice.percent(STRIKES) {
                storm::strike(&mut self);
            }
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
            operator::pass(&mut self);
            self.after_a_failure();
            if calm::is_over(&mut self) {
                calm::inspect(&mut self);
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
            println!("{:>6} s  {}", self.now.as_second(), text());
        }
    }

    pub(super) fn fail(&self, what: &str) -> ! {
        panic!("seed {}, second {}: {what}", self.seed, self.now.as_second());
    }

    pub(super) fn view(&mut self) -> Option<View> {
        let signs = self.signs();
        let absent_for = self.operator.absent_for(self.cluster.target.is_none(), self.now);
        self.cluster.view(signs, absent_for)
    }

    fn pass_time(&mut self) {
        let seconds = match self.dice.below(6) {
            _ if self.calm => 12,
            0 => 60,
            _ => 3 + self.dice.below(18),
        };
        self.now += SignedDuration::from_secs(i64::from(seconds));
        let (natures, prompt) = (self.natures, self.calm);
        let starts = |it: Revision| {
            let index = usize::try_from(it.0).unwrap_or(0);
            natures.get(index).is_none_or(|it| *it != Nature::Stuck)
        };
        let Cluster { target, primary, canary, versions, .. } = &mut self.cluster;
        let all = [
            target.as_mut().map(|it| &mut it.deployment),
            primary.as_mut().map(|it| &mut it.deployment),
            canary.as_mut(),
        ];
        for deployment in all.into_iter().flatten() {
            if deployment.tick(&mut self.dice, prompt, starts) {
                *versions += 1;
                deployment.version = *versions;
            }
        }
        self.remember();
        self.availability();
    }

    /// I1 as users see it: where only templates, commands and the operator's own fate change, no
    /// pod fails and no guard fires, the group never has fewer ready consumers than it may.
    fn availability(&self) {
        let Profile { scaling, vandals, deletion, .. } = self.profile;
        let Some(primary) = self.cluster.primary.as_ref().filter(|it| it.facts.adopted) else {
            return;
        };
        let Some(rollout) = &self.cluster.rollout else { return };
        let excused = scaling || vandals || deletion || self.memory.guard_spoke;
        let total = primary.facts.replicas;
        let full = rollout.max_consumers.is_some_and(|it| it <= total);
        let drains = full || rollout.plan().order == MoveOrder::DrainFirst;
        let slack = self.cluster.target.as_ref().map_or(0, |it| it.max_unavailable);
        let slack = if drains { slack.max(1) } else { slack };
        let ready =
            primary.deployment.ready() + self.cluster.canary.as_ref().map_or(0, Deployment::ready);
        if !excused && ready + slack < total {
            self.fail(&format!("I1: {ready} ready of {total}"));
        }
    }

    /// When each step's canary was first seen complete, by someone who looks all the time.
    pub(super) fn remember(&mut self) {
        let Some(rollout) = &self.cluster.rollout else { return };
        let State::Trial(trial) = rollout.state() else { return };
        let step = match trial.stage {
            Stage::Preparing(_) => return,
            Stage::Progressing(step) | Stage::Paused(step) => step,
        };
        self.memory.enter((trial.id.attempt, step.index), self.now);
        let complete = self.cluster.canary.as_ref().is_some_and(|it| {
            it.named == trial.id.revision && 0 < it.replicas && it.replicas <= it.ready()
        });
        if complete {
            self.memory.complete((trial.id.attempt, step.index), self.now);
        }
    }

    /// I5: a version that a guard failed is gone from the cluster soon after.
    fn after_a_failure(&mut self) {
        let Some(canary) = &self.cluster.canary else { return };
        // A minute in which the operator is up.
        let calm = self.memory.calm_since.unwrap_or(self.now);
        let late = self.memory.guard_failed.iter().find(|(revision, since)| {
            SignedDuration::from_secs(60) < self.now.duration_since(calm.max(*since))
                && canary.runs(*revision)
                && self.cluster.find(*revision).is_some_and(|it| {
                    it.frozen.rejection.is_some_and(|it| it.cause == Cause::GuardFailed)
                })
        });
        if let Some((revision, _)) = late {
            self.fail(&format!("I5: {revision} still runs a minute after its guard failed"));
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
            self.dice.pick(&[Membership::Rebalancing, Membership::NotJoined])
        };
        Signs {
            preflight: if passes { Preflight::Passed } else { Preflight::Failed },
            membership,
            evidence: self.evidence(),
            watched_since: Some(self.operator.watched_since(self.now)),
        }
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

const _: () = assert!(REVISIONS == 8);
