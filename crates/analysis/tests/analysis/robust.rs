//! Whatever is observed, the judge neither panics nor answers with numbers that are none. It says
//! nothing about a canary that it can't tell apart.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::sample::select;
use siskin_analysis::observation::{
    GroupObservation, GroupState, Histogram, MemberCount, Observation, Owner, PartitionObservation,
    PodMetrics, PodObservation, Role,
};
use siskin_analysis::{
    Assessment, Judge, MinimumEvidence, Record, Settings, Verdict, primary_steady, summarize,
};
use siskin_simulation::{START, healthy_pod};

const PODS: [(&str, Role); 4] = [
    ("primary-0", Role::Primary),
    ("primary-1", Role::Primary),
    ("canary-0", Role::Canary),
    ("canary-1", Role::Canary),
];

fn offset() -> impl Strategy<Value = Option<i64>> {
    prop_oneof![
        6 => (0..5_000_i64).prop_map(Some),
        1 => select(vec![None, Some(-1), Some(i64::MIN), Some(i64::MAX), Some(1 << 62), Some((1 << 62) - 1)]),
    ]
}

fn owner() -> impl Strategy<Value = Owner> {
    let ours =
        select(PODS.to_vec()).prop_map(|(name, role)| Owner::Pod { name: Arc::from(name), role });
    prop_oneof![6 => ours, 1 => select(vec![Owner::External, Owner::Unattributed, Owner::Nobody])]
}

fn partition() -> impl Strategy<Value = PartitionObservation> {
    let place = (select(vec!["orders", "payments"]), -1..5_i32);
    (place, owner(), offset(), offset(), offset()).prop_map(
        |((topic, partition), owner, committed, log_start, log_end)| {
            let topic = Arc::from(topic);
            PartitionObservation { topic, partition, owner, committed, log_start, log_end }
        },
    )
}

fn group() -> impl Strategy<Value = GroupObservation> {
    let states = select(vec![
        GroupState::Stable,
        GroupState::Stable,
        GroupState::Rebalancing,
        GroupState::Empty,
    ]);
    let rows = proptest::collection::vec(partition(), 0..8);
    (states, 0..2_u64, rows).prop_map(|(state, epoch, partitions)| {
        let members = MemberCount {
            primary: 2,
            canary: 2,
            external: 0,
            unattributed: 0,
            ..MemberCount::default()
        };
        GroupObservation { state, epoch, members, partitions }
    })
}

/// Totals that mostly grow, and anything a scrape may say.
fn total() -> impl Strategy<Value = Option<f64>> {
    prop_oneof![
        6 => (0..5_000_i32).prop_map(|total| Some(f64::from(total))),
        1 => select(vec![
            None, Some(f64::NAN), Some(f64::INFINITY), Some(-1.0), Some(1e300), Some(1e-300), Some(9e14)
        ]),
    ]
}

fn histogram() -> impl Strategy<Value = Histogram> {
    let edges = select(vec![vec![], vec![0.1], vec![0.1, 0.5], vec![f64::NAN, 0.1]]);
    (edges, proptest::collection::vec(total(), 0..3), total()).prop_map(|(edges, counts, total)| {
        let counts = counts.into_iter().map(Option::unwrap_or_default).collect();
        Histogram { edges: edges.into(), counts, total: total.unwrap_or_default() }
    })
}

fn metrics() -> impl Strategy<Value = PodMetrics> {
    let totals = (total(), total(), total(), total(), total(), total(), total());
    (totals, proptest::option::weighted(0.8, histogram())).prop_map(|(totals, latency)| {
        let (consumed, processed, errors, filtered, working_set, memory_limit, cpu_seconds) =
            totals;
        PodMetrics {
            consumed,
            processed,
            errors,
            filtered,
            latency,
            working_set,
            memory_limit,
            cpu_seconds,
            ..PodMetrics::default()
        }
    })
}

fn pods() -> impl Strategy<Value = Vec<PodObservation>> {
    let age = select(vec![0, 30_000, 3_600_000, i64::MIN / 2]);
    let one = (proptest::option::weighted(0.9, metrics()), age, 0..2_u32, any::<bool>());
    proptest::collection::vec(one, PODS.len()).prop_map(|those| {
        let pod = |((name, role), (metrics, age, restarts, terminating)): (&(&str, Role), _)| {
            let created = START.saturating_sub(age);
            PodObservation { metrics, restarts, terminating, ..healthy_pod(name, *role, created) }
        };
        PODS.iter().zip(those).map(pod).collect()
    })
}

/// Steps of time between observations: mostly a poll, sometimes anything.
fn step() -> impl Strategy<Value = i64> {
    prop_oneof![9 => 0..12_000_i64, 1 => select(vec![i64::MIN / 4, -3_600_000, 3_600_000, i64::MAX / 4])]
}

fn observations() -> impl Strategy<Value = Vec<Observation>> {
    let one = (step(), proptest::option::weighted(0.9, group()), pods());
    proptest::collection::vec(one, 1..60).prop_map(|steps| {
        let mut at = START;
        let next = |(step, group, pods)| {
            at = i64::saturating_add(at, step);
            Observation { at, group, pods }
        };
        steps.into_iter().map(next).collect()
    })
}

fn sensible(assessment: &Assessment) -> bool {
    let numbers = [
        assessment.against.value,
        assessment.against.needed,
        assessment.proof.value,
        assessment.proof.needed,
        assessment.smallest_drift_seen.unwrap_or(0.0),
    ];
    // JSON has no NaN and no infinity: a number of a finding that became null would not read back.
    let text = serde_json::to_string(assessment).expect("serialisable");
    let back: Assessment = serde_json::from_str(&text).expect("readable");
    numbers.iter().all(|number| number.is_finite() && *number >= 0.0)
        && back.verdict == assessment.finding.verdict()
        && assessment.signals.iter().all(|one| one.evidence.is_finite() && one.evidence >= 0.0)
        && !text.contains("NaN")
        && !assessment.to_string().contains("NaN")
        && !assessment.to_string().contains("inf ")
}

fn settings(interval: i64, warm_up: i64, alpha: f64) -> Settings {
    Settings {
        interval,
        warm_up,
        false_rollback_probability: alpha,
        minimum_evidence: MinimumEvidence::Observed,
        user: Arc::default(),
        remembered: siskin_analysis::Remembered::default(),
    }
}

fn judged(settings: &Settings, seen: &[Observation]) -> Result<Vec<Assessment>, TestCaseError> {
    let (before, during) = seen.split_at(seen.len() / 2);
    let mut record = Record::new(600_000);
    for one in before {
        record.push(one.clone());
    }
    let mut judge = Judge::new(settings.clone(), &record);
    let mut assessments = Vec::new();
    for one in during {
        judge.observe(one);
        record.push(one.clone());
        let assessment = judge.assess(one.at, true);
        prop_assert!(sensible(&assessment), "{:?}", assessment);
        let again = Judge::resume(settings.clone(), &judge.save());
        prop_assert!(again.is_ok(), "{:?}", again.err());
        assessments.push(assessment);
    }
    let summary = summarize(&record);
    prop_assert!(summary.canary.lag_seconds.is_none_or(f64::is_finite));
    prop_assert!(summary.primary.throughput.is_none_or(f64::is_finite));
    prop_assert!(primary_steady(&record, START).is_ok() || !record.is_empty() || before.is_empty());
    Ok(assessments)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 40, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn anything_may_be_observed(
        seen in observations(),
        interval in select(vec![i64::MIN, 0, 2_000, 10_000, i64::MAX]),
        warm_up in select(vec![i64::MIN, 0, 60_000, i64::MAX]),
        alpha in select(vec![f64::NAN, f64::INFINITY, -1.0, 0.0, 0.01, 1.0]),
    ) {
        judged(&settings(interval, warm_up, alpha), &seen)?;
    }

    #[test]
    fn the_same_observations_give_the_same_answer(seen in observations()) {
        let settings = settings(10_000, 0, 0.01);
        prop_assert_eq!(judged(&settings, &seen)?, judged(&settings, &seen)?);
    }

    #[test]
    fn unknown_owners_are_never_judged(mut seen in observations()) {
        for row in seen.iter_mut().filter_map(|one| one.group.as_mut()).flat_map(|group| &mut group.partitions) {
            row.owner = Owner::Unattributed;
        }
        let settings = settings(10_000, 0, 0.01);
        for assessment in judged(&settings, &seen)? {
            prop_assert_eq!(assessment.verdict, Verdict::Inconclusive);
        }
    }
}
