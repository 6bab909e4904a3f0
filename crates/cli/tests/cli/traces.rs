//! Traces fetched through the API server's proxy, as files and on standard output.
//! The proxy answers as a script says: bytes are what they were there.

use serde_json::json;

use crate::cluster::{Cluster, on_trial};
use crate::command::folder;
use crate::doctor::install;

/// No text: bytes that no decoding leaves as they are.
const TRACE: &[u8] = b"\x1f\x8b\x08\x00\xff\xfe\x00trace\x80";

const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/siskin-system/leases/siskin-operator";

fn served(path: &str) -> String {
    format!("/api/v1/namespaces/siskin-system/pods/siskin-6d5f:8080/proxy{path}")
}

/// A cluster whose operator has the trace of shop/orders.
async fn cluster(test: &str) -> Cluster {
    let it = Cluster::with(test, on_trial()).await;
    install(&it.server);
    it.server.script(&served("/traces/shop/orders"), 200, "application/gzip", TRACE);
    it
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trace_is_written_as_it_came_and_over_nothing() {
    let it = cluster("traces").await;
    let folder = folder("traces-here");
    let get = |args: &[&str]| {
        let all = [&["trace", "get"], args].concat();
        let output = it.command(&all).current_dir(&folder).output().expect("it runs");
        (output.status.code(), output.stdout, String::from_utf8(output.stderr).expect("text"))
    };
    let (code, text, said) = get(&["orders"]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    let told = format!(
        "orders.jsonl.gz ({} bytes); judge it again: kubectl siskin replay orders.jsonl.gz\n",
        TRACE.len()
    );
    assert_eq!(text, told.as_bytes());
    let file = folder.join("orders.jsonl.gz");
    assert_eq!(std::fs::read(&file).expect("a file"), TRACE);

    std::fs::write(&file, "mine").expect("written");
    let (code, _, said) = get(&["orders"]);
    assert_eq!(code, Some(2));
    assert!(said.contains("orders.jsonl.gz is there already: name another one"), "{said}");
    assert_eq!(std::fs::read(&file).expect("a file"), b"mine");
    let (code, _, said) = get(&["deployment/orders", "--force"]);
    assert_eq!((code, said.as_str()), (Some(0), ""));
    assert_eq!(std::fs::read(&file).expect("a file"), TRACE);

    let (code, bytes, _) = get(&["orders", "--output", "-"]);
    assert_eq!((code, bytes.as_slice()), (Some(0), TRACE));
    let (code, _, said) = get(&["orders", "-o", "no/such/folder"]);
    assert_eq!(code, Some(2));
    assert!(said.starts_with("error: writing no/such/folder: "), "{said}");
    let (code, _, said) = get(&["../orders"]);
    assert_eq!(code, Some(2), "{said}");
    let (_, _, said) = get(&["or%2Fders"]);
    assert!(said.contains("or%2Fders is no name of a CanaryRollout"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn traces_are_listed() {
    let it = cluster("traces-list").await;
    let trace = |namespace: &str, state: &str, resumed: bool| {
        json!({
            "namespace": namespace, "name": "orders", "rolloutId": "00000000ab-3", "bytes": 73_412,
            "state": state, "resumed": resumed,
        })
    };
    let all = json!([trace("bank", "complete", true), trace("shop", "recording", false)]);
    it.server.script(&served("/traces"), 200, "application/json", all.to_string());
    let (code, text, _) = it.run(&["trace", "list"]);
    assert_eq!(code, Some(0));
    let expected = "NAMESPACE  NAME    ROLLOUT       BYTES  STATE
shop       orders  00000000ab-3  73412  recording
";
    assert_eq!(text, expected);
    let (_, text, _) = it.run(&["trace", "list", "-A"]);
    assert!(text.contains("bank       orders  00000000ab-3  73412  complete, resumed\n"), "{text}");
    let (code, text, said) = it.run(&["trace", "list", "-n", "empty"]);
    assert_eq!((code, text.as_str()), (Some(0), ""));
    assert_eq!(said, "no trace of a rollout in empty\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_the_way_of_a_trace_is_told_with_what_mends_it() {
    let it = cluster("traces-errors").await;
    let fails = |exit: i32, part: &str| {
        let (code, _, said) = it.run(&["trace", "get", "orders", "--output", "-"]);
        assert_eq!(code, Some(exit), "{said}");
        assert!(said.starts_with("error: ") && said.contains(part), "{part} in {said}");
    };
    let path = served("/traces/shop/orders");
    let words = "there is no trace of shop/orders: /traces lists those there are\n";
    it.server.script(&path, 404, "text/plain", words);
    fails(
        1,
        "there is no trace of shop/orders: /traces lists those there are. A trace begins with",
    );
    it.server.script(&path, 503, "text/plain", "four files are handed out\n");
    fails(2, "the operator answers 503: four files are handed out");
    let gone = json!({
        "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": 404, "reason": "NotFound",
        "message": "pods \"siskin-6d5f\" not found",
    });
    it.server.script(&path, 404, "application/json", gone.to_string());
    fails(2, "the leader siskin-6d5f that Lease siskin-system/siskin-operator names is gone");
    it.server.deny("get", "", "pods/proxy");
    fails(
        2,
        "--verb=get --resource=pods/proxy,leases.coordination.k8s.io && kubectl create rolebinding",
    );
    fails(2, "--role=siskin-traces --user=ada");
    it.server.change(LEASE, |it| it["spec"]["holderIdentity"] = json!(""));
    fails(2, "no operator leads: nobody holds Lease siskin-system/siskin-operator");
    it.server.delete(LEASE);
    fails(2, "no operator leads");
    it.server.deny("get", "coordination.k8s.io", "leases");
    fails(2, "kubectl create role siskin-traces -n siskin-system");
}
