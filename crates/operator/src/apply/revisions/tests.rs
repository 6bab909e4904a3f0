//! Frozen templates on the wire, against a server that keeps them as the real one does: data byte by byte, escaped anew by
//! every patch, and never changed.

use std::sync::{Arc, Mutex};

use http::{Method, Request, Response};
use kube::Client;
use kube::client::Body;
use kube::core::DynamicObject;
use serde_json::{Value, json};
use siskin_analysis::observation::Role;
use siskin_api::PodIdentity;
use siskin_decide::{Cause, Effect, Plan, RolloutId, WriteScope, testing};
use tower_test::mock;

use super::*;
use crate::apply::deployments::ChildWrite;
use crate::apply::effects::tests::world;
use crate::apply::writer::Writer;
use crate::cluster::calls::Cluster;
use crate::observe::doubt::{Doubt, Novelty};
use crate::observe::world::World;
use crate::process::gate::Gate;
use crate::process::metrics::Metrics;
use crate::workloads::identity::Injected;
use crate::workloads::template::Restarts;

/// An object as it is stored: the bytes of its data beside the rest.
struct Stored {
    name: String,
    rest: Value,
    data: String,
}

type Store = Arc<Mutex<Vec<Stored>>>;

/// What Go makes of JSON that it only passes on.
fn passed_on(data: &str) -> String {
    let escapes = [("<", "\\u003c"), (">", "\\u003e"), ("&", "\\u0026")];
    let text = escapes.iter().fold(data.to_owned(), |text, it| text.replace(it.0, it.1));
    text.replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

/// The text of the field `data` in a body: the braces that belong together, texts skipped.
fn data_in(body: &str) -> String {
    let start = body.find("\"data\":").unwrap() + "\"data\":".len();
    let (mut depth, mut in_text, mut escaped) = (0, false, false);
    for (at, byte) in body.bytes().enumerate().skip(start) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => in_text = !in_text,
            b'{' if !in_text => depth += 1,
            b'}' if !in_text => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return body[start..=at].to_owned();
        }
    }
    panic!("no data in {body}")
}

fn answer(stored: &Stored) -> (u16, Value) {
    let mut object = stored.rest.clone();
    object["data"] = serde_json::from_str(&stored.data).unwrap();
    (200, object)
}

fn refusal(code: u16, reason: &str, field: &str) -> (u16, Value) {
    let causes = json!([{"reason": "FieldValueInvalid", "field": field, "message": "no"}]);
    (
        code,
        json!({"kind": "Status", "apiVersion": "v1", "status": "Failure", "code": code,
        "reason": reason, "message": reason, "details": {"causes": causes}}),
    )
}

fn serve(store: &Store, method: &Method, path: &str, body: &str) -> (u16, Value) {
    let mut store = store.lock().unwrap();
    let name = path.rsplit('/').next().unwrap().to_owned();
    let position = store.iter().position(|it| it.name == name);
    match (method.as_str(), position) {
        ("POST", _) => {
            let mut rest: Value = serde_json::from_str(body).unwrap();
            rest["metadata"]["resourceVersion"] = json!("1");
            let name = rest["metadata"]["name"].as_str().unwrap().to_owned();
            if store.iter().any(|it| it.name == name) {
                return refusal(409, "AlreadyExists", "");
            }
            store.push(Stored { name, rest, data: data_in(body) });
            answer(store.last().unwrap())
        }
        ("GET", Some(at)) => answer(&store[at]),
        ("PATCH", Some(at)) => {
            // Decoded from what it would give back: the data must be what it was.
            if passed_on(&store[at].data) != store[at].data {
                return refusal(422, "Invalid", "data");
            }
            let change: json_patch::Patch = serde_json::from_str(body).unwrap();
            json_patch::patch(&mut store[at].rest, &change).unwrap();
            answer(&store[at])
        }
        ("DELETE", Some(at)) => answer(&store.remove(at)),
        _ => refusal(404, "NotFound", ""),
    }
}

/// A writer onto a server that stores.
fn writer(store: &Store) -> Writer {
    let store = Arc::clone(store);
    let (service, mut server) = mock::pair::<Request<Body>, Response<Body>>();
    tokio::spawn(async move {
        while let Some((request, reply)) = server.next_request().await {
            let (parts, body) = request.into_parts();
            let body = body.collect_bytes().await.unwrap();
            let body = String::from_utf8(body.to_vec()).unwrap();
            let (code, answer) = serve(&store, &parts.method, parts.uri.path(), &body);
            let body = Body::from(serde_json::to_vec(&answer).unwrap());
            reply.send_response(Response::builder().status(code).body(body).unwrap());
        }
    });
    Writer::new(Cluster::new(Client::new(service, "default")), Gate::open("me"), Metrics::new())
}

fn raw(args: &str) -> Value {
    json!({"metadata": {"labels": {"app": "orders"}}, "spec": {"containers": [{"name": "c", "args": [args]}]}})
}

fn deployment(name: &str, template: &Value) -> DynamicObject {
    serde_json::from_value(json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": name, "resourceVersion": "1", "labels": {}, "annotations": {}},
        "spec": {"template": template, "replicas": 3},
    }))
    .unwrap()
}

fn world_of(args: &str) -> (World, Revision) {
    let mut world = world();
    world.live.target = Some(deployment("orders", &raw(args)));
    let revision = naming::name_of(&PodTemplate::of(&raw(args)), &[]);
    (world, revision)
}

const SCRIPT: &str = "set -e && a < b > c \u{2028}\u{2029} \"\\ é😀";

#[tokio::test]
async fn a_template_with_what_the_server_escapes_can_be_marked() {
    let store = Store::default();
    let (writer, (world, revision)) = (writer(&store), world_of(SCRIPT));
    let mut objects = Objects::of(&writer, &world);
    objects.freeze(revision, 1).await.unwrap();
    objects.mark_promoted(revision).await.unwrap();
    let rollout = RolloutId { revision, attempt: 1 };
    objects.reject(revision, Rejection { cause: Cause::Aborted, rollout }).await.unwrap();
    objects.freeze(revision, 2).await.unwrap();
    let frozen = &objects.live.frozen[0];
    assert!(frozen.frozen.promoted && frozen.frozen.attempt == 2);
    assert_eq!(*frozen.template.json(), raw(SCRIPT));
}

#[tokio::test]
async fn one_that_was_frozen_in_another_form_is_made_anew_with_its_marks() {
    let store = Store::default();
    let (writer, (mut world, revision)) = (writer(&store), world_of(SCRIPT));
    // As the first release sent it, or a tool that restored it.
    let name = format!("orders-{revision}");
    let rest = json!({"apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": 1, "metadata": {
        "name": name, "namespace": "shop", "resourceVersion": "1", "uid": "u",
        "labels": {"siskin.dev/target": "orders"}, "annotations": {"siskin.dev/attempt": "1"},
    }});
    let mut object = rest.clone();
    object["data"] = raw(SCRIPT);
    let object: ControllerRevision = serde_json::from_value(object).unwrap();
    store.lock().unwrap().push(Stored { name, rest, data: raw(SCRIPT).to_string() });
    world.live.frozen = vec![parse::frozen(&object, world.rollout.spec.canary_on).unwrap()];

    let mut objects = Objects::of(&writer, &world);
    objects.mark_promoted(revision).await.unwrap();
    let frozen = &objects.live.frozen[0];
    assert!(
        frozen.frozen.promoted && frozen.frozen.attempt == 1 && frozen.frozen.revision == revision
    );
    objects.clear_rejection(revision, None).await.unwrap();
    objects.freeze(revision, 2).await.unwrap();
    let stored = store.lock().unwrap();
    assert_eq!(stored.len(), 1);
    assert_eq!(passed_on(&stored[0].data), stored[0].data);
}

#[tokio::test]
async fn a_name_that_something_else_has_is_left_to_it() {
    let store = Store::default();
    let (writer, (world, revision)) = (writer(&store), world_of("a"));
    let name = format!("orders-{revision}");
    let rest = json!({"apiVersion": "apps/v1", "kind": "ControllerRevision", "revision": 1,
        "metadata": {"name": name, "namespace": "shop", "resourceVersion": "1"}});
    store.lock().unwrap().push(Stored { name: name.clone(), rest, data: "{}".into() });
    let mut objects = Objects::of(&writer, &world);
    objects.freeze(revision, 1).await.unwrap();
    assert_eq!(objects.live.frozen[0].frozen.revision, revision);
    objects.mark_promoted(revision).await.unwrap();
    assert!(objects.live.frozen[0].frozen.promoted);
    let stored = store.lock().unwrap();
    assert_eq!((stored.len(), stored[0].data.as_str()), (2, "{}"));
    assert!(stored[1].name.starts_with(&name), "{}", stored[1].name);
}

#[tokio::test]
async fn freezing_makes_room_for_itself_and_spares_what_runs() {
    let store = Store::default();
    let (writer, (mut world, _)) = (writer(&store), world_of("0"));
    let oldest = naming::name_of(&PodTemplate::of(&raw("0")), &[]);
    let mut primary = deployment("orders-primary", &raw("0"));
    primary.annotations_mut().insert("siskin.dev/revision".into(), oldest.to_string());
    world.live.primary = Some(primary);
    for attempt in 0..40 {
        let args = attempt.to_string();
        let (next, revision) = world_of(&args);
        world.live.target = next.live.target;
        let mut objects = Objects::of(&writer, &world);
        objects.freeze(revision, attempt).await.unwrap();
        if attempt % 2 == 1 {
            let rejection =
                Rejection { cause: Cause::Aborted, rollout: RolloutId { revision, attempt } };
            objects.reject(revision, rejection).await.unwrap();
        }
        world.live.frozen = objects.live.frozen;
    }
    let frozen = &world.live.frozen;
    assert_eq!(frozen.len(), store.lock().unwrap().len());
    assert!(frozen.len() <= MAX_REJECTED + MAX_HISTORY + 2, "{}", frozen.len());
    assert!(frozen.iter().any(|it| it.frozen.revision == oldest), "primary runs it");
    assert!(frozen.iter().any(|it| it.frozen.attempt == 39));
}

#[tokio::test]
async fn setting_a_mark_again_lifts_no_rejection() {
    let store = Store::default();
    let (writer, (mut world, first)) = (writer(&store), world_of("1"));
    let mut objects = Objects::of(&writer, &world);
    objects.freeze(first, 0).await.unwrap();
    world.live.frozen = objects.live.frozen;
    let (next, second) = world_of("2");
    world.live.target = next.live.target;
    let mut objects = Objects::of(&writer, &world);
    objects.freeze(second, 1).await.unwrap();
    let rollout = RolloutId { revision: second, attempt: 1 };
    objects.reject(second, Rejection { cause: Cause::Aborted, rollout }).await.unwrap();
    objects.mark_promoted(first).await.unwrap();
    let rejected: Vec<_> =
        objects.live.frozen.iter().map(|it| it.frozen.rejection.is_some()).collect();
    assert_eq!(rejected, [false, true]);
}

#[tokio::test]
async fn a_primary_whose_manifest_has_pod_name_is_frozen_again_as_it_was() {
    let own = json!({"name": "POD_NAME", "valueFrom": {"fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.name"}}});
    let mut manifest = raw("a");
    manifest["spec"]["containers"][0]["env"] = json!([own]);
    let version = PodTemplate::of(&manifest);
    let revision = naming::name_of(&version, &[]);
    let injected = Injected::into(version.json(), &PodIdentity::Inject.into());
    let runs = version.for_role(Role::Primary, &injected, &Restarts::default());
    for recorded in [Some(injected.to_string()), None] {
        let store = Store::default();
        let (writer, mut world) = (writer(&store), world());
        let mut primary = deployment("orders-primary", &runs);
        primary.annotations_mut().insert("siskin.dev/revision".into(), revision.to_string());
        if let Some(recorded) = recorded {
            primary.annotations_mut().insert("siskin.dev/injected".into(), recorded);
        }
        world.live.primary = Some(primary);
        let mut objects = Objects::of(&writer, &world);
        objects.refreeze(revision).await.unwrap();
        assert_eq!(objects.live.frozen[0].template, version);
        assert!(objects.refreeze(Revision(7)).await.is_err(), "what it does not run");
    }
}

/// A primary that somebody has edited by hand, and the revision that its annotation names.
fn edited_primary(store: &Store) -> (Writer, World, Revision) {
    let (mut world, revision) = world_of("live");
    world.family = Some(crate::workloads::children::Family {
        target: "orders".into(),
        ..crate::workloads::children::tests::family(
            &json!({}),
            siskin_decide::MoveOrder::SurgeFirst,
        )
    });
    let mut primary = deployment("orders-primary", &raw("edited by hand"));
    primary.annotations_mut().insert("siskin.dev/revision".into(), revision.to_string());
    world.live.primary = Some(primary.clone());
    let rest = serde_json::to_value(&primary).unwrap();
    store.lock().unwrap().push(Stored { name: "orders-primary".into(), rest, data: "{}".into() });
    (writer(store), world, revision)
}

#[tokio::test]
async fn a_primary_whose_template_is_lost_can_still_be_scaled() {
    let store = Store::default();
    let (writer, world, revision) = edited_primary(&store);
    let mut objects = Objects::of(&writer, &world);
    let (role, scope) = (Role::Primary, WriteScope::Whole);
    let write = ChildWrite { role, revision, replicas: 6, facts: None, scope };
    objects.write_child(write).await.unwrap();
    let written = objects.live.primary.as_ref().unwrap();
    assert_eq!(written.data["spec"]["replicas"], 6);
    assert_eq!(written.data["spec"]["template"], raw("edited by hand"));
    let other = ChildWrite { revision: Revision(7), ..write };
    assert!(matches!(objects.write_child(other).await, Err(ApplyFailed::TemplateLost(_))));
}

/// A plan that freezes a new version, applied while it is in doubt that it is one; the answer comes
/// once the template is stored.
async fn frozen_in_doubt(answer: Novelty) -> (usize, usize) {
    let store = Store::default();
    let (writer, (mut world, revision)) = (writer(&store), world_of(SCRIPT));
    let stored = Arc::clone(&store);
    world.doubt = Some(Doubt::until(async move {
        while stored.lock().unwrap().is_empty() {
            tokio::task::yield_now().await;
        }
        answer
    }));
    let follows = Effect::ClearRejection { revision, excused: None };
    let effects = vec![Effect::Freeze { revision, attempt: 1 }, follows];
    let (seen, plan) = (testing::at_rest(), Plan::to(testing::at_rest().state, effects));
    let applied =
        Box::pin(async { tokio::join!(writer.apply(&world, &seen, &plan, &[]), world.novelty()) });
    let applied = tokio::time::timeout(std::time::Duration::from_secs(10), applied).await;
    let (applied, novelty) = applied.expect("freezing waits for no answer");
    assert_eq!(novelty, answer);
    let stored = store.lock().unwrap().len();
    (applied.made.len(), stored)
}

#[tokio::test]
async fn a_template_is_frozen_while_it_is_asked_whether_it_is_new_and_what_follows_waits() {
    assert_eq!(Box::pin(frozen_in_doubt(Novelty::New)).await, (2, 1));
}

#[tokio::test]
async fn what_turns_out_to_be_a_known_version_is_not_kept_and_nothing_follows_from_it() {
    assert_eq!(Box::pin(frozen_in_doubt(Novelty::Known)).await, (1, 0));
}

#[tokio::test]
async fn without_an_answer_nothing_follows_and_the_next_look_asks_again() {
    assert_eq!(Box::pin(frozen_in_doubt(Novelty::Unanswered)).await, (1, 0));
}

/// Its pods are replaced later, when enough others serve.
#[tokio::test]
async fn a_child_that_may_not_replace_its_pods_yet_is_given_its_count_only() {
    let store = Store::default();
    let (writer, world, revision) = edited_primary(&store);
    let mut objects = Objects::of(&writer, &world);
    objects.freeze(revision, 1).await.unwrap();
    let template = |objects: &Objects<'_>| {
        objects.live.primary.as_ref().unwrap().data["spec"]["template"].clone()
    };
    let (role, scope) = (Role::Primary, WriteScope::CountOnly);
    let write = ChildWrite { role, revision, replicas: 6, facts: None, scope };
    objects.write_child(write).await.unwrap();
    assert_eq!(objects.live.primary.as_ref().unwrap().data["spec"]["replicas"], 6);
    assert_eq!(template(&objects), raw("edited by hand"));
    objects.write_child(ChildWrite { scope: WriteScope::Whole, ..write }).await.unwrap();
    assert_ne!(template(&objects), raw("edited by hand"));
}
