//! An API server in memory, on loopback, that answers every request and notes the right that each takes.
//! Grants everything but what a test denies: what is granted in a cluster is compared afterwards.

use std::collections::{BTreeMap, BTreeSet};
use std::convert::Infallible;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use axum::{Router, serve};
use futures::{StreamExt as _, stream};
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::asked::{Asked, Right};
use crate::store::{Change, Refusal, Store};

/// Clones share what is stored.
#[derive(Clone)]
pub struct Server {
    address: SocketAddr,
    shared: Arc<Shared>,
}

struct Shared {
    store: Mutex<Store>,
    used: Mutex<BTreeSet<Right>>,
    denied: Mutex<BTreeSet<Right>>,
    /// Answers by path, instead of those that follow from the objects.
    scripted: Mutex<BTreeMap<String, ScriptedAnswer>>,
    /// Paths of objects and collections that were given out with more than their metadata.
    given: Mutex<BTreeSet<String>>,
    /// The version of the store, for those who wait for another one.
    newest: watch::Sender<u64>,
}

/// An answer as it stands.
#[derive(Clone)]
struct ScriptedAnswer {
    code: u16,
    media_type: &'static str,
    body: Vec<u8>,
}

impl Server {
    /// A server without objects, on a free port, for as long as the runtime lives.
    pub async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let (newest, _) = watch::channel(0);
        let shared = Shared {
            store: Mutex::default(),
            used: Mutex::default(),
            denied: Mutex::default(),
            scripted: Mutex::default(),
            given: Mutex::default(),
            newest,
        };
        let server = Self { address, shared: Arc::new(shared) };
        let router = Router::new().fallback(answer).with_state(server.clone());
        tokio::spawn(async move { serve(listener, router).await });
        server
    }

    /// Where it listens, as a client's configuration has it.
    #[must_use]
    pub fn address(&self) -> String {
        format!("http://{}", self.address)
    }

    /// A kubeconfig with one context, `it`, in this namespace.
    #[must_use]
    pub fn kubeconfig(&self, namespace: &str) -> Value {
        json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "it",
            "clusters": [{"name": "it", "cluster": {"server": self.address()}}],
            "users": [{"name": "it", "user": {}}],
            "contexts": [{
                "name": "it", "context": {"cluster": "it", "user": "it", "namespace": namespace},
            }],
        })
    }

    /// Every right that a request took.
    #[must_use]
    pub fn used(&self) -> BTreeSet<Right> {
        self.shared.used.lock().clone()
    }

    /// Denies a right from here on: to whoever asks for it, and in access reviews.
    pub fn deny(&self, verb: &str, group: &str, resource: &str) {
        let [verb, group, resource] = [verb, group, resource].map(ToOwned::to_owned);
        self.shared.denied.lock().insert(Right { verb, group, resource });
    }

    /// Answers whatever is asked of this path like that, as a proxy or a missing kind does.
    pub fn script(
        &self,
        path: &str,
        code: u16,
        media_type: &'static str,
        body: impl Into<Vec<u8>>,
    ) {
        let answer = ScriptedAnswer { code, media_type, body: body.into() };
        self.shared.scripted.lock().insert(path.to_owned(), answer);
    }

    /// Whether the object or the collection at this path was given out with more than its metadata.
    #[must_use]
    pub fn has_given(&self, path: &str) -> bool {
        self.shared.given.lock().contains(path)
    }

    /// The object at this path, if there is one.
    #[must_use]
    pub fn get(&self, path: &str) -> Option<Value> {
        self.shared.store.lock().get(path).cloned()
    }

    /// Every `CanaryRollout`.
    #[must_use]
    pub fn rollouts(&self) -> Vec<Value> {
        let store = self.shared.store.lock();
        store.all(|path| path.contains("/canaryrollouts/")).into_iter().cloned().collect()
    }

    /// Creates an object, as somebody else.
    pub fn put(&self, path: &str, object: Value) {
        self.write(|store| store.create(path, object)).expect("it is not there");
    }

    /// Changes an object, as somebody else.
    pub fn change(&self, path: &str, change: impl FnOnce(&mut Value)) {
        self.write(|store| store.change(path, change)).expect("it is there");
    }

    /// Deletes an object, as somebody else.
    pub fn delete(&self, path: &str) {
        self.write(|store| store.delete(path)).expect("it is there");
    }

    fn write<T>(&self, write: impl FnOnce(&mut Store) -> T) -> T {
        let mut store = self.shared.store.lock();
        let outcome = write(&mut store);
        self.shared.newest.send_replace(store.version());
        outcome
    }

    /// Whether this right was used before; from now on it was.
    fn note(&self, right: &Right) -> bool {
        !self.shared.used.lock().insert(right.clone())
    }

    fn patch(&self, asked: &Asked, body: &[u8]) -> Result<Value, Refusal> {
        let body: Value = serde_json::from_slice(body).expect("JSON");
        // The series of an Event is none of this server's business.
        let is_event = asked.right.resource == "events";
        let apply_to = |object: &mut Value| {
            if body.is_array() {
                let change: json_patch::Patch =
                    serde_json::from_value(body.clone()).expect("a JSON patch");
                json_patch::patch(object, &change).expect("a patch that fits");
            } else if !is_event {
                json_patch::merge(object, &body);
            }
        };
        let status = asked.subresource.is_some();
        let is_dry = asked.parameter("dryRun").is_some();
        let apply = |object: &mut Value| {
            let mut patched = object.clone();
            apply_to(&mut patched);
            if status {
                object["status"] = patched["status"].take();
            } else {
                *object = patched;
            }
        };
        if is_dry {
            let mut object = self.get(&asked.path).ok_or(Refusal::Absent)?;
            apply(&mut object);
            return Ok(object);
        }
        self.write(|store| store.change(&asked.path, apply))
    }

    fn made(&self, asked: &Asked, known: bool, body: &[u8]) -> Result<Value, Refusal> {
        let object = || -> Value { serde_json::from_slice(body).expect("an object") };
        match asked.right.verb.as_str() {
            "get" => self.get(&asked.path).ok_or(Refusal::Absent),
            "patch" => self.patch(asked, body),
            "delete" => self.write(|store| store.delete(&asked.path)),
            "update" => self.write(|store| {
                store.change(&asked.path, |it| it["spec"] = object()["spec"].take())
            }),
            "create" if asked.right.resource == "subjectaccessreviews" => {
                Ok(self.reviewed(object()))
            }
            // Something else has the name of the first one: it is looked at.
            "create" if !known && asked.right.resource == "controllerrevisions" => {
                Err(Refusal::Taken)
            }
            "create" => {
                let mut object = object();
                object["metadata"]["namespace"] = json!(asked.namespace);
                let name = object["metadata"]["name"].as_str().expect("a name").to_owned();
                self.write(|store| store.create(&format!("{}/{name}", asked.path), object))
            }
            verb => panic!("nobody answers {verb}"),
        }
    }

    /// An access review with its answer.
    fn reviewed(&self, mut review: Value) -> Value {
        let asked = &review["spec"]["resourceAttributes"];
        let text = |key: &str| asked[key].as_str().unwrap_or_default().to_owned();
        let subresource = text("subresource");
        let end = if subresource.is_empty() { subresource } else { format!("/{subresource}") };
        let resource = text("resource") + &end;
        let right = Right { verb: text("verb"), group: text("group"), resource };
        review["status"] = json!({"allowed": !self.shared.denied.lock().contains(&right)});
        review
    }

    fn list(&self, asked: &Asked) -> Value {
        let store = self.shared.store.lock();
        let items = store.all(|path| is_of(asked, path));
        let items: Vec<_> = items.into_iter().filter(|it| is_selected(asked, it)).collect();
        let metadata = json!({"resourceVersion": store.version().to_string()});
        json!({"apiVersion": "v1", "kind": "List", "metadata": metadata, "items": items})
    }

    /// What changes from the version on that is asked for, without end.
    fn watch(self, asked: Asked) -> Body {
        let from = asked.parameter("resourceVersion").and_then(|it| it.parse().ok()).unwrap_or(0);
        let newest = self.shared.newest.subscribe();
        let changes =
            stream::unfold((self, asked, newest, from), async |(it, asked, mut newest, from)| {
                newest.wait_for(|newest| from < *newest).await.ok()?;
                let (lines, version) = it.lines(&asked, from);
                Some((Ok::<_, Infallible>(lines), (it, asked, newest, version)))
            });
        Body::from_stream(changes.boxed())
    }

    /// Changes after a version as lines, and the version of the last one.
    fn lines(&self, asked: &Asked, from: u64) -> (String, u64) {
        let store = self.shared.store.lock();
        let chosen = store
            .since(from)
            .iter()
            .filter(|it| is_of(asked, &it.path) && is_selected(asked, &it.object));
        let lines = chosen.map(|Change { event, object, .. }| {
            json!({"type": event, "object": object}).to_string() + "\n"
        });
        (lines.collect(), store.version())
    }
}

async fn answer(State(server): State<Server>, request: Request) -> Response {
    let (head, body) = request.into_parts();
    let body = to_bytes(body, usize::MAX).await.expect("a body");
    let asked = Asked::of(&head.method, &head.uri);
    if server.shared.denied.lock().contains(&asked.right) {
        return json_response(refused(403, "Forbidden", &denial(&asked)));
    }
    let known = server.note(&asked.right);
    let scripted = server.shared.scripted.lock().get(head.uri.path()).cloned();
    if let Some(ScriptedAnswer { code, media_type, body }) = scripted {
        let response = Response::builder().status(code).header("content-type", media_type);
        return response.body(Body::from(body)).expect("a response");
    }
    let accepted = head.headers.get("accept").and_then(|it| it.to_str().ok()).unwrap_or_default();
    let metadata_only = accepted.contains("as=PartialObjectMetadata");
    if !metadata_only {
        server.shared.given.lock().insert(asked.path.clone());
    }
    json_response(match asked.right.verb.as_str() {
        "watch" => (200, server.watch(asked)),
        "list" => (200, Body::from(server.list(&asked).to_string())),
        verb => match server.made(&asked, known, &body) {
            Ok(object) if metadata_only => (200, Body::from(metadata_of(&object).to_string())),
            Ok(object) => {
                (if verb == "create" { 201 } else { 200 }, Body::from(object.to_string()))
            }
            Err(Refusal::Absent) => refused(404, "NotFound", "NotFound"),
            Err(Refusal::Conflict) => refused(409, "Conflict", "Conflict"),
            Err(Refusal::Taken) => refused(409, "AlreadyExists", "AlreadyExists"),
        },
    })
}

fn json_response(answer: (u16, Body)) -> Response {
    let (code, body) = answer;
    let response = Response::builder().status(code).header("content-type", "application/json");
    response.body(body).expect("a response")
}

/// An object without its content, as who accepts no more gets it.
fn metadata_of(object: &Value) -> Value {
    json!({
        "apiVersion": "meta.k8s.io/v1", "kind": "PartialObjectMetadata", "metadata": object["metadata"],
    })
}

/// Words of the API server about a right that the caller lacks.
fn denial(asked: &Asked) -> String {
    let Right { verb, group, resource } = &asked.right;
    let namespace = asked.namespace.as_ref().map(|it| format!(" in the namespace \"{it}\""));
    format!(
        "{resource} is forbidden: User \"ada\" cannot {verb} resource \"{resource}\" in API group \"{group}\"{}",
        namespace.unwrap_or_else(|| " at the cluster scope".to_owned())
    )
}

fn refused(code: u16, reason: &str, message: &str) -> (u16, Body) {
    let status = json!({
        "apiVersion": "v1", "kind": "Status", "status": "Failure", "code": code, "reason": reason,
        "message": message,
    });
    (code, Body::from(status.to_string()))
}

/// Whether an object at this path is in the collection that is asked for, in one namespace or in all.
fn is_of(asked: &Asked, path: &str) -> bool {
    let Some((collection, _name)) = path.rsplit_once('/') else { return false };
    if asked.namespace.is_some() || collection == asked.path {
        return collection == asked.path;
    }
    let Some((version, resource)) = asked.path.rsplit_once('/') else { return false };
    collection.strip_prefix(version).is_some_and(|it| it.starts_with("/namespaces/"))
        && collection.ends_with(&format!("/{resource}"))
}

/// Whether an object has the fields and the labels that are asked for.
fn is_selected(asked: &Asked, object: &Value) -> bool {
    let fields = asked.parameter("fieldSelector").unwrap_or_default();
    let has = |(path, value): (&str, &str)| {
        path.split('.').fold(object, |it, field| &it[field]).as_str() == Some(value)
    };
    fields.split(',').filter_map(|it| it.split_once('=')).all(has) && is_labeled(asked, object)
}

/// Whether an object has the labels that are asked for: `key`, `key=value` or `key in (value,value)`.
fn is_labeled(asked: &Asked, object: &Value) -> bool {
    let selector = asked.parameter("labelSelector").filter(|it| !it.is_empty());
    let Some(selector) = selector else { return true };
    let label = |key: &str| object["metadata"]["labels"][key].as_str();
    if let Some((key, values)) = selector.split_once(" in ") {
        let values = values.trim_matches(['(', ')']);
        return label(key).is_some_and(|it| values.split(',').any(|value| value == it));
    }
    match selector.split_once('=') {
        Some((key, value)) => label(key) == Some(value),
        None => label(selector).is_some(),
    }
}
