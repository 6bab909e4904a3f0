//! One random life of a group with a canary in it, and of the operator that samples it: what the
//! canary really processed is known here. Decides nothing about ranges.

mod sampled;

use std::sync::Arc;

use siskin_simulation::random::Random;

use crate::observation::{GroupObservation, Millis};
use crate::replay_ranges::spans::Spans;
use crate::replay_ranges::{ConsumedLog, ConsumedRange, RangeKind};

/// Tenths of a second.
type Tick = u32;

/// The canary comes, goes, and everything ends.
const COMES: Tick = 100;
const GOES: Tick = 500;
const ENDS: Tick = 900;

/// What is true of a whole life.
#[expect(clippy::struct_excessive_bools, reason = "independent facts of a life")]
#[derive(Clone, Copy, Debug)]
struct Profile {
    /// Everybody stops while partitions move, and commits before.
    eager: bool,
    /// Members are known by an id of their own, and keep their place when they restart.
    static_ids: bool,
    /// A process lives so long before it crashes.
    life: Option<Tick>,
    /// Commits every so often; `None`: never, nor does anybody else.
    commits_every: Option<Tick>,
    /// A member that ends says so and commits.
    graceful: bool,
    /// Goes back once it is seen to be ahead.
    rewinds: bool,
    interval: Tick,
    /// The operator is killed now and then.
    kills: bool,
    /// Ends are told by the kubelet so much later.
    kubelet_lag: Tick,
}

#[derive(Clone, Debug)]
struct Partition {
    start: i64,
    end: i64,
    rate: u32,
    committed: Option<i64>,
    /// Place of its member, dead or alive.
    owner: Option<usize>,
    position: i64,
    truth: Spans,
}

#[derive(Clone, Debug)]
struct Member {
    id: u64,
    pod: usize,
    canary: bool,
    /// Since when it is dead; it is a member until its session ends.
    dead: Option<Tick>,
}

#[derive(Clone, Debug)]
struct Pod {
    name: Arc<str>,
    canary: bool,
    restarts: u32,
    ended: Option<Millis>,
    shown: Vec<Shown>,
    course: Course,
}

/// What the kubelet tells of a pod from a time on.
#[derive(Clone, Copy, Debug)]
struct Shown {
    from: Tick,
    restarts: u32,
    ended: Option<Millis>,
    ready: bool,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Course {
    Starts(Tick),
    Runs(Tick),
    Waits(Tick),
    Leaves(Tick),
    Gone(Tick),
}

/// What one sample has read so far.
struct Reading {
    begun: Tick,
    group: GroupObservation,
}

/// The operator's side.
struct Operator {
    log: ConsumedLog,
    saved: (String, Vec<(Arc<str>, String)>),
    before: Tick,
    next: Tick,
    reading: Option<Reading>,
    /// Every partition is in the answer under way.
    whole: bool,
}

/// One life.
pub(super) struct History {
    dice: Random,
    profile: Profile,
    now: Tick,
    partitions: Vec<Partition>,
    members: Vec<Member>,
    pods: Vec<Pod>,
    moves_until: Option<Tick>,
    numbers: u64,
    operator: Operator,
    rewound: bool,
}

impl History {
    pub(super) fn of(seed: u64) -> Self {
        let mut dice = Random::spread(seed);
        let crash = dice.one_in(2);
        let interval = 10 * (1 + dice.below(10));
        let profile = Profile {
            eager: dice.one_in(2),
            static_ids: dice.one_in(3),
            life: crash.then(|| 10 + dice.below(60)),
            commits_every: (!dice.one_in(8)).then(|| 1 + dice.below(50)),
            graceful: dice.one_in(2),
            rewinds: dice.one_in(4),
            interval,
            kills: dice.one_in(2),
            kubelet_lag: dice.below(interval.min(20)),
        };
        let partition = |dice: &mut Random| {
            let start = i64::from(dice.below(500));
            let end = start + i64::from(dice.below(2_000));
            let committed =
                profile.commits_every.map(|_| start + i64::from(dice.below(100)).min(end - start));
            let rate = dice.below(4);
            Partition {
                start,
                end,
                rate,
                committed,
                owner: None,
                position: 0,
                truth: Spans::default(),
            }
        };
        let count = 1 + dice.below(5);
        let partitions = (0..count).map(|_| partition(&mut dice)).collect();
        let primaries = 1 + dice.below(3);
        let log = ConsumedLog::default();
        let saved = (log.save(), vec![]);
        let operator = Operator { log, saved, before: 0, next: 0, reading: None, whole: false };
        let mut life = Self {
            dice,
            profile,
            now: 0,
            partitions,
            members: vec![],
            pods: vec![],
            moves_until: None,
            numbers: 0,
            operator,
            rewound: false,
        };
        (0..primaries).for_each(|_| life.add_pod(false));
        life
    }

    /// Lives it. Answers with what the canary processed beyond all ranges, if anything, and with the
    /// offsets in certain and possible ranges that it did not process.
    pub(super) fn live(mut self) -> Result<i64, String> {
        while self.now < ENDS {
            self.now += 1;
            match self.now {
                COMES => {
                    self.save();
                    (0..=self.dice.below(2)).for_each(|_| self.add_pod(true));
                }
                GOES => self.remove_canaries(),
                _ => {}
            }
            self.produce();
            (0..self.pods.len()).for_each(|pod| self.live_pod(pod));
            self.coordinate();
            (0..self.partitions.len()).for_each(|it| self.process(it));
            self.sample();
        }
        self.compared()
    }

    fn compared(&self) -> Result<i64, String> {
        let consumed = self.operator.log.consumed(true);
        if !self.operator.log.is_closed() || !consumed.is_complete() {
            return Err(format!("{:?} is not complete: {:?}", self.profile, consumed.shortfalls));
        }
        let mut over = 0;
        for (place, partition) in self.partitions.iter().enumerate() {
            let (mut all, mut committed) = (Spans::default(), Spans::default());
            let of_it = |it: &&ConsumedRange| {
                usize::try_from(it.partition.partition).is_ok_and(|it| it == place)
            };
            for range in consumed.ranges.iter().filter(of_it) {
                let before: i64 = all.iter().map(|it| it.to - it.from).sum();
                all.add(range.from, range.to);
                let after: i64 = all.iter().map(|it| it.to - it.from).sum();
                assert_eq!(after - before, range.to - range.from, "ranges overlap");
                if range.kind != RangeKind::Touched {
                    committed.add(range.from, range.to);
                }
            }
            let missed = partition.truth.without(&all);
            if 0 < missed.len() {
                return Err(format!("{:?} misses {missed:?} of {place}: {all:?}", self.profile));
            }
            over +=
                committed.without(&partition.truth).iter().map(|it| it.to - it.from).sum::<i64>();
        }
        Ok(over)
    }

    fn add_pod(&mut self, canary: bool) {
        let role = if canary { "canary" } else { "primary" };
        let name = format!("{role}-{}", self.pods.len()).into();
        let course = Course::Starts(self.now + 5 + self.dice.below(40));
        self.pods.push(Pod { name, canary, restarts: 0, ended: None, shown: vec![], course });
    }

    fn remove_canaries(&mut self) {
        for pod in 0..self.pods.len() {
            if !self.pods[pod].canary {
                continue;
            }
            let grace = if self.profile.graceful { self.dice.below(40) } else { 0 };
            self.pods[pod].course = Course::Leaves(self.now + grace);
        }
    }

    fn produce(&mut self) {
        for partition in &mut self.partitions {
            partition.end += i64::from(self.dice.below(partition.rate + 1));
        }
    }

    fn live_pod(&mut self, pod: usize) {
        let (now, canary) = (self.now, self.pods[pod].canary);
        match self.pods[pod].course {
            Course::Starts(at) if at <= now => {
                let life = self.profile.life.filter(|_| canary).unwrap_or(Tick::MAX / 2);
                self.pods[pod].course = Course::Runs(now.saturating_add(1 + life));
                self.join(pod);
            }
            Course::Runs(until) if until <= now => {
                self.end_process(pod, self.profile.graceful);
                self.pods[pod].ended = Some(Millis::from(now));
                self.pods[pod].course = Course::Waits(now + self.dice.below(60));
            }
            Course::Waits(until) if until <= now => {
                self.pods[pod].restarts += 1;
                self.pods[pod].course = Course::Starts(now + self.dice.below(15));
            }
            Course::Leaves(at) if at <= now => {
                self.end_process(pod, self.profile.graceful);
                self.pods[pod].course = Course::Gone(now);
            }
            Course::Starts(_)
            | Course::Runs(_)
            | Course::Waits(_)
            | Course::Leaves(_)
            | Course::Gone(_) => {}
        }
        let from = now + self.profile.kubelet_lag;
        let (ready, it) = (self.is_running(pod), &mut self.pods[pod]);
        it.shown.push(Shown { from, restarts: it.restarts, ended: it.ended, ready });
    }

    fn is_running(&self, pod: usize) -> bool {
        matches!(self.pods[pod].course, Course::Runs(_))
    }

    fn join(&mut self, pod: usize) {
        let canary = self.pods[pod].canary;
        self.numbers += 1;
        let id = if self.profile.static_ids { pod as u64 } else { 100 + self.numbers };
        let mine = |it: &&mut Member| it.pod == pod;
        if self.profile.static_ids
            && let Some(known) = self.members.iter_mut().find(mine)
        {
            // It takes its old place, and nobody moves.
            known.dead = None;
            let place = self.members.iter().position(|it| it.pod == pod);
            self.partitions.iter_mut().filter(|it| it.owner == place).for_each(Partition::begin);
            return;
        }
        self.members.push(Member { id, pod, canary, dead: None });
        self.move_partitions();
    }

    fn end_process(&mut self, pod: usize, graceful: bool) {
        let Some(place) = self.members.iter().position(|it| it.pod == pod && it.dead.is_none())
        else {
            return;
        };
        if graceful {
            self.commit_all(place);
        }
        let stays = !graceful || self.profile.static_ids;
        self.members[place].dead = Some(if stays { self.now } else { 0 });
    }

    fn commit_all(&mut self, member: usize) {
        let commits = self.profile.commits_every.is_some() && self.moves_until.is_none();
        let own = self.partitions.iter_mut().filter(|it| commits && it.owner == Some(member));
        own.for_each(|it| it.committed = Some(it.position));
    }

    fn move_partitions(&mut self) {
        if self.profile.eager {
            (0..self.members.len())
                .filter(|it| self.members[*it].dead.is_none())
                .collect::<Vec<_>>()
                .into_iter()
                .for_each(|it| self.commit_all(it));
        }
        self.moves_until = Some(self.now + 1 + self.dice.below(10));
    }

    /// Sessions end, and partitions go to who is left.
    fn coordinate(&mut self) {
        let now = self.now;
        let over = |it: &Member| it.dead.is_some_and(|since| since + 60 <= now);
        if self.members.iter().any(over) && self.moves_until.is_none() {
            self.move_partitions();
        }
        if self.moves_until.is_none_or(|it| now < it) {
            return;
        }
        let before: Vec<Option<u64>> =
            self.partitions.iter().map(|it| it.owner.map(|owner| self.members[owner].id)).collect();
        // Whoever is dead does not join again.
        self.members.retain(|it| it.dead.is_none());
        self.members.sort_by_key(|it| it.id);
        self.moves_until = None;
        let count = self.members.len();
        for (place, partition) in self.partitions.iter_mut().enumerate() {
            let owner = (0 < count).then(|| (place + count) % count);
            let stays = owner.map(|it| self.members[it].id) == before[place];
            partition.owner = owner;
            if !stays || self.profile.eager {
                partition.begin();
            }
        }
    }

    fn process(&mut self, place: usize) {
        let stopped = self.moves_until.is_some() && self.profile.eager;
        let partition = &mut self.partitions[place];
        let Some(owner) = partition.owner.map(|it| &self.members[it]) else { return };
        if stopped || owner.dead.is_some() {
            return;
        }
        let to = partition.end.min(partition.position + 1 + i64::from(self.dice.below(6)));
        if owner.canary {
            partition.truth.add(partition.position, to);
        }
        partition.position = to.max(partition.position);
        let due = self.profile.commits_every.is_some_and(|it| self.now.is_multiple_of(it));
        if due && self.moves_until.is_none() {
            partition.committed = Some(partition.position);
        }
    }
}

impl Partition {
    /// A new owner begins: where nothing was committed, at the start of the log.
    fn begin(&mut self) {
        self.position = self.committed.unwrap_or(self.start);
    }
}
