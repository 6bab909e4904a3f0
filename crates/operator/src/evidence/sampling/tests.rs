//! Who waits for whom while evidence is looked into, and what is kept when credentials change. No
//! source is asked.

use std::collections::BTreeMap;
use std::sync::mpsc::channel;
use std::thread;

use siskin_kafka::{SampleError, Security};

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

/// The group `orders`, read with this password.
fn source(server: &str, password: &str) -> Source {
    let secret = [("sasl.mechanism", "SCRAM-SHA-512"), ("username", "u"), ("password", password)];
    let secret = secret.map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec()));
    let security = Security::from_secret(&BTreeMap::from(secret)).expect("credentials");
    let cluster = ClusterConfig::new([server.to_owned()], Some(security)).expect("an address");
    let (group, topics) = ("orders".to_owned(), Topics::AllAssigned);
    Source { cluster, group, topics, interval: Duration::from_secs(10) }
}

#[tokio::test]
async fn a_rotated_password_keeps_the_record_and_another_cluster_does_not() {
    let away = |_: &ClusterConfig| Err(SampleError::UnknownGroup { group: "orders".to_owned() });
    let (sampling, mut feeds) = Sampling::new(Samplers::with_connector(away), Traces::default());
    let world = World { name: Name::new("shop", "orders"), ..world() };
    let marked = || sampling.with(&world, |it| it.is_awaited());
    sampling.ensure(&world, source("k:1", "old"), None);
    sampling.with(&world, |it| it.hold(true));
    let old = feeds.recv().await.expect("a feed");

    sampling.ensure(&world, source("k:1", "new"), None);
    assert_eq!(marked(), Some(true), "what was gathered is still there");
    let new = feeds.recv().await.expect("the feed with the new password");
    assert!(sampling.fed(&old, |_| ()).is_none() && sampling.fed(&new, |_| ()).is_some());
    sampling.ensure(&world, source("k:1", "new"), None);
    assert!(feeds.try_recv().is_err(), "nothing has changed");

    sampling.ensure(&world, source("other:1", "new"), None);
    assert_eq!(marked(), Some(false), "another cluster, another record");
}
