//! `list`, `status` and `history`: what a person reads, and what is said where there is nothing to read.
//! Texts are compared where somebody may rely on them.

use serde_json::{Value, json};

use crate::cluster::{Cluster, on_trial, over, rollout};

#[tokio::test(flavor = "multi_thread")]
async fn a_list_is_of_the_namespace_or_of_all() {
    let it = Cluster::with("list", on_trial()).await;
    let other = "/apis/siskin.dev/v1alpha1/namespaces/bank/canaryrollouts/ledger";
    it.server.put(other, rollout("ledger", "bank"));
    let (code, text, _) = it.run(&["list"]);
    assert_eq!(code, Some(0));
    let mut lines = text.lines();
    let heads = lines.next().expect("heads");
    let expected =
        ["NAME", "PHASE", "STEP", "CANARY", "PRIMARY", "LAG", "VERDICT", "AGE", "MESSAGE"];
    assert_eq!(heads.split_whitespace().collect::<Vec<_>>(), expected);
    let line = lines.next().expect("a rollout");
    for cell in
        ["orders", "Progressing", "2/2", "3/3", "129/72", "Inconclusive", "too little traffic"]
    {
        assert!(line.contains(cell), "{cell}: {line}");
    }
    assert_eq!(lines.next(), None);
    let (_, all, _) = it.run(&["list", "-A"]);
    assert!(
        all.starts_with("NAMESPACE") && all.contains("bank") && all.contains("not seen it yet")
    );
    let (_, names, _) = it.run(&["list", "-A", "-o", "name"]);
    assert_eq!(names, "canaryrollout.siskin.dev/ledger\ncanaryrollout.siskin.dev/orders\n");
    let (code, nothing, said) = it.run(&["list", "-n", "empty"]);
    assert_eq!((code, nothing.as_str()), (Some(0), ""));
    assert_eq!(said, "no CanaryRollout in empty\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_status_says_what_happens_on_what_evidence_and_what_to_do() {
    let it = Cluster::with("status", on_trial()).await;
    it.server.put(
        "/api/v1/namespaces/shop/events/one",
        json!({
            "apiVersion": "v1", "kind": "Event", "metadata": {"name": "one", "namespace": "shop"},
            "involvedObject": {"kind": "CanaryRollout", "name": "orders"},
            "type": "Normal", "reason": "StepStarted", "message": "step 2/2",
        }),
    );
    let (code, text, said) = it.run(&["status", "deployment/orders"]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    for part in [
        "shop/orders  Progressing, step 2/2, Inconclusive\n  step 2/2, 3 canary pods: too little",
        "Deployment  orders, change 4f2a9c1\n",
        "Revision    00000000aa serves; the Deployment asks for 00000000ab\n",
        "Hold        4m of 10m, 6m left; the clock stands until the canary is ready",
        "Verdict     Inconclusive: too little traffic (on orders-7)\n",
        "Evidence    1.203 against the canary; it fails at 100.000\n",
        "Blind to    errors, latency\n",
        "canary   3     3      3        6           51.2   129  1m15s\n",
        "primary  3     3      3        6           ?      72   ?\n",
        "StepStarted",
        "  kubectl siskin approve orders -n shop   # let this step pass once it has proven itself\n",
    ] {
        assert!(text.contains(part), "{part} in\n{text}");
    }
    let (_, json, _) = it.run(&["status", "orders", "-o", "json"]);
    let object: Value = serde_json::from_str(&json).expect("JSON");
    assert_eq!(object["status"]["rolloutId"], "00000000ab-3");
    let (_, yaml, _) = it.run(&["status", "orders", "-o", "yaml"]);
    assert!(yaml.contains("rolloutId: 00000000ab-3"), "{yaml}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_there_is_told_with_what_to_look_at() {
    let it = Cluster::with("absent", on_trial()).await;
    for (args, said) in [
        (&["status", "carts"][..], "error: CanaryRollout shop/carts does not exist\n"),
        (
            &["status", "deployment/carts"],
            "error: no CanaryRollout of namespace shop is for Deployment carts; is -n right?\n",
        ),
        (&["status", "service/carts"], "service is neither canaryrollout nor deployment"),
        (&["list", "--kubeconfig", "/nowhere"], "error: the kubeconfig can't be used:"),
        (&["list", "--context", "three"], "three"),
        (&["list", "--as-group", "shop"], "--as <USER>"),
    ] {
        let (code, _, errors) = it.run(args);
        assert_eq!(code, Some(2), "{args:?}: {errors}");
        assert!(errors.contains(said), "{args:?}: {errors}");
    }
    let closed = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "it", "users": [],
        "clusters": [{"name": "it", "cluster": {"server": "http://127.0.0.1:1"}}],
        "contexts": [{"name": "it", "context": {"cluster": "it"}}],
    });
    std::fs::write(&it.kubeconfig, closed.to_string()).expect("written");
    let (code, _, errors) = it.run(&["list"]);
    assert_eq!(code, Some(2));
    assert!(errors.starts_with("error: http://127.0.0.1:1 does not answer: "), "{errors}");
}

#[tokio::test(flavor = "multi_thread")]
async fn history_has_the_outcome_and_the_reason() {
    let mut status = over("True", "Succeeded");
    status["history"] = json!([{
        "rolloutId": "00000000ab-3", "changeId": "4f2a9c1", "revision": "00000000ab",
        "outcome": "RolledBack", "cause": "Aborted", "by": "ada", "message": "pod orders-canary-1 crash-loops",
        "started": "2026-01-01T00:00:00Z", "finished": "2026-01-01T00:04:10Z",
    }]);
    let it = Cluster::with("history", status).await;
    let (code, text, _) = it.run(&["history", "orders"]);
    assert_eq!(code, Some(0));
    let line = text.lines().nth(1).expect("a rollout");
    assert!(
        line.ends_with(
            "4m10s  rolled back  00000000ab-3  4f2a9c1  ada  pod orders-canary-1 crash-loops"
        ),
        "{line}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_followed_status_is_a_line_for_each_change() {
    let it = Cluster::with("watch", on_trial()).await;
    let running = it.start(&["status", "orders", "--watch"]);
    let said = || running.line().split_once(' ').map(|it| it.1.to_owned());
    assert_eq!(
        said().as_deref(),
        Some(
            "shop/orders  Progressing, step 2/2, Inconclusive: step 2/2, 3 canary pods: too little traffic"
        )
    );
    it.say(over("True", "Succeeded"));
    assert_eq!(said().as_deref(), Some("shop/orders  Succeeded: it is over"));
}
