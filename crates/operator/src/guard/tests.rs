//! The keeper against a scripted API server that does not answer a namespace's writes, or answers late.
//! What a `CanaryGuard` says is looked at in `apply`.

use futures::channel::mpsc::{UnboundedReceiver, UnboundedSender, unbounded};
use http::{Method, Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use siskin_api::CanaryRollout;
use tokio::time::timeout;
use tower_test::mock::{self, SendResponse};

use super::*;
use crate::process::metrics::Metrics;

type Reply = SendResponse<Response<Body>>;

/// A write that the server was asked for.
struct AskedWrite {
    method: Method,
    path: String,
    body: Value,
    reply: Reply,
}

/// A keeper of what `guarded` says, under a server that has no guard and whose watch tells nothing.
fn keeper(guarded: &Guarded) -> UnboundedReceiver<AskedWrite> {
    let (service, mut requests) = mock::pair::<Request<Body>, Response<Body>>();
    let (asked, requested): (UnboundedSender<AskedWrite>, _) = unbounded();
    tokio::spawn(async move {
        let mut silent = vec![];
        while let Some((request, reply)) = requests.next_request().await {
            let (head, body) = request.into_parts();
            let watches = head.uri.query().is_some_and(|it| it.contains("watch=true"));
            match (head.method == Method::GET, watches) {
                (true, true) => silent.push(reply),
                (true, false) => answer(
                    reply,
                    &json!({
                        "apiVersion": "v1", "kind": "List",
                        "metadata": {"resourceVersion": "1"}, "items": [],
                    }),
                ),
                (false, _) => {
                    let body = body.collect_bytes().await.expect("a body in memory");
                    let body = serde_json::from_slice(&body).expect("JSON");
                    let (method, path) = (head.method, head.uri.path().to_owned());
                    asked.unbounded_send(AskedWrite { method, path, body, reply }).ok();
                }
            }
        }
    });
    let cluster = Cluster::new(Client::new(service, "default"));
    let (guarded, gate) = (guarded.clone(), Gate::open("me"));
    let writer = Writer::new(cluster.clone(), gate.clone(), Metrics::new());
    tokio::spawn(GuardKeeper { cluster, namespace: None, guarded, writer, gate }.run());
    requested
}

fn answer(reply: Reply, body: &Value) {
    reply.send_response(Response::new(body.to_string().into_bytes().into()));
}

fn adopted(namespace: &str, name: &str) -> CanaryRollout {
    let object = json!({
        "metadata": {"name": name, "namespace": namespace, "uid": format!("uid-{name}")},
        "spec": {
            "targetRef": {"name": name}, "strategy": {"steps": [{"weight": 50}]},
            "analysis": {"kafka": {"bootstrapServers": ["k:9092"], "consumerGroup": "g"}},
        },
        "status": {"adopted": true},
    });
    serde_json::from_value(object).expect("a rollout")
}

/// The next write, if one is made within this time.
async fn next(writes: &mut UnboundedReceiver<AskedWrite>, seconds: u64) -> Option<AskedWrite> {
    timeout(Duration::from_secs(seconds), writes.next()).await.ok().flatten()
}

/// What the server makes of a guard that it was asked to create.
fn created(write: &AskedWrite, version: &str) -> Value {
    let mut guard = write.body.clone();
    guard["metadata"]["resourceVersion"] = json!(version);
    guard
}

#[tokio::test(start_paused = true)]
async fn a_write_that_hangs_in_one_namespace_holds_up_none_of_another() {
    let guarded = Guarded::default();
    guarded.note(&adopted("slow", "orders"));
    guarded.listed(&[]);
    let mut writes = keeper(&guarded);
    let hanging = next(&mut writes, 10).await.expect("a write");
    assert!(hanging.path.contains("/slow/"), "{}", hanging.path);
    guarded.note(&adopted("shop", "orders"));
    let first = next(&mut writes, 5).await.expect("it waits for no other namespace");
    assert_eq!((first.path.contains("/shop/"), &first.method), (true, &Method::POST));
    let guard = created(&first, "5");
    answer(first.reply, &guard);
    guarded.note(&adopted("shop", "bills"));
    let second = next(&mut writes, 5).await.expect("a change while the other hangs");
    assert_eq!((second.path.contains("/shop/"), &second.method), (true, &Method::PATCH));
    assert!(second.body.to_string().contains("bills"), "{}", second.body);
    let again = next(&mut writes, 60).await.map(|it| it.path.contains("/slow/"));
    assert_eq!(again, Some(true), "given up, and tried again");
}

#[tokio::test(start_paused = true)]
async fn what_changes_during_a_write_is_written_after_it_and_never_beside_it() {
    let guarded = Guarded::default();
    guarded.note(&adopted("shop", "orders"));
    guarded.listed(&[]);
    let mut writes = keeper(&guarded);
    let first = next(&mut writes, 10).await.expect("a write");
    guarded.note(&adopted("shop", "bills"));
    assert!(next(&mut writes, 10).await.is_none(), "one write of an object at a time");
    let guard = created(&first, "5");
    answer(first.reply, &guard);
    let second = next(&mut writes, 10).await.expect("a change during the write");
    assert_eq!(second.method, Method::PATCH, "onto what was written");
    assert!(second.body.to_string().contains("\"5\""), "{}", second.body);
}

#[test]
fn what_the_watch_shows_during_a_write_has_the_last_word() {
    let guard = |version: &str| {
        let mut guard = CanaryGuard::new(GUARD, siskin_api::CanaryGuardSpec::default());
        guard.metadata.resource_version = Some(version.to_owned());
        guard
    };
    let targets = GuardedTargets::new();
    let version = |it: &Kept| it.seen.as_ref()?.metadata.resource_version.clone();
    let mut kept = Kept { under_way: UnderWay::Write, ..Kept::default() };
    kept.written("shop", &targets, Ok(Some(guard("5"))));
    assert_eq!((version(&kept).as_deref(), kept.due), (Some("5"), None));
    kept.under_way = UnderWay::Write;
    kept.see(guard("7"), &targets);
    kept.written("shop", &targets, Ok(Some(guard("6"))));
    assert_eq!(version(&kept).as_deref(), Some("7"), "somebody has edited it since");
    assert!(kept.may_be_due().is_some(), "it is compared once more");
}
