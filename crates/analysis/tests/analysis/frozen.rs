//! Bytes that moving code may not change: judges as they are saved, what they say, and traces.
//! The benchmark's figures are compared by `.ci/run`. Both go when the rooms stand.

use siskin_simulation::pod::{USER, Work};
use siskin_simulation::trial::{Trial, judged_by};
use siskin_simulation::{Shape, World};
use siskin_trace::{Header, Line, Mark, Writer};

const FROZEN: &str = include_str!("../golden/frozen.txt");
const MINUTE: i64 = 60_000;

/// FNV-1a: nobody forges these bytes, they are only to be told apart.
fn sum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// A name, a group, and what happens to it after three minutes.
type Case = (&'static str, Shape, fn(&mut World));

fn shapes() -> [Case; 5] {
    let with_metrics = Shape { metrics: true, ..Shape::default() };
    let with_user = Shape { user: [Some(0.01), None], ..with_metrics };
    [
        ("healthy", Shape::small(), |_| {}),
        ("slow", Shape { load: 0.85, ..Shape::small() }, |world| {
            world.canary().for_each(|pod| pod.health = 0.7);
        }),
        ("rebalanced", Shape::small(), |world| world.rebalance(6_000)),
        ("metrics", with_metrics, |_| {}),
        ("user", with_user, |world| {
            let work = Work { user: [Some(0.03), None], ..Work::default() };
            world.canary().for_each(|pod| pod.work = work);
        }),
    ]
}

/// The sums of one trial: of the judge as it is saved, of all that it said, and of the trace.
fn line(name: &str, shape: Shape, change: fn(&mut World), seed: u64) -> String {
    let users = [siskin_analysis::UserMetric {
        name: USER[0].into(),
        rule: siskin_analysis::UserRule::Ratio,
    }];
    let users = if shape.user[0].is_some() { &users[..] } else { &[] };
    let settings = judged_by(shape, users);
    let mut trial = Trial::begin_by(&settings, shape, seed);
    let header = Header { rollout: "shop/orders".to_owned(), settings };
    let mut writer = Writer::new(Vec::new(), &header).expect("memory");
    let begin = Line::Mark { at: trial.world.now, mark: Mark::TrialStarted };
    writer.write(&begin).expect("memory");
    let mut saved = String::new();
    for minute in 0..10 {
        if minute == 3 {
            change(&mut trial.world);
        }
        trial.run_edited(MINUTE, |_, seen| {
            writer.write(&Line::Seen(seen.clone().into())).expect("memory");
        });
        saved.push_str(&trial.judge.save());
    }
    let said: String = trial.assessments.iter().map(ToString::to_string).collect();
    let trace = writer.into_inner();
    let sums = (sum(saved.as_bytes()), sum(said.as_bytes()), sum(&trace));
    format!("{name} {seed} {:016x} {:016x} {:016x}\n", sums.0, sums.1, sums.2)
}

#[test]
fn saved_judges_their_words_and_traces_are_the_bytes_that_were_frozen() {
    let seeds = [1, 2, 3];
    let lines: String = shapes()
        .iter()
        .flat_map(|(name, shape, change)| seeds.map(|seed| line(name, *shape, *change, seed)))
        .collect();
    assert_eq!(lines, FROZEN);
}
