//! Each signal beside lag finds its fault, names it, and is proven on a healthy canary; and the
//! data rules for metrics: what must not count as evidence, doesn't.

use std::sync::Arc;

use siskin_analysis::observation::{Millis, Observation, PodObservation, Role};
use siskin_analysis::{
    Assessment, Doubt, Effect, Fault, Judge, Note, Signal, SignalReport, Verdict,
};
use siskin_simulation::pod::{MIB, Work};
use siskin_simulation::trial::{Trial, doubt, fault, settings};
use siskin_simulation::{Shape, World};

const MINUTE: Millis = 60_000;

fn shape() -> Shape {
    Shape { metrics: true, pauses: false, ..Shape::default() }
}

/// A trial whose canary works like this from the beginning.
fn working(seed: u64, work: Work) -> Trial {
    let mut trial = Trial::begin(shape(), seed);
    trial.world.canary().for_each(|pod| pod.work = work);
    trial
}

fn report<'a>(assessment: &'a Assessment, signal: &Signal) -> &'a SignalReport {
    assessment.signals.iter().find(|report| report.signal == *signal).expect("available")
}

/// Runs until the canary fails; seconds, and the signal that did it.
fn failed(mut trial: Trial, within: Millis) -> (i64, Signal, Effect) {
    trial.run(within);
    let at = trial.first(Verdict::Fail).unwrap_or_else(|| panic!("{}", trial.last()));
    let Some(Fault::Worse { signal, pod, effect }) = trial.assessments.iter().find_map(fault)
    else {
        panic!("another fault: {}", trial.last());
    };
    assert_eq!(&**pod, "worker-canary-0");
    (at, signal.clone(), *effect)
}

fn canary_pods(seen: &mut Observation) -> impl Iterator<Item = &mut PodObservation> {
    seen.pods.iter_mut().filter(|pod| pod.role == Role::Canary)
}

#[test]
fn a_healthy_canary_is_proven_by_every_signal() {
    let mut trial = working(1, Work::default());
    trial.run(14 * MINUTE);
    assert!(trial.never(Verdict::Fail));
    assert_eq!(trial.last().verdict, Verdict::Pass, "{}", trial.last());
    // CPU has tests of its own.
    assert_eq!(trial.last().blind, [Signal::Cpu]);
    assert!(trial.last().notes.is_empty(), "{:?}", trial.last());
    for signal in [Signal::Errors, Signal::Loss, Signal::Latency] {
        assert_eq!(report(trial.last(), &signal).proven, Some(true), "{signal}");
    }
    let weights: f64 = trial.last().signals.iter().map(|report| report.weight).sum();
    assert!((weights - 1.0).abs() < 1e-9);
    println!("Pass after {:?} s", trial.first(Verdict::Pass));
}

#[test]
fn twice_the_errors_are_found_and_measured() {
    let (at, signal, effect) =
        failed(working(2, Work { errors: 0.02, ..Work::default() }), 8 * MINUTE);
    assert_eq!(signal, Signal::Errors);
    assert!(at <= 400, "{at} s");
    let Effect::Ratio { ratio, low, high, .. } = effect else { panic!("{effect}") };
    assert!(low <= 2.0 && high.is_some_and(|high| high >= 2.0), "{effect}");
    assert!((1.5..2.6).contains(&ratio), "{effect}");
}

#[test]
fn total_failure_takes_two_windows_even_of_a_new_pod() {
    let (at, signal, _) = failed(working(3, Work { errors: 1.0, ..Work::default() }), 2 * MINUTE);
    assert!(signal == Signal::Errors && at <= 30, "{signal} after {at} s");
}

#[test]
fn silent_loss_is_found() {
    let (at, signal, _) = failed(working(4, Work { lost: 0.02, ..Work::default() }), 3 * MINUTE);
    assert!(signal == Signal::Loss && at <= 60, "{signal} after {at} s");
}

/// The next poll tells what of the missing was in flight.
#[test]
fn silent_loss_that_comes_late_is_found_at_the_third_poll() {
    for seed in 0..5 {
        let mut trial = working(24 + seed, Work::default());
        trial.run(10 * MINUTE);
        trial.world.canary().for_each(|pod| pod.work.lost = 0.02);
        trial.run(MINUTE);
        let at = trial.first(Verdict::Fail).unwrap_or_else(|| panic!("{}", trial.last()));
        assert!(at <= 630, "seed {seed}: {at} s");
    }
}

#[test]
fn slower_messages_are_found_without_saturation() {
    let (at, signal, _) = failed(working(5, Work { slow: 0.28, ..Work::default() }), 8 * MINUTE);
    assert!(signal == Signal::Latency && at <= 260, "{signal} after {at} s");
}

#[test]
fn commits_without_work_are_found() {
    let (at, signal, effect) =
        failed(working(6, Work { skipped: 0.3, ..Work::default() }), 12 * MINUTE);
    let Effect::Skipped { share } = effect else { panic!("{effect}") };
    assert!(signal == Signal::Yield && (0.2..0.4).contains(&share), "{effect}");
    assert!(at <= 480, "{at} s");
}

#[test]
fn a_leak_is_found_before_it_kills() {
    let (at, signal, effect) =
        failed(working(7, Work { leak: 30.0 * MIB, ..Work::default() }), 20 * MINUTE);
    let Effect::Growth { bytes_per_minute, minutes_left: Some(left) } = effect else { panic!() };
    assert!(signal == Signal::Memory && (bytes_per_minute / MIB - 30.0).abs() < 1.0 && left > 0.0);
    assert!(at <= 1_100, "{at} s");
}

#[test]
fn single_restarts_of_a_pod_are_luck_and_churn_is_not() {
    let mut trial = working(8, Work::default());
    trial.run(2 * MINUTE);
    trial.world.canary().for_each(siskin_simulation::pod::Pod::restart);
    trial.run(12 * MINUTE);
    assert!(trial.never(Verdict::Fail), "{}", trial.last());
    let mut away = 0;
    trial.run_edited(12 * MINUTE, |_, seen| {
        away += 1;
        let group = seen.group.as_mut().expect("Kafka answered");
        group.members.canary = u32::from(away % 4 != 0);
    });
    let faults: Vec<_> = trial.assessments.iter().find_map(fault).into_iter().collect();
    assert!(matches!(faults[..], [Fault::Worse { signal: Signal::Churn, .. }]), "{faults:?}");
}

#[test]
fn what_the_primary_does_not_export_is_blind_and_its_weight_goes_to_others() {
    let mut world = World::new(shape(), 9);
    let mut record = siskin_analysis::Record::new(600_000);
    world.run(600_000, |_, mut seen| {
        for metrics in seen.pods.iter_mut().filter_map(|pod| pod.metrics.as_mut()) {
            (metrics.latency, metrics.memory_limit, metrics.processed) = (None, None, None);
        }
        record.push(seen);
    });
    let judge = Judge::new(settings(world.shape), &record);
    let assessment = judge.assess(world.now, true);
    assert_eq!(assessment.blind, [Signal::Latency, Signal::Cpu, Signal::Loss, Signal::Memory]);
    assert!((report(&assessment, &Signal::Errors).weight - 0.25 / 0.80).abs() < 1e-9);
}

/// An empty counter series is 0 if the pod's consumed series is there.
#[test]
fn an_empty_series_is_zero_if_the_pod_is_scraped() {
    let mut trial = working(10, Work { errors: 0.0, ..Work::default() });
    trial.run_edited(4 * MINUTE, |_, seen| {
        canary_pods(seen).for_each(|pod| pod.metrics.as_mut().expect("scraped").errors = None);
    });
    assert!(report(trial.last(), &Signal::Errors).evidence < 1.0);
    let absent = Doubt::SignalAbsent { signal: Signal::Errors };
    assert_eq!(doubt(trial.last()), Some(&absent), "but may be renamed: never a Pass");
    assert!(trial.never(Verdict::Pass) && trial.never(Verdict::Fail));
}

/// A canary that exports no processed count is unknown, not losing everything.
#[test]
fn a_series_that_only_the_primary_has_is_unknown() {
    let mut trial = working(11, Work::default());
    trial.run_edited(14 * MINUTE, |_, seen| {
        canary_pods(seen).for_each(|pod| pod.metrics.as_mut().expect("scraped").processed = None);
    });
    assert!(matches!(doubt(trial.last()), Some(Doubt::SignalSilent { signal: Signal::Loss, .. })));
    assert!(trial.never(Verdict::Pass) && trial.never(Verdict::Fail));
}

/// Empty gauge, NaN, infinity: unknown, skipped, counted.
#[test]
fn what_is_no_number_is_skipped_and_counted() {
    let mut trial = working(12, Work::default());
    let wild = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, -1.0];
    let mut turn = 0;
    trial.run_edited(6 * MINUTE, |_, seen| {
        turn += 1;
        for metrics in canary_pods(seen).filter_map(|pod| pod.metrics.as_mut()) {
            (metrics.errors, metrics.working_set) = (Some(wild[turn % 4]), Some(wild[turn % 4]));
        }
    });
    assert!(trial.never(Verdict::Fail));
    let counted = |note: &Note| matches!(note, Note::UnreadableMetrics { values } if *values >= 70);
    assert!(trial.last().notes.iter().any(counted), "{:?}", trial.last().notes);
    assert!((report(trial.last(), &Signal::Errors).evidence - 1.0).abs() < 1e-9, "gross included");
}

/// A counter that fell with a restart began at 0; without one, nobody knows.
#[test]
fn a_counter_that_fell_is_a_reset_only_with_a_restart() {
    for restarts in [false, true] {
        let mut trial = working(13, Work::default());
        trial.run(3 * MINUTE);
        let before = report(trial.last(), &Signal::Errors).effect.expect("compared");
        trial.run_edited(MINUTE, |_, seen| {
            for pod in canary_pods(seen) {
                pod.restarts = u32::from(restarts);
                let metrics = pod.metrics.as_mut().expect("scraped");
                // The new process has seen ten messages, all of them errors.
                (metrics.consumed, metrics.errors) = (Some(10.0), Some(10.0));
                (metrics.processed, metrics.latency) = (Some(0.0), None);
            }
        });
        let after = report(trial.last(), &Signal::Errors).effect.expect("compared");
        let rate = |effect: Effect| {
            let Effect::Ratio { canary, .. } = effect else { panic!("{effect}") };
            canary
        };
        assert_eq!(rate(after) > rate(before) + 1e-5, restarts, "{before} → {after}");
        assert!(trial.never(Verdict::Fail));
    }
}

/// Query error, timeout, source down: skipped; after three minutes inconclusive.
#[test]
fn a_silent_metrics_source_holds_and_is_no_evidence() {
    let mut trial = working(14, Work::default());
    trial.run(14 * MINUTE);
    assert_eq!(trial.last().verdict, Verdict::Pass);
    let before = report(trial.last(), &Signal::Errors).clone();
    trial
        .run_edited(10 * MINUTE, |_, seen| seen.pods.iter_mut().for_each(|pod| pod.metrics = None));
    assert!(matches!(doubt(trial.last()), Some(Doubt::SignalSilent { .. })), "{}", trial.last());
    assert_eq!(report(trial.last(), &Signal::Errors), &before, "nothing was bet");
    trial.run(3 * MINUTE);
    assert!(trial.never(Verdict::Fail));
    assert_eq!(trial.last().verdict, Verdict::Pass, "{}", trial.last());
}

/// A canary that says nothing while the primary reports is failed only if its offsets stall, too.
#[test]
fn a_canary_silent_beside_a_reporting_primary_is_held_until_its_offsets_stall() {
    let mut trial = working(21, Work::default());
    let silent = |seen: &mut Observation| canary_pods(seen).for_each(|pod| pod.metrics = None);
    trial.run_edited(10 * MINUTE, |_, seen| silent(seen));
    assert!(trial.never(Verdict::Fail) && trial.never(Verdict::Pass), "{}", trial.last());
    trial.world.canary().for_each(|pod| pod.health = 0.0);
    trial.run_edited(3 * MINUTE, |_, seen| silent(seen));
    assert!(matches!(trial.assessments.iter().find_map(fault), Some(Fault::Stalled { .. })));
}

/// Pods that take minutes to start join late, each once.
#[test]
fn a_late_first_join_is_no_churn() {
    let mut trial = working(23, Work::default());
    let mut polls = 0;
    trial.run_edited(8 * MINUTE, |_, seen| {
        polls += 1;
        seen.group.as_mut().expect("Kafka answered").members.canary = polls / 15;
    });
    assert!(report(trial.last(), &Signal::Churn).evidence < 1.0, "{:?}", trial.last());
}

/// A committed offset that fell is the canary's doing: churn, and no lag.
#[test]
fn a_rewind_by_the_canary_is_churn() {
    let mut trial = working(22, Work::default());
    trial.run(3 * MINUTE);
    let before = report(trial.last(), &Signal::Churn).evidence;
    let mine = trial.world.canary_partitions()[0];
    let mut back = 0;
    trial.run_edited(MINUTE, |_, seen| {
        back += 1;
        let rows = &mut seen.group.as_mut().expect("Kafka answered").partitions;
        if back == 2 {
            rows[mine].committed = rows[mine].committed.map(|offset| offset - 5_000);
        }
    });
    assert!(report(trial.last(), &Signal::Churn).evidence > before);
    assert!(trial.never(Verdict::Fail));
}

/// One missed scrape is bridged.
#[test]
fn scrape_gaps_cost_nothing() {
    let mut trial = working(15, Work { errors: 0.02, ..Work::default() });
    let mut turn = 0;
    trial.run_edited(8 * MINUTE, |_, seen| {
        turn += 1;
        if turn % 3 == 0 {
            canary_pods(seen).for_each(|pod| pod.metrics = None);
        }
    });
    assert!(trial.first(Verdict::Fail).is_some_and(|at| at <= 300), "{}", trial.last());
}

/// Errors everyone has are nobody's fault.
#[test]
fn a_common_rise_cancels() {
    let mut trial = working(16, Work::default());
    trial.run(2 * MINUTE);
    trial.world.pods.iter_mut().for_each(|pod| pod.work.errors = 0.2);
    trial.run(12 * MINUTE);
    assert!(trial.never(Verdict::Fail), "{}", trial.last());
}

/// No metrics from any primary pod any more: only gross failure is judged.
#[test]
fn a_lone_canary_is_failed_only_by_gross_errors() {
    let alone = |errors: f64| {
        let mut trial = working(17, Work { errors, ..Work::default() });
        trial.run_edited(6 * MINUTE, |_, seen| {
            for pod in seen.pods.iter_mut().filter(|pod| pod.role == Role::Primary) {
                pod.metrics = None;
            }
        });
        trial.first(Verdict::Fail)
    };
    assert_eq!(alone(0.03), None);
    assert!(alone(1.0).is_some_and(|at| at <= 40));
}

/// A pod that warms up answers slower at first, and ever faster.
#[test]
fn a_long_warm_up_is_not_slowness() {
    let mut trial = working(18, Work::default());
    let begin = trial.begin;
    trial.run_edited(20 * MINUTE, |world, _| {
        let polls = i32::try_from((world.now - begin) / 10_000).expect("20 min");
        // A third of the excess is left after 3 min.
        let excess = (-f64::from(polls) / 18.0).exp();
        world.canary().for_each(|pod| pod.work.slow = 0.1 + 0.4 * excess);
    });
    assert!(trial.never(Verdict::Fail), "{}", trial.last());
}

/// Metrics of a pod may begin late: what was not seen is no time without slowness.
#[test]
fn a_warm_up_that_is_seen_late_is_not_slowness() {
    for seed in 30..33 {
        let mut trial = working(seed, Work::default());
        let (begin, unseen) = (trial.begin, 110_000);
        trial.run_edited(20 * MINUTE, |world, seen| {
            let age = world.now - begin;
            let polls = i32::try_from((age - unseen).max(0) / 10_000).expect("20 min");
            let excess = (-f64::from(polls) / 9.0).exp();
            world.canary().for_each(|pod| pod.work.slow = 0.1 + 0.4 * excess);
            if age < unseen {
                canary_pods(seen).for_each(|pod| pod.metrics = None);
            }
        });
        assert!(trial.never(Verdict::Fail), "seed {seed}: {}", trial.last());
    }
}

#[test]
fn accounts_of_all_signals_survive_a_restart() {
    let mut trial = working(19, Work { errors: 0.015, slow: 0.13, ..Work::default() });
    trial.run(6 * MINUTE);
    let saved = trial.judge.save();
    let again = Judge::resume(settings(trial.world.shape), &saved).expect("saved");
    assert_eq!(again.save(), saved);
    let (before, after) = (trial.last(), again.assess(trial.world.now, true));
    assert_eq!(after.blind, before.blind);
    for report in &before.signals {
        let restored = self::report(&after, &report.signal);
        assert!(restored.evidence <= report.evidence * (1.0 + 1e-9), "{report:?} {restored:?}");
        assert!(restored.evidence >= report.evidence * 0.97, "{report:?} {restored:?}");
        assert!((restored.weight - report.weight).abs() < 1e-12);
    }
    let text = saved.replace(r#""density":"#, r#""density":-"#);
    assert!(Judge::resume(settings(trial.world.shape), &text).is_err());
}

/// Two hundred partitions on fifty pods, all signals.
#[test]
fn a_large_canary_fits_into_sixteen_kibibytes() {
    let big = Shape { partitions: 400, pods: 100, ..shape() };
    let mut world = World::new(big, 20);
    let mut record = siskin_analysis::Record::new(600_000);
    world.run(2 * MINUTE, |_, seen| {
        record.push(seen);
    });
    for index in 50..100 {
        let now = world.now;
        let pod = &mut world.pods[index];
        pod.role = Role::Canary;
        pod.created = now;
        pod.name = Arc::from(format!("a-service-canary-7d9f8b6c5-{index:05}"));
    }
    world.rebalance(2_000);
    let mut trial = Trial::with_record(world, record);
    trial.run(7 * MINUTE);
    let length = trial.judge.save().len();
    println!("{length} bytes");
    assert!(length <= 16 * 1_024, "{length}");
}
