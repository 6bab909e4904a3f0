//! Orders: the annotation with the ids of the status, the question before, the answer after.
//! A thread answers in the place of the operator.

use std::time::Duration;

use serde_json::{Value, json};

use crate::cluster::{Cluster, DEPLOYMENT, PRIMARY, ROLLOUT, on_trial, over};

/// Answers a command in the status, as the operator does.
fn answers(
    outcome: &'static str,
    command: &'static str,
    key: &'static str,
) -> impl FnOnce(&Cluster) {
    move |it| {
        it.server.change(ROLLOUT, |it| {
            let value = it["metadata"]["annotations"][key].clone();
            it["status"]["commands"] =
                json!([{"command": command, "value": value, "outcome": outcome}]);
        });
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_is_given_with_the_id_of_the_attempt_and_answered() {
    let it = Cluster::with("abort", on_trial()).await;
    let key = "siskin.dev/abort";
    let given = |it: &Value| it["metadata"]["annotations"]["siskin.dev/abort"].is_string();
    let answer = answers("Consumed", "Abort", key);
    let (code, text, said) = it.run_while(&["abort", "orders", "--timeout", "60s"], given, answer);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(
        text.starts_with("siskin.dev/abort=00000000ab-3 was answered: it is followed\n"),
        "{text}"
    );
    let (code, text, _) = it.run(&["abort", "orders"]);
    assert_eq!(code, Some(0));
    assert!(text.contains("was answered before"), "{text}");
    let approved = |it: &Value| it["metadata"]["annotations"]["siskin.dev/approve"].is_string();
    let answer = answers("Stale", "Approve", "siskin.dev/approve");
    let (code, text, _) =
        it.run_while(&["approve", "orders", "--timeout", "60s"], approved, answer);
    assert_eq!(code, Some(1));
    assert!(
        text.contains("siskin.dev/approve=00000000ab-3/2 was answered: it is of another"),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_nobody_answers_is_told_with_the_way_back() {
    let it = Cluster::with("silent", on_trial()).await;
    let (code, _, said) = it.run(&["abort", "orders", "--timeout", "1s"]);
    assert_eq!(code, Some(124));
    assert!(
        said.contains("kubectl annotate canaryrollout/orders -n shop siskin.dev/abort-"),
        "{said}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_skips_a_comparison_needs_a_yes_where_nobody_can_be_asked() {
    let it = Cluster::with("yes", on_trial()).await;
    let before = (it.server.get(ROLLOUT), it.server.get(DEPLOYMENT));
    for args in [
        &["promote", "orders"][..],
        &["promote", "orders", "--full"],
        &["bypass", "orders", "--reason", "INC-1"],
    ] {
        let (code, _, said) = it.run(args);
        assert_eq!(code, Some(2), "{args:?}");
        assert!(said.contains("there is no terminal to ask on, so it needs --yes"), "{said}");
    }
    assert_eq!((it.server.get(ROLLOUT), it.server.get(DEPLOYMENT)), before, "nothing was written");
    let given = |it: &Value| it["metadata"]["annotations"]["siskin.dev/promote"].is_string();
    let answer = answers("Consumed", "Promote", "siskin.dev/promote");
    let args = ["promote", "orders", "--full", "--yes", "--timeout", "60s"];
    let (code, text, _) = it.run_while(&args, given, answer);
    assert_eq!(code, Some(0));
    assert!(text.starts_with("siskin.dev/promote=00000000ab-3/full was answered"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bypass_is_of_one_version_and_its_reason_serves_once() {
    let it = Cluster::with("bypass", on_trial()).await;
    let args = ["bypass", "orders", "--reason", "INC-1", "--yes", "--timeout", "60s"];
    let (code, text, _) = it.run_while(
        &args,
        |_| true,
        |it| {
            while it.server.get(DEPLOYMENT).expect("it is there")["metadata"]["annotations"]
                .is_null()
            {
                std::thread::sleep(Duration::from_millis(10));
            }
            it.server.change(PRIMARY, |it| {
                it["metadata"]["annotations"] = json!({"siskin.dev/bypass-consumed": "INC-1"});
            });
        },
    );
    assert_eq!(code, Some(0));
    assert!(
        text.starts_with("followed: the version that waits now of Deployment orders"),
        "{text}"
    );
    let annotations = &it.server.get(DEPLOYMENT).expect("it is there")["metadata"]["annotations"];
    assert_eq!(annotations["siskin.dev/bypass"], "INC-1");
    let (code, _, said) = it.run(&args);
    assert_eq!(code, Some(2));
    assert!(said.contains("give another one"), "{said}");
    it.say(over("True", "Succeeded"));
    let (code, text, _) = it.run(&["bypass", "orders", "--reason", "INC-2", "--yes"]);
    assert_eq!(code, Some(0));
    assert!(text.starts_with("noted on Deployment orders: the next version applied"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn undo_puts_the_template_that_serves_back_into_the_deployment() {
    let it = Cluster::with("undo", on_trial()).await;
    let template = json!({"metadata": {"labels": {"app": "orders"}}, "spec": {"containers": [{"name": "worker", "image": "v:1"}]}});
    let (code, _, said) = it.run(&["undo", "orders"]);
    assert_eq!(code, Some(2), "{said}");
    assert!(said.contains("the template of revision 00000000aa is not kept any more"), "{said}");
    it.server.put(
        "/apis/apps/v1/namespaces/shop/controllerrevisions/orders-00000000aa",
        json!({
            "apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": 1, "data": template,
            "metadata": {
                "name": "orders-00000000aa", "namespace": "shop", "labels": {"siskin.dev/target": "orders"},
            },
        }),
    );
    let (code, text, said) = it.run(&["undo", "orders"]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert!(
        text.starts_with("Deployment orders asks for revision 00000000aa again: it serves"),
        "{text}"
    );
    let deployment = it.server.get(DEPLOYMENT).expect("it is there");
    assert_eq!(deployment["spec"]["template"], template);
}
