//! Events on the wire, and what happens to them when the API server does not take them.
//! Paused time; the server is scripted, answer by answer.

use http::{Request, Response};
use kube::client::Body;
use serde_json::{Value, json};
use tokio::sync::oneshot;
use tower_test::mock::{self, Handle, SendResponse};

use super::*;

type Server = Handle<Request<Body>, Response<Body>>;

struct Setup {
    events: Events,
    metrics: Metrics,
    server: Server,
    stop: oneshot::Sender<()>,
    run: tokio::task::JoinHandle<()>,
}

fn start() -> Setup {
    let (service, server) = mock::pair::<Request<Body>, Response<Body>>();
    let metrics = Metrics::new();
    let client = Client::new(service, "default");
    let (events, publisher) = Events::new(client, "pod_1", metrics.clone());
    let (stop, stopped) = oneshot::channel();
    let run = tokio::spawn(publisher.run(async move {
        let _ = stopped.await;
    }));
    Setup { events, metrics, server, stop, run }
}

fn rollout() -> ObjectReference {
    ObjectReference {
        api_version: Some("siskin.dev/v1alpha1".into()),
        kind: Some("CanaryRollout".into()),
        name: Some("orders".into()),
        namespace: Some("shop".into()),
        uid: Some("1-2-3".into()),
        ..ObjectReference::default()
    }
}

fn announcement(action: &str, note: &str) -> Announcement {
    Announcement {
        kind: EventKind::Warning,
        reason: "RolledBack",
        action: action.to_owned(),
        note: note.to_owned(),
    }
}

/// The next request: method, path, body, and the way to answer it.
async fn next(server: &mut Server) -> (String, Value, SendResponse<Response<Body>>) {
    let (request, reply) = server.next_request().await.unwrap();
    let (head, body) = request.into_parts();
    let body = serde_json::from_slice(&body.collect_bytes().await.unwrap()).unwrap();
    (format!("{} {}", head.method, head.uri.path()), body, reply)
}

fn accept(body: &Value, reply: SendResponse<Response<Body>>) {
    reply.send_response(Response::new(Body::from(serde_json::to_vec(body).unwrap())));
}

fn refuse(code: u16, reply: SendResponse<Response<Body>>) {
    let status = json!({"kind": "Status", "status": "Failure", "code": code, "reason": "Refused"});
    let body = Body::from(serde_json::to_vec(&status).unwrap());
    reply.send_response(Response::builder().status(code).body(body).unwrap());
}

/// Lets the publisher go on until it waits.
async fn settle() {
    tokio::time::sleep(Duration::from_millis(1)).await;
}

fn count(metrics: &Metrics, outcome: &str) -> u32 {
    let text = metrics.encode().unwrap();
    let name = format!("siskin_events_total{{outcome=\"{outcome}\"}} ");
    text.lines().find_map(|it| it.strip_prefix(&name)).map_or(0, |it| it.parse().unwrap())
}

#[tokio::test(start_paused = true)]
async fn an_event_says_who_what_and_about_what() {
    let mut setup = start();
    setup.events.publish(&rollout(), announcement("step 2, 10 %", "lag grows"));
    let (request, body, reply) = next(&mut setup.server).await;
    assert_eq!(request, "POST /apis/events.k8s.io/v1/namespaces/shop/events");
    assert_eq!(body["reportingController"], "siskin");
    assert_eq!(body["reportingInstance"], "pod_1");
    assert_eq!(body["type"], "Warning");
    assert_eq!(body["reason"], "RolledBack");
    assert_eq!(body["action"], "step 2, 10 %");
    assert_eq!(body["note"], "lag grows");
    assert_eq!(body["regarding"]["kind"], "CanaryRollout");
    assert_eq!(body["regarding"]["uid"], "1-2-3");
    accept(&body, reply);
    settle().await;
    assert_eq!(count(&setup.metrics, "Published"), 1);
}

#[tokio::test(start_paused = true)]
async fn another_step_is_another_event_and_the_same_one_is_counted() {
    let mut setup = start();
    for action in ["step 1", "step 2", "step 2"] {
        setup.events.publish(&rollout(), announcement(action, "-"));
    }
    let mut requests = vec![];
    for _ in 0..3 {
        let (request, body, reply) = next(&mut setup.server).await;
        requests.push(request.split(' ').next().unwrap().to_owned());
        accept(&body, reply);
    }
    assert_eq!(requests, ["POST", "POST", "PATCH"]);
}

#[tokio::test(start_paused = true)]
async fn a_refused_event_is_counted_and_the_next_one_is_published() {
    let mut setup = start();
    setup.events.publish(&rollout(), announcement("a", "-"));
    setup.events.publish(&rollout(), announcement("b", "-"));
    let (_, _, reply) = next(&mut setup.server).await;
    refuse(403, reply);
    let (_, body, reply) = next(&mut setup.server).await;
    assert_eq!(body["action"], "b");
    accept(&body, reply);
    settle().await;
    assert_eq!((count(&setup.metrics, "Failed"), count(&setup.metrics, "Published")), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn an_event_without_an_answer_does_not_stop_the_next_one() {
    let mut setup = start();
    setup.events.publish(&rollout(), announcement("a", "-"));
    setup.events.publish(&rollout(), announcement("b", "-"));
    let began = Instant::now();
    let (_, _, _kept) = next(&mut setup.server).await;
    let (_, body, _) = next(&mut setup.server).await;
    assert_eq!(body["action"], "b");
    assert_eq!(began.elapsed().as_secs(), PUBLISH_WITHIN.as_secs());
}

#[tokio::test(start_paused = true)]
async fn a_full_queue_drops_and_counts() {
    let mut setup = start();
    setup.events.publish(&rollout(), announcement("under way", "-"));
    let (_, _, _kept) = next(&mut setup.server).await;
    for number in 0..QUEUED_EVENTS + 3 {
        setup.events.publish(&rollout(), announcement(&number.to_string(), "-"));
    }
    assert_eq!(count(&setup.metrics, "Dropped"), 3);
}

#[tokio::test(start_paused = true)]
async fn what_waits_is_published_before_the_end() {
    let mut setup = start();
    for action in ["a", "b"] {
        setup.events.publish(&rollout(), announcement(action, "-"));
    }
    setup.stop.send(()).unwrap();
    for action in ["a", "b"] {
        let (_, body, reply) = next(&mut setup.server).await;
        assert_eq!(body["action"], action);
        accept(&body, reply);
    }
    setup.run.await.unwrap();
    assert_eq!(count(&setup.metrics, "Published"), 2);
}

#[tokio::test(start_paused = true)]
async fn a_silent_server_does_not_delay_the_end() {
    let setup = start();
    for action in ["a", "b", "c"] {
        setup.events.publish(&rollout(), announcement(action, "-"));
    }
    let began = Instant::now();
    setup.stop.send(()).unwrap();
    setup.run.await.unwrap();
    assert_eq!(began.elapsed().as_secs(), FLUSH_WITHIN.as_secs());
    assert_eq!((count(&setup.metrics, "Failed"), count(&setup.metrics, "Dropped")), (1, 2));
}

#[tokio::test(start_paused = true)]
async fn after_the_end_nothing_waits_for_nobody() {
    let setup = start();
    setup.stop.send(()).unwrap();
    setup.run.await.unwrap();
    setup.events.publish(&rollout(), announcement("late", "-"));
    assert_eq!(count(&setup.metrics, "Dropped"), 1);
}

#[test]
fn texts_are_cut_to_what_the_api_server_takes() {
    let event = announcement(&"é".repeat(100), &"€".repeat(1000)).into_event();
    assert_eq!(event.action, "é".repeat(64));
    // A character that does not fit is left out whole: 341 × 3 bytes.
    assert_eq!(event.note.unwrap(), "€".repeat(341));
    assert_eq!(cut("short", 128), "short");
    assert_eq!(cut("€", 2), "");
}
