//! Somebody who changes a child again and again: answered at once, then at a bounded rate.
//! What saves consumers from a version that failed never waits.

use siskin_api::annotations::command;

use super::takeover::Trial;
use super::*;

/// Gives a child another count, as a field manager of its own.
fn scale(server: &Server, path: &str, replicas: u32) {
    server.change(path, |it| {
        it["spec"]["replicas"] = json!(replicas);
        it["metadata"]["managedFields"] = json!([{
            "manager": "downscaler", "operation": "Update", "apiVersion": "apps/v1",
            "fieldsType": "FieldsV1", "fieldsV1": {"f:spec": {"f:replicas": {}}},
        }]);
    });
}

fn set_image(server: &Server, path: &str) {
    server.change(path, |it| {
        it["spec"]["template"]["spec"]["containers"][0]["image"] = json!("mirror/v:1");
    });
}

/// How often a child was put right when it was changed ten times in a row, a pass after each.
async fn answered(server: &Server, passes: &Passes, change: impl Fn(&Server)) -> u32 {
    let mut repairs = 0;
    for _ in 0..10 {
        change(server);
        let changed = [PRIMARY, CANARY].map(|it| server.get(it));
        let next = pass(passes).await;
        let repaired = changed != [PRIMARY, CANARY].map(|it| server.get(it));
        repairs += u32::from(repaired);
        let NextLook::At { after, cause } = next else { panic!("nobody looks again") };
        let is_soon = cause == Cause::Change && after <= Duration::from_secs(5);
        assert!(repaired || is_soon, "the rest is put right by itself: {next:?}");
    }
    repairs
}

async fn at_rest() -> (Server, Passes) {
    let (server, passes) = Server::start();
    for _ in 0..12 {
        pass(&passes).await;
        server.settle();
    }
    assert_eq!(server.status()["phase"], "Initialized", "{}", server.status());
    (server, passes)
}

#[tokio::test]
async fn a_child_that_is_changed_again_and_again_is_repaired_at_a_bounded_rate() {
    let (server, passes) = at_rest().await;
    assert_eq!(answered(&server, &passes, |it| scale(it, PRIMARY, 1)).await, 1);
    let (server, passes) = at_rest().await;
    assert_eq!(answered(&server, &passes, |it| set_image(it, PRIMARY)).await, 1);
    let trial = Trial::under_way(|_| {}).await;
    let passes = trial.server.passes();
    assert_eq!(answered(&trial.server, &passes, |it| scale(it, CANARY, 2)).await, 1);
}

#[tokio::test]
async fn a_canary_that_somebody_fights_for_goes_at_once_when_it_is_given_up() {
    let trial = Trial::under_way(|_| {}).await;
    let passes = trial.server.passes();
    answered(&trial.server, &passes, |it| scale(it, PRIMARY, 1)).await;
    answered(&trial.server, &passes, |it| scale(it, CANARY, 2)).await;
    trial.order(command::ABORT);
    for _ in 0..3 {
        scale(&trial.server, CANARY, 2);
        scale(&trial.server, PRIMARY, 1);
        pass(&passes).await;
        assert_eq!(trial.counts(), [0, 3, 0], "each time: {}", trial.server.status());
    }
}
