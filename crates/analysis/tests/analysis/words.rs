//! What a person reads while a trial goes on: texts that stand still while nothing changes.
//! Each change of them is one more version of the status for everybody who watches it.

use siskin_analysis::observation::Millis;
use siskin_analysis::{Assessment, Verdict};
use siskin_simulation::trial::Trial;
use siskin_simulation::{Shape, World};

const MINUTE: Millis = 60_000;

/// Each trial goes on for so long.
const MINUTES: i64 = 20;

struct Scenario {
    name: &'static str,
    shape: Shape,
    begin: fn(&mut World),
}

fn scenarios() -> Vec<Scenario> {
    let base = Shape::default();
    let metrics = Shape { metrics: true, ..base };
    let scenario = |name, shape| Scenario { name, shape, begin: |_| {} };
    vec![
        scenario("identical, Kafka alone", base),
        scenario("identical, with metrics", metrics),
        scenario("too little traffic", Shape { load: 0.002, ..base }),
        scenario("few messages, with metrics", Shape { load: 0.05, ..metrics }),
        scenario("overloaded", Shape { load: 0.92, skew: 0.3, ..base }),
        Scenario {
            begin: |world| world.canary().for_each(|pod| pod.slow_start = 300_000),
            ..scenario("a canary that warms up slowly", metrics)
        },
        Scenario {
            begin: |world| world.canary().for_each(|pod| pod.health = 0.74),
            ..scenario("a canary that can hardly follow", base)
        },
        Scenario {
            begin: |world| world.canary().for_each(|pod| pod.work.errors *= 1.4),
            ..scenario("some more errors than before", metrics)
        },
    ]
}

#[test]
fn texts_change_about_once_a_minute() {
    for (seed, Scenario { name, shape, begin }) in (1..).zip(scenarios()) {
        let mut trial = Trial::begin(shape, seed);
        begin(&mut trial.world);
        trial.run(MINUTES * MINUTE);
        // The first Fail ends a trial.
        let goes_on = |it: &&Assessment| it.verdict != Verdict::Fail;
        let shown = trial.assessments.iter().take_while(goes_on);
        let mut texts: Vec<_> = shown.map(|it| it.finding.to_string()).collect();
        texts.dedup();
        println!("{name}: {} texts", texts.len());
        assert!(texts.len() <= 30, "{name}: {} texts\n{}", texts.len(), texts.join("\n"));
    }
}
