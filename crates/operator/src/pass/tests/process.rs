//! A pass while the gate shuts, and what is left in the process of a rollout that is gone. The server is in memory.

use tokio::time::Instant as TokioInstant;

use super::*;
use crate::process::gate::{Epoch, WRITE_MARGIN};

#[tokio::test]
async fn a_gate_that_is_about_to_shut_or_is_crowded_asks_for_the_look_again() {
    let (server, _) = Server::start();
    let name = Name::new("shop", "orders");
    let look = async |gate| {
        let (passes, _) = server.passes_through(gate);
        Box::pin(passes.pass(&name, Cause::Change)).await.expect("a pass that ends")
    };
    let (keeper, gate) = Gate::shut();
    assert_eq!(look(gate.clone()).await, NextLook::WhenAsked, "another leads");
    let epoch = Epoch::new(1, "me");
    let now = TokioInstant::now;
    keeper.open(&epoch, now() + WRITE_MARGIN / 2);
    assert_eq!(look(gate.clone()).await, NextLook::AfterGate, "its lease may be renewed yet");
    keeper.open(&epoch, now() + Duration::from_secs(60));
    let mut writes: Vec<_> = std::iter::from_fn(|| gate.check().ok()).collect();
    assert_eq!(look(gate.clone()).await, NextLook::AfterGate, "{} are under way", writes.len());
    writes.clear();
    assert!(server.get(ROLLOUT).expect("a rollout")["status"].is_null(), "nothing was written");
    assert!(matches!(look(gate.clone()).await, NextLook::At { .. }));
    keeper.close();
    assert_eq!(look(gate).await, NextLook::WhenAsked, "it will not lead again");
}

#[tokio::test]
async fn of_a_rollout_that_is_gone_nothing_is_remembered() {
    let (server, passes) = Server::start();
    let (name, secret) = (Name::new("shop", "orders"), "/api/v1/namespaces/shop/secrets/login");
    let data =
        json!({"username": "YQ==", "password": "YQ==", "sasl.mechanism": "U0NSQU0tU0hBLTI1Ng=="});
    server.put(
        secret,
        json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "login"}, "data": data}),
    );
    server.change(ROLLOUT, |it| {
        let analysis = &mut it["spec"]["analysis"];
        analysis["kafka"]["credentialsSecretRef"] = json!({"name": "login"});
        analysis["prometheus"] =
            json!({"address": "http://p:9090", "allowPlainHttp": true, "credentialsSecretRef": {"name": "login"}});
    });
    server.0.lock().drops = &["summary"];
    for _ in 0..6 {
        pass(&passes).await;
    }
    passes.observer.expect(std::slice::from_ref(&name));
    let known = passes.remembers(&name);
    assert!(known.iter().all(|it| *it), "the test tests something: {known:?}");
    server.0.lock().objects.remove(ROLLOUT);
    assert_eq!(pass(&passes).await, NextLook::WhenAsked);
    let known = passes.remembers(&name);
    assert!(known.iter().all(|it| !it), "{known:?}");
}
