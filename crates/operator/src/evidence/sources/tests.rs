//! Which group is read while a spec is edited in the middle of a trial. No Secret is read.

use http::{Request, Response};
use jiff::Timestamp;
use kube::Client;
use kube::client::Body;
use tower_test::mock;

use super::*;
use crate::apply::effects::tests::world;
use crate::cluster::calls::Cluster;

/// The source of this world, which needs no call.
async fn source_of(world: &World) -> Source {
    let (service, _server) = mock::pair::<Request<Body>, Response<Body>>();
    let cluster = Cluster::new(Client::new(service, "default"));
    let context = ReadContext { cluster: &cluster, name: &world.name, now: Timestamp::UNIX_EPOCH };
    kafka_source(context, &PerRollout::default(), world).await.expect("a source")
}

#[tokio::test]
async fn an_edited_spec_changes_no_source_while_the_plan_is_frozen() {
    let mut world = world();
    let frozen = source_of(&world).await;
    let analysis = &mut world.rollout.spec.analysis;
    analysis.kafka.consumer_group = "payments".to_owned();
    analysis.kafka.bootstrap_servers = vec!["other:1".to_owned()];
    analysis.interval = "20s".parse().expect("a time");
    assert_eq!(source_of(&world).await, frozen);
    // A plan of an operator that did not freeze it.
    world.plan.kafka = None;
    assert_eq!(source_of(&world).await.group, "payments");
}
