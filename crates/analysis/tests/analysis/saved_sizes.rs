//! The saved judge fits into 16 KiB whatever the sizes are: pods, partitions, topics, user metrics,
//! lengths of names. What is pooled for it loses no evidence.

#![allow(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_precision_loss,
    reason = "small numbers"
)]

use std::sync::Arc;

use proptest::prelude::{ProptestConfig, Strategy, any, prop_assert, proptest};
use siskin_analysis::observation::{
    GroupObservation, GroupState, MemberCount, Millis, Observation, Owner, PartitionObservation,
    PodMetrics, PodObservation, Role, UserReading,
};
use siskin_analysis::{
    Against, Assessment, Judge, MOST_USER_METRICS, Record, Scope, Settings, Threshold, UserMetric,
    UserRule,
};
use siskin_simulation::{START, healthy_pod};

const MOST: usize = 16 * 1_024;
const POLL: Millis = 10_000;
const STEPS: i64 = 60;

#[derive(Clone, Copy, Debug)]
struct Size {
    pods: usize,
    partitions: usize,
    topics: usize,
    metrics: usize,
    /// Bytes of each name; topics have at most 249, metrics at most 63.
    name: usize,
    ratios: bool,
}

fn sizes() -> impl Strategy<Value = Size> {
    let one = (1..200_usize, 1..1_200_usize, 1..400_usize, 0..=MOST_USER_METRICS, 8..254_usize);
    (one, any::<bool>()).prop_map(|((pods, partitions, topics, metrics, name), ratios)| Size {
        pods,
        partitions,
        topics,
        metrics,
        name,
        ratios,
    })
}

fn name(kind: &str, index: usize, length: usize) -> Arc<str> {
    Arc::from(format!("{kind}{index:0>width$}", width = length - 1))
}

impl Size {
    fn settings(self) -> Settings {
        let threshold = Threshold {
            min: None,
            max: Some(5.0),
            failure_limit: 900,
            against: Against::Absolute,
            scope: Scope::Pods,
        };
        let rule = if self.ratios { UserRule::Ratio } else { UserRule::Threshold(threshold) };
        let metric =
            |index| UserMetric { name: name("m", index, self.name.min(63)), rule: rule.clone() };
        Settings {
            interval: POLL,
            warm_up: 0,
            false_rollback_probability: 0.01,
            minimum_evidence: siskin_analysis::MinimumEvidence::Proven,
            user: (0..self.metrics).map(metric).collect(),
            remembered: siskin_analysis::Remembered::default(),
        }
    }

    /// One pod of either role; a canary pod fails, skips and grows a little, each by its own measure.
    fn pod(self, role: Role, index: usize, step: i64) -> PodObservation {
        let kind = if role == Role::Canary { "c" } else { "p" };
        let worse = if role == Role::Canary { 1.0 + (index % 7) as f64 / 7.0 } else { 1.0 };
        let consumed = 10_000.0 * step as f64;
        let reading = UserReading {
            events: Some((0.013_7 * consumed * worse).round()),
            total: Some(consumed),
            value: Some(4.5 * worse),
        };
        let metrics = 0..self.metrics;
        let user = metrics.map(|index| (name("m", index, self.name.min(63)), reading)).collect();
        let metrics = PodMetrics {
            consumed: Some((consumed / worse.sqrt()).round()),
            processed: Some((0.97 * consumed / worse.sqrt()).round()),
            errors: Some((0.011_3 * consumed * worse).round()),
            working_set: Some(4e8 + 1e6 * worse * step as f64),
            memory_limit: Some(1e9 / 3.0),
            cpu_seconds: Some(consumed * worse / 700.0),
            user,
            ..PodMetrics::default()
        };
        let pod = healthy_pod(&name(kind, index, self.name), role, START - 3_600_000);
        PodObservation { metrics: Some(metrics), ..pod }
    }

    /// Partitions of the canary fall behind, each by its own measure; four of the primary don't.
    fn row(self, index: usize, step: i64, begun: bool) -> PartitionObservation {
        let ours = begun && index >= 4;
        let (role, kind) = if ours { (Role::Canary, "c") } else { (Role::Primary, "p") };
        let owner = if ours { index % self.pods } else { index % 3 };
        let rate = 100 * (1 + index as i64 % 5);
        let behind = if ours { 1 + index as i64 % 9 } else { 0 };
        PartitionObservation {
            topic: name("t", index % self.topics, self.name.min(249)),
            partition: index as i32,
            owner: Owner::Pod { name: name(kind, owner, self.name), role },
            committed: Some((rate - behind) * step),
            log_start: Some(0),
            log_end: Some(rate * step),
        }
    }

    fn seen(self, step: i64, begun: bool) -> Observation {
        let primary = (0..3).map(|index| self.pod(Role::Primary, index, step));
        let canary =
            (0..if begun { self.pods } else { 0 }).map(|index| self.pod(Role::Canary, index, step));
        let rows = (0..self.partitions + 4).map(|index| self.row(index, step, begun));
        let members = MemberCount {
            primary: 3,
            canary: 1,
            external: 0,
            unattributed: 0,
            ..MemberCount::default()
        };
        let (state, epoch) = (GroupState::Stable, u64::from(begun));
        let group = GroupObservation { state, epoch, members, partitions: rows.collect() };
        Observation {
            at: START + step * POLL,
            group: Some(group),
            pods: primary.chain(canary).collect(),
        }
    }

    fn judge(self) -> Judge {
        let mut record = Record::new(600_000);
        (1..20).for_each(|step| {
            record.push(self.seen(step, false));
        });
        let mut judge = Judge::new(self.settings(), &record);
        (20..STEPS).for_each(|step| judge.observe(&self.seen(step, true)));
        judge
    }
}

fn assess(judge: &Judge) -> Assessment {
    judge.assess(START + (STEPS - 1) * POLL, true)
}

fn check(size: Size) -> usize {
    let judge = size.judge();
    let saved = judge.save();
    assert!(saved.len() <= MOST, "{size:?}: {} bytes", saved.len());
    let again = Judge::resume(size.settings(), &saved).expect("saved");
    assert!(again.save().len() <= MOST, "{size:?}");
    let (before, after) = (assess(&judge), assess(&again));
    for (before, after) in before.signals.iter().zip(&after.signals) {
        let (before, kept) = (before.evidence, after.evidence);
        assert!(kept <= before * (1.0 + 1e-9), "{size:?} {after:?} gained from {before}");
        assert!(kept >= 0.95 * before, "{size:?} {after:?} lost from {before}");
    }
    saved.len()
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, ..ProptestConfig::default() })]

    #[test]
    fn it_fits_and_loses_no_evidence(size in sizes()) {
        prop_assert!(check(size) > 1_000);
    }
}

/// Ten user metrics, fifty canary pods, two hundred partitions: only the accounts of pods go.
#[test]
fn two_hundred_partitions_on_fifty_pods_keep_their_accounts_and_proofs() {
    let size = Size { pods: 50, partitions: 200, topics: 3, metrics: 10, name: 33, ratios: true };
    let saved = size.judge().save();
    let form: serde_json::Value = serde_json::from_str(&saved).expect("JSON");
    println!("{} bytes", saved.len());
    let length = |list: &serde_json::Value| list.as_array().map(Vec::len);
    assert_eq!(length(&form["partitions"]), Some(200));
    assert_eq!(length(&form["signals"]["yields"]["pods"]), Some(0));
}

#[test]
fn the_largest_of_everything_fits_too() {
    for ratios in [true, false] {
        let metrics = MOST_USER_METRICS;
        check(Size { pods: 200, partitions: 3_000, topics: 3_000, metrics, name: 253, ratios });
    }
}
