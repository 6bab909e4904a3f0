//! Observations that no broker and no API server would send, and plausible ones bent out of shape.
//! Every case follows from its seed alone; nothing here knows what the judge should say.

use std::sync::Arc;

use siskin_analysis::observation::{
    GroupObservation, GroupState, Histogram, MemberCount, Millis, Observation, Owner,
    PartitionObservation, PodMetrics, PodObservation, Role, UserReading,
};
use siskin_analysis::{
    Against, Check, Measure, MinimumEvidence, Scope, Settings, Threshold, UserMetric, UserRule,
};

use siskin_simulation::random::Random;
use siskin_simulation::trial::judged_by;
use siskin_simulation::{START, Shape, healthy_pod};

/// Pods that may own something. One name has two roles, as no API server would show it.
const PODS: [(&str, Role); 6] = [
    ("primary-0", Role::Primary),
    ("primary-1", Role::Primary),
    ("primary-2", Role::Primary),
    ("canary-0", Role::Canary),
    ("canary-1", Role::Canary),
    ("canary-0", Role::Primary),
];
const STATES: [GroupState; 5] = [
    GroupState::Stable,
    GroupState::Stable,
    GroupState::Stable,
    GroupState::Rebalancing,
    GroupState::Empty,
];
/// Offsets that no log has.
const NO_OFFSETS: [Option<i64>; 6] =
    [None, Some(-1), Some(i64::MIN), Some(i64::MAX), Some(1 << 62), Some(i64::MIN + 1)];
const NO_TOTALS: [f64; 8] =
    [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0, 1e300, 1e-300, 9e14, -0.0];
/// As many of them are beyond doubt: the others could be real, and then they are evidence.
const NO_NUMBERS: usize = 5;
const JUMPS: [Millis; 6] = [i64::MIN / 4, -3_600_000, -60_001, 3_600_000, 86_400_000, i64::MAX / 4];
const AGES: [Millis; 5] = [0, 30_000, 3_600_000, i64::MIN / 2, i64::MAX];

/// Names of the user's metrics; one of them is none.
const USER: [&str; 4] = ["failures", "p99", "depth_7", "No name"];

/// What a case is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A group at work, with a few values replaced by absurd ones.
    Bent,
    /// Values drawn without regard to each other.
    Absurd,
    /// No answer, or a group without partitions.
    Empty,
    /// Partitions whose owners are all unknown, or nobody.
    Unowned,
    /// Owned partitions whose offsets are no offsets.
    NoOffsets,
}

impl Kind {
    /// Whether such data must never lead to a verdict.
    pub const fn is_without_evidence(self) -> bool {
        match self {
            Self::Bent | Self::Absurd => false,
            Self::Empty | Self::Unowned | Self::NoOffsets => true,
        }
    }
}

/// One case: what is observed, and what the judge is set to.
#[derive(Clone, Debug)]
pub struct Case {
    pub kind: Kind,
    pub settings: Settings,
    pub seen: Vec<Observation>,
}

impl Case {
    /// The case of a seed.
    pub fn of(seed: u64) -> Self {
        let mut draw = Draw { random: Random::spread(seed), epoch: 1, shift: 0 };
        let kinds =
            [Kind::Bent, Kind::Bent, Kind::Absurd, Kind::Empty, Kind::Unowned, Kind::NoOffsets];
        let kind = draw.one_of(&kinds);
        let settings = draw.settings(kind);
        Self { kind, settings, seen: draw.observations(kind) }
    }
}

struct Draw {
    random: Random,
    epoch: u64,
    /// Who owns what: partition i belongs to pod i + shift.
    shift: usize,
}

impl Draw {
    fn below(&mut self, n: usize) -> usize {
        self.random.index(n)
    }

    fn rarely(&mut self, one_in: usize) -> bool {
        self.below(one_in) == 0
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        all[self.below(all.len())].clone()
    }

    fn settings(&mut self, kind: Kind) -> Settings {
        if kind == Kind::Bent && !self.rarely(8) {
            let interval = self.one_of(&[2_000, 5_000, 10_000]);
            let user = self.metrics_of_a_user();
            let usual = judged_by(Shape::small(), &user);
            return Settings { interval, warm_up: 0, ..usual };
        }
        Settings {
            minimum_evidence: self.one_of(&[MinimumEvidence::Proven, MinimumEvidence::Observed]),
            interval: self.one_of(&[i64::MIN, 0, 2_000, 10_000, i64::MAX]),
            warm_up: self.one_of(&[i64::MIN, 0, 60_000, i64::MAX]),
            false_rollback_probability: self.one_of(&[
                f64::NAN,
                f64::INFINITY,
                -1.0,
                0.0,
                0.01,
                1.0,
            ]),
            user: self.metrics_of_a_user(),
            remembered: siskin_analysis::Remembered::default(),
        }
    }

    /// Mostly what can be judged by.
    fn metrics_of_a_user(&mut self) -> Arc<[UserMetric]> {
        let bound = [Some(2.0), Some(5_000.0), None, Some(0.0), Some(f64::NAN), Some(-1e300)];
        let metric = |draw: &mut Self| {
            let name = Arc::from(draw.one_of(&USER));
            if draw.rarely(3) {
                return draw.check();
            }
            let threshold = Threshold {
                min: draw.one_of(&[None, None, Some(-1.0), Some(1e300), Some(f64::INFINITY)]),
                max: draw.one_of(&bound),
                failure_limit: draw.one_of(&[0, 3, u32::MAX]),
                against: draw.one_of(&[Against::Absolute, Against::Primary, Against::Before]),
                scope: draw.one_of(&[Scope::Pods, Scope::Global]),
            };
            let rule = draw.one_of(&[UserRule::Ratio, UserRule::Threshold(threshold)]);
            UserMetric { name, rule }
        };
        (0..self.below(5)).map(|_| metric(self)).collect()
    }

    fn check(&mut self) -> UserMetric {
        let check = Check {
            less_than: self.one_of(&[Some(0.05), Some(1.0), None, Some(f64::NAN), Some(0.0)]),
            greater_than: self.one_of(&[None, None, Some(0.99), Some(-1e300)]),
            failure_limit: self.one_of(&[0, 3, u32::MAX]),
        };
        let names = Measure::ALL.map(Measure::name);
        UserMetric { name: Arc::from(self.one_of(&names)), rule: UserRule::Check(check) }
    }

    fn observations(&mut self, kind: Kind) -> Vec<Observation> {
        // Long ones are rare: most of what can go wrong goes wrong at once.
        let most = if self.rarely(40) { 120 } else { 14 };
        let rows = 1 + self.below(9);
        let mut at = START;
        let count = 2 + self.below(most);
        let mut seen = Vec::with_capacity(count);
        for step in 0..count {
            let jump = kind != Kind::Bent && self.rarely(8) || self.rarely(30);
            let by = if jump { self.one_of(&JUMPS) } else { 1_000 + millis(self.below(9_000)) };
            at = at.saturating_add(by);
            let pods = self.pods(kind, step);
            let group = self.group(kind, rows, step);
            seen.push(Observation { at, group, pods });
        }
        seen
    }

    fn group(&mut self, kind: Kind, rows: usize, step: usize) -> Option<GroupObservation> {
        if self.rarely(12) || kind == Kind::Empty && self.rarely(2) {
            return None;
        }
        if self.rarely(10) {
            self.epoch = self.one_of(&[0, 1, 2, u64::MAX]);
            self.shift = self.below(PODS.len());
        }
        let partitions = match kind {
            Kind::Empty => Vec::new(),
            Kind::Bent | Kind::Absurd | Kind::Unowned | Kind::NoOffsets => {
                (0..rows).map(|row| self.row(kind, row, step)).collect()
            }
        };
        let state = if kind == Kind::Bent && !self.rarely(12) {
            GroupState::Stable
        } else {
            self.one_of(&STATES)
        };
        let canary = match kind {
            Kind::Bent | Kind::Absurd if self.rarely(10) => self.one_of(&[0, 1, 9, u32::MAX]),
            Kind::Bent | Kind::Absurd | Kind::Empty | Kind::Unowned | Kind::NoOffsets => 2,
        };
        let members = MemberCount {
            primary: 3,
            canary,
            external: 0,
            unattributed: 0,
            ..MemberCount::default()
        };
        Some(GroupObservation { state, epoch: self.epoch, members, partitions })
    }

    fn row(&mut self, kind: Kind, row: usize, step: usize) -> PartitionObservation {
        let bent = self.rarely(25) || kind == Kind::Absurd;
        // Twice the same partition, or one that comes and goes.
        let place = if bent { self.below(5) } else { row };
        let topic = if place % 3 == 2 { "payments" } else { "orders" };
        let (committed, log_start, log_end) = self.offsets(kind, bent, row, step);
        PartitionObservation {
            topic: Arc::from(topic),
            partition: i32::try_from(place).expect("few") - i32::from(bent && self.rarely(4)),
            owner: self.owner(kind, bent, row),
            committed,
            log_start,
            log_end,
        }
    }

    fn owner(&mut self, kind: Kind, bent: bool, row: usize) -> Owner {
        let unknown = [Owner::External, Owner::Unattributed, Owner::Nobody];
        if kind == Kind::Unowned || bent && self.rarely(4) {
            return self.one_of(&unknown);
        }
        let pod = if bent { self.below(PODS.len()) } else { (row + self.shift) % 5 };
        let (name, role) = PODS[pod];
        Owner::Pod { name: Arc::from(name), role }
    }

    fn offsets(
        &mut self,
        kind: Kind,
        bent: bool,
        row: usize,
        step: usize,
    ) -> (Option<i64>, Option<i64>, Option<i64>) {
        if kind == Kind::NoOffsets {
            return (self.one_of(&NO_OFFSETS), self.one_of(&NO_OFFSETS), self.one_of(&NO_OFFSETS));
        }
        if bent {
            let mut one = || {
                if self.rarely(4) {
                    self.one_of(&NO_OFFSETS)
                } else {
                    Some(millis(self.below(5_000)))
                }
            };
            return (one(), one(), one());
        }
        // The last row falls behind, the others keep up but for the sawtooth of commits.
        let end = millis(1_000 + step * (10 + row) + self.below(5));
        let behind = if row % 5 == 3 { millis(step * 7) } else { millis(self.below(40)) };
        (Some((end - behind).max(0)), Some(0), Some(end))
    }

    fn pods(&mut self, kind: Kind, step: usize) -> Vec<PodObservation> {
        let absent = if kind == Kind::Absurd { 5 } else { 200 };
        let known: Vec<_> = PODS.into_iter().take(5).filter(|_| !self.rarely(absent)).collect();
        known.into_iter().map(|(name, role)| self.pod(kind, name, role, step)).collect()
    }

    fn pod(&mut self, kind: Kind, name: &str, role: Role, step: usize) -> PodObservation {
        let absurd = kind == Kind::Absurd || self.rarely(40);
        let age = if absurd { self.one_of(&AGES) } else { 3_600_000 };
        let metrics = (!self.rarely(10)).then(|| self.metrics(kind, absurd, step));
        let pod = healthy_pod(name, role, START.saturating_sub(age));
        let pod = PodObservation { metrics, terminating: absurd && self.rarely(3), ..pod };
        // What the crash guard may rightly act on has no place where there is no evidence.
        if kind.is_without_evidence() || !absurd {
            return pod;
        }
        PodObservation {
            restarts: self.one_of(&[0, 0, 1, 2, u32::MAX]),
            oom_kills: self.one_of(&[0, 0, 0, 1, u32::MAX]),
            crash_loop: self.rarely(12),
            ready: !self.rarely(4),
            node: self.rarely(2).then(|| Arc::from("node")),
            ..pod
        }
    }

    fn metrics(&mut self, kind: Kind, absurd: bool, step: usize) -> PodMetrics {
        if kind.is_without_evidence() {
            return self.unreadable_metrics();
        }
        let mut total = |per_step: usize| {
            if absurd && self.rarely(3) {
                return self.rarely(2).then(|| self.one_of(&NO_TOTALS));
            }
            Some(number(step * per_step + self.below(3)))
        };
        let (consumed, processed, errors) = (total(100), total(97), total(1));
        let (filtered, working_set, memory_limit) = (total(0), total(1_000), Some(1e9));
        let cpu_seconds = total(2);
        let user = USER.map(|name| {
            let (events, all, value) = (total(1), total(100), total(10));
            (Arc::from(name), UserReading { events, total: all, value })
        });
        let latency = Some(self.histogram(absurd, step));
        PodMetrics {
            consumed,
            processed,
            errors,
            filtered,
            latency,
            working_set,
            memory_limit,
            cpu_seconds,
            user: user.into(),
        }
    }

    fn unreadable_metrics(&mut self) -> PodMetrics {
        let mut total = || Some(self.one_of(&NO_TOTALS[..NO_NUMBERS]));
        let (consumed, processed, errors, filtered) = (total(), total(), total(), total());
        let (working_set, memory_limit, cpu_seconds) = (total(), total(), total());
        let (nothing, endless) = (Some(f64::NAN), Some(f64::INFINITY));
        let wild = UserReading { events: nothing, total: endless, value: nothing };
        let user = USER.map(|name| (Arc::from(name), wild)).into();
        let edges = Arc::from([0.1, 0.5]);
        let latency = Some(Histogram { edges, counts: vec![f64::NAN], total: f64::INFINITY });
        PodMetrics {
            consumed,
            processed,
            errors,
            filtered,
            latency,
            working_set,
            memory_limit,
            cpu_seconds,
            user,
        }
    }

    fn histogram(&mut self, absurd: bool, step: usize) -> Histogram {
        let total = number(step * 100);
        if !absurd {
            let (edges, counts) = (Arc::from([0.1, 0.5]), vec![0.6 * total, 0.9 * total]);
            return Histogram { edges, counts, total };
        }
        let none: [&[f64]; 5] = [&[], &[0.1], &[0.5, 0.1], &[f64::NAN, 0.1], &[f64::INFINITY]];
        let counts = (0..self.below(4)).map(|_| self.one_of(&NO_TOTALS)).collect();
        let edges = Arc::from(self.one_of(&none));
        Histogram { edges, counts, total: self.one_of(&NO_TOTALS) }
    }
}

fn millis(n: usize) -> Millis {
    Millis::try_from(n).expect("small")
}

fn number(n: usize) -> f64 {
    f64::from(u32::try_from(n).expect("small"))
}
