//! What one judging pass costs: an observation in, an assessment out, in steady state.
//! Building the observation isn't measured: the sampler does that, whoever judges.

#[path = "../tests/large/mod.rs"]
mod large;

use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion, Throughput, criterion_group, criterion_main};
use large::Large;

/// As many as a group of consumers has at most in practice.
const PODS: usize = 200;

fn judging(criterion: &mut Criterion) {
    let mut passes = criterion.benchmark_group("judging pass");
    passes.sample_size(20).warm_up_time(Duration::from_secs(1));
    passes.measurement_time(Duration::from_secs(4));
    for partitions in [100_usize, 1_000, 10_000] {
        // Made when first asked for, so that a filter skips it.
        let mut warm = None;
        passes.throughput(Throughput::Elements(u64::try_from(partitions).expect("small")));
        passes.bench_function(BenchmarkId::from_parameter(partitions), |bencher| {
            let (group, judge) = warm.get_or_insert_with(|| Large::warm(partitions, PODS));
            bencher.iter_custom(|rounds| {
                let mut spent = Duration::ZERO;
                for _ in 0..rounds {
                    let seen = group.next();
                    let begin = Instant::now();
                    judge.observe(&seen);
                    std::hint::black_box(judge.assess(seen.at, true));
                    spent += begin.elapsed();
                }
                spent
            });
        });
    }
    passes.finish();
}

criterion_group!(benches, judging);
criterion_main!(benches);
