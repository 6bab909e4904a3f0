//! CPU per message: what is dear is found, what is the pod's own or the node's is not held against
//! a canary, and nobody waits for it.

use std::time::Duration;

use siskin_analysis::observation::{Millis, Observation, Role};
use siskin_analysis::{Effect, Fault, Judge, Record, Signal, Verdict};
use siskin_simulation::trial::{HAND_OVER, Trial, fault, settings};
use siskin_simulation::{Shape, World};

const MINUTE: Millis = 60_000;

/// Seconds of CPU that a pod takes for a message, for a second, and the canary's multiple of the first.
#[derive(Clone, Copy)]
struct Costs {
    message: f64,
    second: f64,
    canary: f64,
}

const USUAL: Costs = Costs { message: 0.002, second: 0.02, canary: 1.0 };

impl Costs {
    /// Shows what each pod has used, as the kubelet does: every half minute, each pod in its turn.
    fn show(self, seen: &mut Observation, shown: &mut Vec<f64>) {
        shown.resize(seen.pods.len(), 0.0);
        for (turn, (pod, shown)) in (0_i64..).zip(seen.pods.iter_mut().zip(shown)) {
            let Some(metrics) = &mut pod.metrics else { continue };
            let times = if pod.role == Role::Canary { self.canary } else { 1.0 };
            let age = Duration::from_millis((seen.at - pod.created).unsigned_abs()).as_secs_f64();
            let used = times * self.message * metrics.consumed.unwrap_or(0.0) + self.second * age;
            let is_new = *shown <= 0.0 || used < *shown;
            if is_new || (seen.at / 10_000 + turn) % 3 == 0 {
                *shown = used;
            }
            metrics.cpu_seconds = Some(*shown).filter(|_| self.message > 0.0);
        }
    }
}

fn shape() -> Shape {
    Shape { metrics: true, pauses: false, load: 0.5, ..Shape::default() }
}

fn ran(shape: Shape, costs: Costs, seed: u64) -> Trial {
    let mut world = World::new(shape, seed);
    let (mut record, mut shown) = (Record::new(10 * MINUTE), Vec::new());
    let before = Costs { canary: 1.0, ..costs };
    world.run(10 * MINUTE, |_, mut seen| {
        before.show(&mut seen, &mut shown);
        record.push(seen);
    });
    let mut trial = Trial::with_record(world, record);
    trial.world.start_trial(HAND_OVER);
    trial.run_edited(14 * MINUTE, |_, seen| costs.show(seen, &mut shown));
    trial
}

#[test]
fn twice_the_cpu_of_a_message_is_found_and_measured() {
    for seed in 0..5 {
        let trial = ran(shape(), Costs { canary: 2.0, ..USUAL }, seed);
        let at = trial.first(Verdict::Fail).unwrap_or_else(|| panic!("{}", trial.last()));
        let found = trial.assessments.iter().find_map(fault);
        let Some(Fault::Worse { signal: Signal::Cpu, effect, .. }) = found else {
            panic!("{found:?}")
        };
        let Effect::CpuTime { ratio, low, primary, .. } = *effect else { panic!("{effect}") };
        assert!(at <= 10 * 60, "seed {seed}: {at} s");
        assert!((1.6..2.1).contains(&ratio) && low > 1.0, "{effect}");
        assert!((0.002..0.003).contains(&primary), "{effect}");
        assert!(found.is_some_and(|it| it.to_string().contains(" ms of CPU per message")));
    }
}

#[test]
fn a_third_more_is_the_node_and_no_pass_waits_for_it() {
    let blind = ran(shape(), Costs { message: 0.0, ..USUAL }, 7);
    let trial = ran(shape(), Costs { canary: 1.3, ..USUAL }, 7);
    assert_eq!((blind.last().blind.as_slice(), trial.last().blind.len()), (&[Signal::Cpu][..], 0));
    assert!(trial.never(Verdict::Fail), "{}", trial.last());
    assert_eq!(trial.first(Verdict::Pass), blind.first(Verdict::Pass));
    assert_eq!(trial.last().verdict, Verdict::Pass, "{}", trial.last());
    let report = trial.last().signals.iter().find(|it| it.signal == Signal::Cpu);
    assert_eq!(report.map(|it| it.proven), Some(None));
}

/// Nine tenths of what a pod uses is not for its messages: with half of them it takes nearly twice as
/// much for each.
#[test]
fn a_canary_with_few_messages_is_not_dear() {
    let costs = Costs { message: 0.000_1, second: 0.05, canary: 1.0 };
    let shape = Shape { pods: 2, partitions: 2, skew: 1.0, capacity: 100.0, ..shape() };
    let mut fewer = 0;
    for seed in 0..20 {
        let trial = ran(shape, costs, seed);
        assert!(trial.never(Verdict::Fail), "seed {seed}: {}", trial.last());
        let consumed = |role| {
            let metrics = trial.world.pods.iter().filter(|pod| pod.role == role);
            let seen = metrics.map(|pod| pod.observe(trial.world.now).metrics);
            seen.flatten().filter_map(|it| it.consumed).sum::<f64>()
        };
        let rate = consumed(Role::Primary) * 14.0 / 24.0;
        fewer += u32::from(2.0 * consumed(Role::Canary) < rate);
    }
    assert!(fewer > 2, "only {fewer} had fewer messages");
}

#[test]
fn what_is_dear_is_saved() {
    let trial = ran(shape(), Costs { canary: 1.9, ..USUAL }, 3);
    let report = |trial: &Trial| {
        let assessment = trial.judge.assess(trial.world.now, true);
        let cpu = assessment.signals.into_iter().find(|it| it.signal == Signal::Cpu);
        cpu.expect("available").evidence
    };
    let saved = trial.judge.save();
    let judge = Judge::resume(settings(trial.world.shape), &saved).expect("saved");
    let before = report(&trial);
    let after = report(&Trial { judge, ..trial });
    assert!(before > 2.0 && (0.98 * before..=before).contains(&after), "{before} {after}");
}
