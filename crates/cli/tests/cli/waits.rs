//! `wait` on a real program: each exit code, and results of the version before.
//! Orders by the thousand are tried on the decision alone.

use serde_json::{Value, json};

use crate::cluster::{Cluster, DEPLOYMENT, on_trial, over};

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_ends_with_the_code_of_its_end() {
    let it = Cluster::with("wait", over("True", "Succeeded")).await;
    let wait = ["wait", "deployment/orders", "--timeout", "1s"];
    assert_eq!(
        it.run(&wait),
        (Some(0), "shop/orders promoted: it is over\n".into(), String::new())
    );
    it.say(over("False", "Failed"));
    let (code, text, _) = it.run(&wait);
    assert_eq!((code, text.as_str()), (Some(1), "shop/orders not promoted: it is over\n"));
    let mut paused = on_trial();
    paused["phase"] = json!("Paused");
    it.say(paused);
    let (code, text, _) = it.run(&wait);
    assert_eq!(code, Some(3));
    assert!(text.contains("needs you") && text.contains("kubectl siskin approve orders"), "{text}");
    it.say(on_trial());
    let (code, text, said) = it.run(&wait);
    assert_eq!((code, text.lines().count()), (Some(124), 1), "told once: {text}");
    assert!(said.starts_with("error: not over after 1s: step 2/2"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wait_takes_no_result_of_the_version_before() {
    let it = Cluster::with("race", over("True", "Succeeded")).await;
    it.server.change(DEPLOYMENT, |it| {
        it["spec"]["template"]["spec"]["containers"] = json!([{"name": "worker", "image": "v:2"}]);
    });
    let running = it.start(&["wait", "deployment/orders", "--timeout", "60s"]);
    assert_eq!(running.line(), "waiting: the operator has not seen the change yet");
    it.say(over("False", "Failed"));
    assert_eq!(running.end(), (Some(1), vec!["shop/orders not promoted: it is over".to_owned()]));

    let named = ["wait", "deployment/orders", "--change-id", "4f2a9c1", "--timeout", "60s"];
    let running = it.start(&named);
    assert_eq!(
        running.line(),
        "waiting: Deployment orders does not carry change-id 4f2a9c1 yet, but none"
    );
    it.server.change(DEPLOYMENT, |it| {
        it["metadata"]["annotations"] = json!({"siskin.dev/change-id": "4f2a9c1"});
    });
    it.say(over("True", "Succeeded"));
    let (code, said) = running.end();
    assert_eq!(
        (code, said.last().map(String::as_str)),
        (Some(0), Some("shop/orders promoted: it is over"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn suspend_and_resume_wait_until_they_are_seen() {
    let it = Cluster::with("suspend", on_trial()).await;
    let suspended = |it: &Value| it["spec"]["suspend"] == json!(true);
    let args = ["suspend", "orders", "--timeout", "60s"];
    let (code, text, _) = it.run_while(&args, suspended, |it| it.say(on_trial()));
    assert_eq!(code, Some(0));
    assert!(text.starts_with("suspended: nothing goes forward"), "{text}");
    let (code, _, said) = it.run(&["resume", "orders", "--timeout", "1s"]);
    assert_eq!(
        (code, said.as_str()),
        (Some(124), "error: spec.suspend is false, but not seen after 1s\n")
    );
}
