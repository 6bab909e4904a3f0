//! Who waits for whom while evidence is looked into. No source is asked.

use std::sync::mpsc::channel;
use std::thread;

use siskin_kafka::SampleError;

use super::*;
use crate::apply::effects::tests::world;

/// Longer than any machine takes for two locks.
const LONG: Duration = Duration::from_secs(20);

/// The evidence of two rollouts, and their worlds.
fn two() -> (Sampling, [World; 2]) {
    let away = |_: &ClusterConfig| Err(SampleError::UnknownGroup { group: "orders".to_owned() });
    let (sampling, _) = Sampling::new(Samplers::with_connector(away), Traces::default());
    let worlds = ["orders", "payments"].map(|it| World { name: Name::new("shop", it), ..world() });
    for world in &worlds {
        let cluster = ClusterConfig::new(["k:1".to_owned()], None).expect("an address");
        let (group, topics) = ("orders".to_owned(), Topics::AllAssigned);
        let sampled = Sampled {
            uid: world.uid.clone(),
            source: Arc::new(Source { cluster, group, topics, interval: Duration::from_secs(10) }),
            target: world.target_name().into(),
            metrics: None,
            hurry: Hurry::default(),
            scrapes: Scrapes::default(),
            evidence: RolloutEvidence::new(10_000, Traces::default().recorder(&world.name)),
        };
        sampling.rollouts.insert(&world.name, Arc::new(Mutex::new(sampled)));
    }
    (sampling, worlds)
}

/// A new judge reads the record of half an hour to its end, in one look.
#[test]
fn a_look_into_the_evidence_of_one_rollout_keeps_no_other_waiting() {
    let (sampling, [orders, payments]) = two();
    let (done, answer) = channel();
    thread::spawn(move || {
        let other = sampling.with(&orders, |_| {
            let other = sampling.with(&payments, |it| it.is_awaited());
            sampling.forget(&payments.name);
            other
        });
        done.send(other).ok();
    });
    assert_eq!(answer.recv_timeout(LONG), Ok(Some(Some(false))), "it waits for ever");
}
