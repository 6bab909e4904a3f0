//! What a Fail says must be what it rests on: the canary's rate is the larger one, whatever else was
//! counted over the trial.

use siskin_analysis::observation::{Millis, Observation, PodMetrics, Role};
use siskin_analysis::{Effect, Fault, Signal, Verdict};
use siskin_simulation::Shape;
use siskin_simulation::pod::Work;
use siskin_simulation::trial::{Trial, fault};

const MINUTE: Millis = 60_000;

fn begin(seed: u64) -> Trial {
    Trial::begin(Shape { metrics: true, pauses: false, ..Shape::default() }, seed)
}

/// Rates of canary and primary that the first Fail, by errors, tells.
fn told(trial: &Trial) -> (f64, f64) {
    assert!(trial.first(Verdict::Fail).is_some(), "{}", trial.last());
    let found = trial.assessments.iter().find_map(fault).expect("a fault");
    let Fault::Worse { signal: Signal::Errors, effect, .. } = found else { panic!("{found}") };
    let Effect::Ratio { ratio, low, canary, primary, .. } = *effect else { panic!("{found}") };
    assert!(ratio > 1.5 && low <= ratio, "{found}");
    assert!((canary / primary / ratio - 1.0).abs() < 0.2, "{found}");
    (canary, primary)
}

fn metrics(seen: &mut Observation, role: Role) -> impl Iterator<Item = &mut PodMetrics> {
    let pods = seen.pods.iter_mut().filter(move |pod| pod.role == role);
    pods.filter_map(|pod| pod.metrics.as_mut())
}

/// Over the whole trial the primary failed more often, but that was before.
#[test]
fn a_late_fault_is_not_told_by_the_primarys_earlier_one() {
    let mut trial = begin(1);
    let work = |errors| Work { errors, ..Work::default() };
    trial.run(3 * MINUTE);
    let primary = |trial: &mut Trial, errors| {
        let pods = trial.world.pods.iter_mut().filter(|pod| pod.role == Role::Primary);
        pods.for_each(|pod| pod.work = work(errors));
    };
    primary(&mut trial, 0.5);
    trial.run(5 * MINUTE);
    assert!(trial.never(Verdict::Fail), "{}", trial.last());
    primary(&mut trial, 0.01);
    trial.world.canary().for_each(|pod| pod.work = work(0.08));
    trial.run(12 * MINUTE);
    let (canary, primary) = told(&trial);
    assert!((0.04..0.12).contains(&canary) && primary < 0.03, "{canary} {primary}");
}

/// One absurd rise makes every rate of the totals 0.
#[test]
fn an_absurd_count_does_not_hide_the_effect() {
    let mut trial = begin(2);
    trial.world.canary().for_each(|pod| pod.work.errors = 0.05);
    let jump = trial.world.now + 60_000;
    trial.run_edited(15 * MINUTE, |world, seen| {
        for metrics in metrics(seen, Role::Canary).filter(|_| world.now > jump) {
            let all = [&mut metrics.consumed, &mut metrics.processed];
            for total in all {
                *total = total.map(|it| it + 9e14);
            }
        }
    });
    told(&trial);
}
