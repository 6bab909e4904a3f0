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

#[tokio::test]
async fn writes_that_hang_in_the_webhook_of_one_namespace_hold_no_write_of_another_up() {
    let server = service_fn(|it: Request<()>| async move {
        if it.uri().path().contains("/shop/") {
            future::pending::<()>().await;
        }
        Ok::<_, Infallible>(Response::new(Answer))
    });
    let mut service = BoundedRequests::new(server, Arc::new(|_, _| {}));
    let mut write = |namespace: &str| {
        let path = format!("/apis/apps/v1/namespaces/{namespace}/deployments/a");
        service.call(Request::patch(path).body(()).expect("a request"))
    };
    let hanging: Vec<_> = (0..MAX_WRITES * 2).map(|_| write("shop")).collect();
    let hanging = tokio::spawn(future::join_all(hanging));
    tokio::task::yield_now().await;
    let other = tokio::time::timeout(std::time::Duration::from_secs(10), write("bank")).await;
    assert!(other.is_ok_and(|it| it.is_ok()), "it has a place");
    hanging.abort();
}

#[tokio::test]
async fn namespaces_without_a_write_are_not_counted_for_ever() {
    let server =
        service_fn(|_: Request<()>| future::ready(Ok::<_, Infallible>(Response::new(Answer))));
    let service = BoundedRequests::new(server, Arc::new(|_, _| {}));
    let held = service.writes_of("shop");
    for it in 0..MAX_NAMESPACES * 3 {
        service.writes_of(&it.to_string());
    }
    assert!(service.of_namespaces.lock().len() <= MAX_NAMESPACES);
    assert!(Arc::ptr_eq(&held, &service.writes_of("shop")), "one that is held is kept");
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
