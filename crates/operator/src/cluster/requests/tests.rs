//! Bound and count of requests. The server is a function that answers at once; nothing is sent.

use std::convert::Infallible;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures::future;
use parking_lot::Mutex;
use tokio::sync::Notify;
use tower::service_fn;

use super::*;

#[derive(Debug)]
struct Answer;

impl Body for Answer {
    type Data = bytes::Bytes;
    type Error = Infallible;

    fn poll_frame(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Poll::Ready(None)
    }
}

fn request(uri: &str) -> Request<()> {
    Request::get(uri).body(()).expect("a request")
}

#[tokio::test]
async fn no_more_than_the_bound_are_under_way_until_their_answers_are_read_and_watches_do_not_count()
 {
    let (sent, go) = (Arc::new(AtomicUsize::new(0)), Arc::new(Notify::new()));
    let under_way = Arc::clone(&sent);
    let server = service_fn(move |_: Request<()>| {
        let under_way = Arc::clone(&under_way);
        async move {
            under_way.fetch_add(1, Ordering::Relaxed);
            Ok::<_, Infallible>(Response::new(Answer))
        }
    });
    let mut service = BoundedRequests::new(server, Arc::new(|_, _| {}));
    let (answers, open) = (Arc::new(Mutex::new(Vec::new())), Arc::clone(&go));
    let asked: Vec<_> = (0..MAX_REQUESTS * 3)
        .map(|it| service.call(request(&format!("/api/v1/namespaces/shop/pods/{it}"))))
        .collect();
    let kept = Arc::clone(&answers);
    let all = tokio::spawn(future::join_all(asked.into_iter().map(move |it| {
        let (kept, open) = (Arc::clone(&kept), Arc::clone(&open));
        async move {
            let answer = it.await.expect("an answer");
            kept.lock().push(answer);
            open.notify_one();
        }
    })));
    while answers.lock().len() < MAX_REQUESTS {
        go.notified().await;
    }
    for _ in 0..100 {
        tokio::task::yield_now().await;
    }
    assert_eq!(sent.load(Ordering::Relaxed), MAX_REQUESTS, "their answers are not read");
    service.call(request("/api/v1/pods?watch=true")).await.expect("a watch is never held back");
    while !all.is_finished() {
        answers.lock().clear();
        tokio::task::yield_now().await;
    }
    assert_eq!(sent.load(Ordering::Relaxed), MAX_REQUESTS * 3 + 1);
}

#[tokio::test]
async fn writes_that_hang_in_a_webhook_hold_no_read_up() {
    let server = service_fn(|it: Request<()>| async move {
        if *it.method() != Method::GET {
            future::pending::<()>().await;
        }
        Ok::<_, Infallible>(Response::new(Answer))
    });
    let mut service = BoundedRequests::new(server, Arc::new(|_, _| {}));
    let write = || Request::patch("/apis/apps/v1/namespaces/shop/deployments/a").body(());
    let writes: Vec<_> =
        (0..MAX_REQUESTS * 2).map(|_| service.call(write().expect("a request"))).collect();
    let writes = tokio::spawn(future::join_all(writes));
    tokio::task::yield_now().await;
    let read = service.call(request("/api/v1/namespaces/shop/pods/1"));
    let answer = tokio::time::timeout(std::time::Duration::from_secs(10), read).await;
    assert!(answer.is_ok_and(|it| it.is_ok()), "a read waits for no write");
    writes.abort();
}

/// A server on which writes to namespaces whose name begins with `hangs` are never answered, and how many have come.
fn hanging() -> (
    impl Service<Request<()>, Response = Response<Answer>, Error = Infallible, Future: Send + 'static>,
    Arc<AtomicUsize>,
) {
    let come = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&come);
    let server = service_fn(move |it: Request<()>| {
        let counted = Arc::clone(&counted);
        async move {
            counted.fetch_add(1, Ordering::Relaxed);
            if it.uri().path().contains("/hangs") {
                future::pending::<()>().await;
            }
            Ok::<_, Infallible>(Response::new(Answer))
        }
    });
    (server, come)
}

fn write(namespace: &str) -> Request<()> {
    let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/a");
    Request::patch(path).body(()).expect("a request")
}

#[tokio::test(start_paused = true)]
async fn writes_that_hang_in_the_webhook_of_one_namespace_give_their_places_to_the_others() {
    let (server, come) = hanging();
    let mut service = BoundedRequests::new(server, Arc::new(|_, _| {}));
    let all: Vec<_> = (0..MAX_WRITES * 4).map(|_| service.call(write("hangs"))).collect();
    let all = tokio::spawn(future::join_all(all));
    tokio::task::yield_now().await;
    let began = tokio::time::Instant::now();
    service.call(write("bank")).await.expect("an answer");
    assert!(began.elapsed() <= LATE_AFTER, "it waited {:?}", began.elapsed());
    tokio::time::sleep(LATE_AFTER * 2).await;
    assert_eq!(come.load(Ordering::Relaxed), MAX_WRITES + 1, "of those that hang there are enough");
    all.abort();
}

#[tokio::test(start_paused = true)]
async fn however_many_namespaces_hang_writes_are_bounded() {
    let (server, come) = hanging();
    let mut service = BoundedRequests::new(server, Arc::new(|_, _| {}));
    let teams = (0..20).flat_map(|team| (0..20).map(move |_| format!("hangs-{team}")));
    let all: Vec<_> = teams.map(|it| service.call(write(&it))).collect();
    let all = tokio::spawn(future::join_all(all));
    tokio::time::sleep(LATE_AFTER * 20).await;
    assert_eq!(come.load(Ordering::Relaxed), MAX_LATE + MAX_WRITES);
    all.abort();
}

#[tokio::test(start_paused = true)]
async fn a_namespace_of_a_thousand_has_all_places_while_its_writes_are_answered() {
    let server = service_fn(|_: Request<()>| async move {
        tokio::time::sleep(Duration::from_millis(100)).await;
        Ok::<_, Infallible>(Response::new(Answer))
    });
    let mut service = BoundedRequests::new(server, Arc::new(|_, _| {}));
    let all: Vec<_> = (0..MAX_WRITES * 10).map(|_| service.call(write("shop"))).collect();
    let began = tokio::time::Instant::now();
    // Each answer is read when it is there.
    future::join_all(all.into_iter().map(|it| async { drop(it.await) })).await;
    assert!(began.elapsed() <= Duration::from_millis(1_050), "it took {:?}", began.elapsed());
}

#[tokio::test]
async fn namespaces_without_a_write_are_not_counted_for_ever() {
    let server =
        service_fn(|_: Request<()>| future::ready(Ok::<_, Infallible>(Response::new(Answer))));
    let service = BoundedRequests::new(server, Arc::new(|_, _| {}));
    let held = service.late_of("shop");
    for it in 0..MAX_NAMESPACES * 3 {
        service.late_of(&it.to_string());
    }
    assert!(service.late_of.lock().len() <= MAX_NAMESPACES);
    assert!(Arc::ptr_eq(&held, &service.late_of("shop")), "one that is held is kept");
}

#[test]
fn verbs_are_those_of_the_audit_log() {
    let cases = [
        ("GET", "/api/v1/namespaces/shop", "get"),
        ("GET", "/api/v1/namespaces", "list"),
        ("GET", "/api/v1/pods?labelSelector=a&watch=true&x=y", "watch"),
        ("GET", "/apis/apps/v1/namespaces/shop/deployments", "list"),
        ("GET", "/apis/apps/v1/namespaces/shop/deployments/orders", "get"),
        ("GET", "/apis/siskin.dev/v1alpha1/canaryrollouts?limit=500", "list"),
        ("PATCH", "/apis/apps/v1/namespaces/shop/deployments/orders", "patch"),
        ("POST", "/apis/apps/v1/namespaces/shop/deployments", "create"),
        ("PUT", "/apis/coordination.k8s.io/v1/namespaces/a/leases/b", "update"),
        ("DELETE", "/apis/apps/v1/namespaces/shop/deployments/orders", "delete"),
    ];
    for (method, uri, expected) in cases {
        let method = Method::from_bytes(method.as_bytes()).expect("a method");
        assert_eq!(verb(&method, &uri.parse().expect("a path")), expected, "{method} {uri}");
    }
}

#[tokio::test]
async fn a_request_is_counted_with_the_code_of_its_answer_and_one_without_an_answer_with_none() {
    let server = service_fn(|request: Request<()>| async move {
        if request.uri().path().ends_with("/lost") {
            return future::pending().await;
        }
        let mut answer = Response::new(Answer);
        *answer.status_mut() = http::StatusCode::CONFLICT;
        Ok::<_, Infallible>(answer)
    });
    let counted = Arc::new(Mutex::new(Vec::new()));
    let counts = Arc::clone(&counted);
    let mut service =
        BoundedRequests::new(server, Arc::new(move |verb, code| counts.lock().push((verb, code))));
    service.call(request("/api/v1/namespaces/shop/pods/a")).await.expect("an answer");
    drop(service.call(request("/api/v1/namespaces/shop/pods/lost")));
    assert_eq!(*counted.lock(), [("get", Some(409)), ("get", None)]);
}
