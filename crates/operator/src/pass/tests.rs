//! Whole passes against an API server in memory that refuses or drops what a test says.
//! No pod ever starts there, and no group is read: what is written, and how often, is looked at.

use std::collections::BTreeMap;
use std::sync::Arc;

use http::{Method, Request, Response, Uri};
use kube::Client;
use kube::client::Body;
use parking_lot::Mutex;
use serde_json::{Value, json};
use siskin_api::annotations::FINALIZER;
use siskin_kafka::{SampleError, Samplers};
use tower_test::mock;

use super::*;
use crate::cluster::calls::Cluster;
use crate::evidence::sampling::Sampling;
use crate::observe::autoscalers::Autoscalers;
use crate::observe::index::Index;
use crate::observe::pods::Pods;
use crate::observe::sight::Sight;
use crate::process::events::Events;
use crate::traces::shelf::Traces;

mod autoscaled;
mod fights;
mod process;
mod takeover;

const ROLLOUT: &str = "/apis/siskin.dev/v1alpha1/namespaces/shop/canaryrollouts/orders";
const STATUS: &str = "/apis/siskin.dev/v1alpha1/namespaces/shop/canaryrollouts/orders/status";
const DEPLOYMENTS: &str = "/apis/apps/v1/namespaces/shop/deployments";
const X: &str = "/apis/apps/v1/namespaces/shop/deployments/orders";
const PRIMARY: &str = "/apis/apps/v1/namespaces/shop/deployments/orders-primary";
const CANARY: &str = "/apis/apps/v1/namespaces/shop/deployments/orders-canary";

/// What the server stores, and how it behaves. Clones share it.
#[derive(Clone, Default)]
struct Server(Arc<Mutex<Stored>>);

#[derive(Default)]
struct Stored {
    objects: BTreeMap<String, Value>,
    version: u64,
    /// A refused method and path, with the server's code and words.
    refuses: Option<(Method, &'static str, u16, &'static str)>,
    /// What a body must hold to be refused; nothing: every one is.
    refused_part: &'static str,
    /// Fields of the status that its schema does not know.
    drops: &'static [&'static str],
    /// An annotation that a policy takes off whatever is written.
    strips: Option<&'static str>,
    /// Every status that was sent.
    statuses: Vec<Value>,
    /// Paths that were read since the last look at them.
    read: Vec<String>,
}

impl Server {
    /// A target that is ready to be adopted, and its rollout.
    fn start() -> (Self, Passes) {
        let server = Self::default();
        server.put(
            &format!("{DEPLOYMENTS}/orders"),
            json!({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": "orders", "namespace": "shop", "uid": "d", "generation": 1},
                "spec": {"replicas": 3, "selector": {"matchLabels": {"app": "orders"}}, "template": {
                    "metadata": {"labels": {"app": "orders"}},
                    "spec": {"containers": [{"name": "worker", "image": "v:1"}]},
                }},
                "status": {
                    "observedGeneration": 1, "replicas": 3, "updatedReplicas": 3,
                    "readyReplicas": 3, "availableReplicas": 3,
                    "conditions": [{"type": "Available", "status": "True"}],
                },
            }),
        );
        server.put(
            ROLLOUT,
            json!({
                "apiVersion": "siskin.dev/v1alpha1", "kind": "CanaryRollout",
                "metadata": {"name": "orders", "namespace": "shop", "uid": "r", "generation": 1},
                "spec": {
                    "targetRef": {"name": "orders"}, "strategy": {"steps": [{"weight": 10}]},
                    "analysis": {"kafka": {"bootstrapServers": ["k:1"], "consumerGroup": "orders"}},
                },
            }),
        );
        let passes = server.passes();
        (server, passes)
    }

    fn passes(&self) -> Passes {
        self.passes_and_autoscalers().0
    }

    /// With what the watches of autoscalers would fill.
    fn passes_and_autoscalers(&self) -> (Passes, Autoscalers) {
        self.passes_through(Gate::open("me"))
    }

    fn passes_through(&self, gate: Gate) -> (Passes, Autoscalers) {
        let (service, mut requests) = mock::pair::<Request<Body>, Response<Body>>();
        let server = self.clone();
        tokio::spawn(async move {
            while let Some((request, reply)) = requests.next_request().await {
                let (head, body) = request.into_parts();
                let body = body.collect_bytes().await.expect("a body in memory");
                let (code, answer) = server.answer(&head.method, &head.uri, &body);
                let answer = Body::from(serde_json::to_vec(&answer).expect("JSON"));
                let response = Response::builder().status(code).body(answer);
                reply.send_response(response.expect("a response"));
            }
        });
        let client = Client::new(service, "default");
        let (cluster, metrics) = (Cluster::new(client.clone()), Metrics::new());
        let sight = Sight::default();
        sight.regained();
        let away = |_: &_| {
            let (servers, detail) = ("k:1".to_owned(), "refused".to_owned());
            Err(SampleError::Unreachable { servers, detail })
        };
        let (sampling, _) = Sampling::new(Samplers::with_connector(away), Traces::default());
        let (autoscalers, index) = (Autoscalers::new(cluster.clone(), None), Index::default());
        let (events, _) = Events::new(client, "me", metrics.clone());
        let watched = autoscalers.clone();
        let passes = Passes {
            observer: Observer::new(cluster.clone(), Pods::new(sight), index, autoscalers),
            evidence: Weigher::new(cluster.clone(), sampling),
            writer: Writer::new(cluster, gate.clone(), metrics.clone()),
            reporter: Reporter::new(events, metrics.clone()),
            gate,
            metrics,
            memory: Memory::default(),
        };
        (passes, watched)
    }

    fn put(&self, path: &str, object: Value) -> Value {
        let mut stored = self.0.lock();
        stored.put(path, object)
    }

    /// Changes an object, as somebody else would.
    fn change(&self, path: &str, change: impl FnOnce(&mut Value)) {
        let mut object = self.get(path).expect("an object");
        change(&mut object);
        self.put(path, object);
    }

    /// Every Deployment is what it is asked to be.
    fn settle(&self) {
        for path in [X, PRIMARY, CANARY] {
            let Some(mut it) = self.get(path) else { continue };
            let count = it["spec"]["replicas"].clone();
            it["status"] = json!({
                "observedGeneration": it["metadata"]["generation"].as_i64().unwrap_or(0),
                "replicas": count, "updatedReplicas": count,
                "readyReplicas": count, "availableReplicas": count,
            });
            self.put(path, it);
        }
    }

    fn count(&self, path: &str) -> Value {
        self.get(path).map_or(Value::Null, |it| it["spec"]["replicas"].clone())
    }

    fn status(&self) -> Value {
        self.get(ROLLOUT).expect("a rollout")["status"].clone()
    }

    fn get(&self, path: &str) -> Option<Value> {
        self.0.lock().objects.get(path).cloned()
    }

    fn refuse(&self, refusal: Option<(Method, &'static str, u16, &'static str)>) {
        self.refuse_with("", refusal);
    }

    /// Refuses those requests alone whose body holds this.
    fn refuse_with(
        &self,
        part: &'static str,
        refusal: Option<(Method, &'static str, u16, &'static str)>,
    ) {
        let mut stored = self.0.lock();
        (stored.refuses, stored.refused_part) = (refusal, part);
    }

    /// Statuses that were sent since the last call.
    fn sent(&self) -> Vec<Value> {
        std::mem::take(&mut self.0.lock().statuses)
    }

    fn answer(&self, method: &Method, uri: &Uri, body: &[u8]) -> (u16, Value) {
        let path = uri.path();
        let is_dry = uri.query().is_some_and(|it| it.contains("dryRun=All"));
        let mut stored = self.0.lock();
        if method == Method::GET {
            stored.read.push(path.to_owned());
        }
        if path == STATUS {
            let change: Value = serde_json::from_slice(body).expect("JSON");
            let all = change.as_array().cloned().unwrap_or_default();
            let status = all.into_iter().find(|it| it["path"] == "/status");
            stored.statuses.extend(status.map(|it| it["value"].clone()));
        }
        if let Some((refused, at, code, words)) = &stored.refuses
            && (refused, *at) == (method, path)
            && String::from_utf8_lossy(body).contains(stored.refused_part)
        {
            let reason = if *code == 403 { "Forbidden" } else { "Invalid" };
            return failure(*code, reason, words);
        }
        let stored_at = path.trim_end_matches("/status").to_owned();
        match (method.as_str(), stored.objects.get(&stored_at).cloned()) {
            ("GET", Some(object)) => (200, object),
            ("GET", None) => stored.list(path),
            ("POST", None) => {
                let object: Value = serde_json::from_slice(body).expect("JSON");
                let name = object["metadata"]["name"].as_str().expect("a name").to_owned();
                (201, stored.put(&format!("{path}/{name}"), object))
            }
            ("PATCH", Some(mut object)) => {
                let change: json_patch::Patch = serde_json::from_slice(body).expect("a patch");
                if json_patch::patch(&mut object, &change).is_err() {
                    return failure(422, "Invalid", "the server rejected our request");
                }
                for field in stored.drops {
                    object["status"].as_object_mut().and_then(|it| it.remove(*field));
                }
                if let Some(key) = stored.strips {
                    object["metadata"]["annotations"].as_object_mut().map(|it| it.remove(key));
                }
                if is_dry {
                    return (200, object);
                }
                (200, stored.put(&stored_at, object))
            }
            _ => failure(404, "NotFound", "not found"),
        }
    }
}

impl Stored {
    fn put(&mut self, path: &str, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.objects.insert(path.to_owned(), object.clone());
        object
    }

    fn list(&self, path: &str) -> (u16, Value) {
        let items = self.objects.iter().filter(|(at, _)| at.starts_with(&format!("{path}/")));
        let items: Vec<_> = items.map(|(_, object)| object.clone()).collect();
        let known = ["controllerrevisions", "horizontalpodautoscalers", "/pods"];
        if items.is_empty() && !known.iter().any(|it| path.ends_with(it)) {
            return failure(404, "NotFound", "not found");
        }
        let metadata = json!({"resourceVersion": self.version.to_string()});
        (200, json!({"apiVersion": "v1", "kind": "List", "metadata": metadata, "items": items}))
    }
}

fn failure(code: u16, reason: &str, words: &str) -> (u16, Value) {
    let status = "Failure";
    (
        code,
        json!({"kind": "Status", "status": status, "code": code, "reason": reason, "message": words}),
    )
}

async fn pass(passes: &Passes) -> NextLook {
    let name = Name::new("shop", "orders");
    Box::pin(passes.pass(&name, Cause::Change)).await.expect("a pass that ends")
}

/// Status of a condition in a status.
fn condition<'a>(status: &'a Value, type_: &str) -> Option<&'a str> {
    let all = status["conditions"].as_array()?;
    all.iter().find(|it| it["type"] == type_)?["status"].as_str()
}

const DENIED: &str = "admission webhook \"labels.example.com\" denied the request: no owner label";

#[tokio::test]
async fn a_write_that_is_refused_twice_in_a_row_makes_the_rollout_stalled_and_one_that_is_made_ends_it()
 {
    let (server, passes) = Server::start();
    server.refuse(Some((Method::POST, DEPLOYMENTS, 403, DENIED)));
    for _ in 0..3 {
        pass(&passes).await;
    }
    let sent = server.sent();
    let refused: Vec<_> =
        sent.iter().filter(|it| condition(it, "WritesAccepted") == Some("False")).collect();
    assert_eq!(condition(refused[0], "Stalled"), None, "once may be a hiccup: {sent:?}");
    let last = refused.last().expect("a refusal");
    assert_eq!(condition(last, "Stalled"), Some("True"));
    assert!(last["message"].as_str().is_some_and(|it| it.contains("no owner label")), "{last}");
    server.refuse(None);
    for _ in 0..2 {
        pass(&passes).await;
    }
    let sent = server.sent();
    let last = sent.last().expect("it is told");
    assert_eq!(condition(last, "Stalled"), None, "{last}");
    assert!(server.get(&format!("{DEPLOYMENTS}/orders-primary")).is_some());
}

#[tokio::test]
async fn a_refused_status_stops_no_effect_is_tried_again_at_a_low_rate_and_is_written_when_it_may_be()
 {
    let (server, passes) = Server::start();
    server.refuse(Some((Method::PATCH, STATUS, 422, "status.phase: Unsupported value")));
    for _ in 0..4 {
        let next = pass(&passes).await;
        assert!(matches!(next, NextLook::At { .. }), "{next:?}");
    }
    let tried = server.sent().len();
    assert!((1..=8).contains(&tried), "{tried} statuses in four passes");
    let finalizers = server.get(ROLLOUT).expect("a rollout")["metadata"]["finalizers"].clone();
    assert_eq!(finalizers, json!([FINALIZER]), "effects are made all the same");
    server.refuse(None);
    pass(&passes).await;
    assert!(server.get(ROLLOUT).expect("a rollout")["status"]["phase"].is_string());
}

#[tokio::test]
async fn a_status_of_which_an_older_definition_keeps_a_part_is_not_written_again_and_again() {
    let (server, passes) = Server::start();
    server.0.lock().drops = &["summary", "revisions", "adopted"];
    for _ in 0..3 {
        pass(&passes).await;
    }
    let first = server.sent();
    let last = first.last().expect("a status");
    assert_eq!(condition(last, "WritesAccepted"), Some("False"), "it is told: {last}");
    for _ in 0..10 {
        pass(&passes).await;
    }
    let again = server.sent().len();
    assert_eq!(again, 0, "nothing has changed since");
}

#[tokio::test]
async fn what_is_asked_for_meanwhile_is_tried_before_a_refused_write_is_due_again() {
    let (server, passes) = Server::start();
    server.refuse(Some((Method::POST, DEPLOYMENTS, 403, DENIED)));
    let mut waits = Duration::ZERO;
    for _ in 0..8 {
        let NextLook::At { after, .. } = pass(&passes).await else { panic!("it is tried again") };
        assert!(after <= Duration::from_secs(30), "a policy that has changed is found: {after:?}");
        waits = waits.max(after);
    }
    assert!(Duration::from_secs(16) <= waits, "{waits:?}");
    server.refuse(None);
    server.change(ROLLOUT, |it| {
        it["spec"]["strategy"]["steps"] = json!([{"weight": 20}]);
        it["metadata"]["generation"] = json!(2);
    });
    pass(&passes).await;
    assert!(server.get(PRIMARY).is_some(), "the wait holds no look that is asked for");
}
