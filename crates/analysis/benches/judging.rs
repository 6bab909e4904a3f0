//! What one judging pass costs: an observation in, an assessment out, in steady state. Beside it a
//! peer that survives a busy machine: reading the same observation once, which any judge must.

use std::time::{Duration, Instant};

use criterion::measurement::WallTime;
use criterion::{
    BenchmarkGroup, BenchmarkId, Criterion, Throughput, criterion_group, criterion_main,
};
use siskin_analysis::Judge;
use siskin_analysis::observation::{Observation, Owner};
use siskin_simulation::large::Large;

/// As many as a group of consumers has at most in practice.
const PODS: usize = 200;
/// Passes in a row of which at least one ends windows of every kind.
const ROUND: usize = 12;
/// How many partitions a group has.
const SIZES: [usize; 3] = [100, 1_000, 10_000];

/// Building the observation isn't measured: the sampler does that, whoever judges.
fn pass(group: &mut Large, judge: &mut Judge) -> Duration {
    let seen = group.observe();
    let begin = Instant::now();
    judge.observe(&seen);
    std::hint::black_box(judge.assess(seen.at, true));
    begin.elapsed()
}

/// Reads every offset and every name of an observation.
fn sum(seen: &Observation) -> i64 {
    let rows = seen.group.iter().flat_map(|group| &group.partitions);
    let row = |sum: i64, row: &siskin_analysis::observation::PartitionObservation| {
        let offsets = [row.committed, row.log_start, row.log_end].into_iter().flatten();
        let name = match &row.owner {
            Owner::Pod { name, .. } => name.bytes().map(i64::from).sum(),
            Owner::External | Owner::Unattributed | Owner::Nobody => 0,
        };
        let topic: i64 = row.topic.bytes().map(i64::from).sum();
        offsets.fold(sum.wrapping_add(name + topic), i64::wrapping_add)
    };
    rows.fold(0, row)
}

fn judging(criterion: &mut Criterion) {
    let mut passes = group(criterion, "judging pass");
    for partitions in SIZES {
        measure(&mut passes, partitions, pass);
    }
    passes.finish();
    let mut slowest = group(criterion, "slowest of twelve passes in a row");
    for partitions in SIZES {
        measure(&mut slowest, partitions, |group, judge| {
            (0..ROUND).map(|_| pass(group, judge)).max().unwrap_or_default()
        });
    }
    slowest.finish();
    let mut peer = group(criterion, "reading the observation once");
    for partitions in SIZES {
        measure(&mut peer, partitions, |group, _| {
            let seen = group.observe();
            let begin = Instant::now();
            std::hint::black_box(sum(&seen));
            begin.elapsed()
        });
    }
    peer.finish();
}

fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    let mut group = criterion.benchmark_group(name);
    group.sample_size(20).warm_up_time(Duration::from_secs(1));
    group.measurement_time(Duration::from_secs(4));
    group
}

fn measure(
    passes: &mut BenchmarkGroup<'_, WallTime>,
    partitions: usize,
    step: impl Fn(&mut Large, &mut Judge) -> Duration,
) {
    // Made when first asked for, so that a filter skips it.
    let mut warm = None;
    passes.throughput(Throughput::Elements(u64::try_from(partitions).expect("small")));
    passes.bench_function(BenchmarkId::from_parameter(partitions), |bencher| {
        let (group, judge) = warm.get_or_insert_with(|| Large::warm(partitions, PODS));
        bencher.iter_custom(|rounds| (0..rounds).map(|_| step(group, judge)).sum());
    });
}

criterion_group!(benches, judging);
criterion_main!(benches);
