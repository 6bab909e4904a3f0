//! Requests to the API server, bounded in number and counted by verb and code.
//! Each needs a connection of its own until its answer was read, so that their bound is that of the
//! connections, watches aside.

use std::collections::HashMap;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use futures::future::BoxFuture;
use http::{Method, Request, Response, StatusCode, Uri};
use http_body::{Body, Frame, SizeHint};
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tower::Service;

/// Requests under way at the same time: a thousand rollouts looked at within seconds, and not a
/// thousand connections. Some twice as many connections can be open for a moment: the pool begins
/// one while it waits for another to come free.
pub(super) const MAX_REQUESTS: usize = 24;
/// Writes among them: one may hang for half a minute in a webhook, and looks at other rollouts must
/// not wait for that.
const MAX_WRITES: usize = 16;
/// A write that is answered later is held by something: commonly a webhook of its namespace. It gives
/// its place to others.
const LATE_AFTER: Duration = Duration::from_secs(2);
/// Late writes of one namespace: while there are so many none is begun there.
const MAX_LATE_OF_ONE: usize = 6;
/// Late writes that take no place of others.
const MAX_LATE: usize = 32;
/// Namespaces whose writes are counted; those without a write are forgotten when there are more.
const MAX_NAMESPACES: usize = 1_000;

/// Told the verb of each request, and the code of its answer if there was one.
pub type Count = Arc<dyn Fn(&'static str, Option<u16>) + Send + Sync>;

/// A service that lets so many requests through at the same time, and watches besides.
pub(super) struct BoundedRequests<S> {
    inner: S,
    permits: Arc<Semaphore>,
    writes: Arc<Semaphore>,
    late: Arc<Semaphore>,
    late_of: Mutex<HashMap<Box<str>, Arc<Semaphore>>>,
    count: Count,
}

/// The body of an answer; its request counts as under way until this is dropped.
pub(super) struct HeldBody<B> {
    body: B,
    _permits: Permits,
}

impl<S> BoundedRequests<S> {
    pub(super) fn new(inner: S, count: Count) -> Self {
        let [permits, writes, late] =
            [MAX_REQUESTS, MAX_WRITES, MAX_LATE].map(|it| Arc::new(Semaphore::new(it)));
        Self { inner, permits, writes, late, late_of: Mutex::default(), count }
    }

    /// Places of the late writes to this namespace.
    fn late_of(&self, namespace: &str) -> Arc<Semaphore> {
        let mut all = self.late_of.lock();
        if let Some(found) = all.get(namespace) {
            return Arc::clone(found);
        }
        if MAX_NAMESPACES <= all.len() {
            // Whoever has a place, or waits for one, holds it too.
            all.retain(|_, it| 1 < Arc::strong_count(it));
        }
        let made = Arc::new(Semaphore::new(MAX_LATE_OF_ONE));
        all.insert(namespace.into(), Arc::clone(&made));
        made
    }
}

impl<S, In, Out> Service<Request<In>> for BoundedRequests<S>
where
    S: Service<Request<In>, Response = Response<Out>>,
    S::Future: Send + 'static,
    S::Error: 'static,
{
    type Response = Response<HeldBody<Out>>;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Self::Response, Self::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<In>) -> Self::Future {
        let verb = verb(request.method(), request.uri());
        let mut counted = Counted { count: Arc::clone(&self.count), verb, code: None };
        let writes = (!is_read(verb)).then(|| Arc::clone(&self.writes));
        let namespace = namespace(request.uri().path()).filter(|_| writes.is_some());
        let late = namespace.map(|it| (self.late_of(it), Arc::clone(&self.late)));
        let permits = (verb != WATCH).then(|| Arc::clone(&self.permits));
        // It does nothing before it is polled.
        let answer = self.inner.call(request);
        Box::pin(async move {
            let permits = loop {
                let taken = [acquired(writes.clone()).await, acquired(permits.clone()).await];
                let Some((of_one, _)) = late.as_ref().filter(|(it, _)| it.available_permits() == 0)
                else {
                    break taken;
                };
                // Others have the place while its namespace has too many late ones.
                drop(taken);
                drop(acquired(Some(Arc::clone(of_one))).await);
            };
            let (answer, permits) = answered(answer, late, permits).await;
            let answer = answer?;
            counted.answered(answer.status());
            Ok(answer.map(|body| HeldBody { body, _permits: permits }))
        })
    }
}

type Permits = [Option<OwnedSemaphorePermit>; 2];

/// The answer with what its request holds: a late write has given its places back, and takes one of the late.
async fn answered<T>(
    answer: impl Future<Output = T>,
    late: Option<(Arc<Semaphore>, Arc<Semaphore>)>,
    permits: Permits,
) -> (T, Permits) {
    let Some((of_one, of_all)) = late else { return (answer.await, permits) };
    let mut answer = pin!(answer);
    if let Ok(answer) = timeout(LATE_AFTER, &mut answer).await {
        return (answer, permits);
    }
    // Where there is no more room for late ones it keeps what it has.
    let permits = match of_all.try_acquire_owned() {
        Ok(late) => {
            drop(permits);
            [Some(late), None]
        }
        Err(_) => permits,
    };
    let _counted = of_one.try_acquire_owned().ok();
    (answer.await, permits)
}

/// Counts a request when it is over, however that was: answered, failed, or given up by who asked.
struct Counted {
    count: Count,
    verb: &'static str,
    code: Option<u16>,
}

impl Counted {
    fn answered(&mut self, status: StatusCode) {
        self.code = Some(status.as_u16());
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        (self.count)(self.verb, self.code);
    }
}

/// A permit, if there is anything to ask for one.
async fn acquired(permits: Option<Arc<Semaphore>>) -> Option<OwnedSemaphorePermit> {
    // An error means that the semaphore was closed, which nobody does.
    permits?.acquire_owned().await.ok()
}

impl<B: Body + Unpin> Body for HeldBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Self::Data>, Self::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

const WATCH: &str = "watch";

/// Whether a request asks for a watch.
pub(super) fn is_watch(method: &Method, uri: &Uri) -> bool {
    let watches = |it: &str| it == "watch=true" || it == "watch=1";
    *method == Method::GET && uri.query().is_some_and(|it| it.split('&').any(watches))
}

/// The verb of a request, as the API server's audit log and roles have it.
fn verb(method: &Method, uri: &Uri) -> &'static str {
    if is_watch(method, uri) {
        return WATCH;
    }
    if *method == Method::GET {
        return if names_an_object(uri.path()) { "get" } else { "list" };
    }
    match method.as_str() {
        "POST" => "create",
        "PUT" => "update",
        "PATCH" => "patch",
        "DELETE" => "delete",
        _ => "other",
    }
}

fn is_read(verb: &str) -> bool {
    ["get", "list", WATCH].contains(&verb)
}

/// Whether a path goes on after the resource: `/apis/apps/v1/namespaces/shop/deployments/orders`.
fn names_an_object(path: &str) -> bool {
    match after_version(path).as_slice() {
        ["namespaces", _, _resource, rest @ ..] => !rest.is_empty(),
        rest => 1 < rest.len(),
    }
}

/// The namespace of what a path names, if it is in one.
fn namespace(path: &str) -> Option<&str> {
    match after_version(path).as_slice() {
        ["namespaces", namespace, _resource, ..] => Some(*namespace),
        _ => None,
    }
}

/// Parts of a path after the version of its API.
fn after_version(path: &str) -> Vec<&str> {
    let mut parts = path.split('/').filter(|it| !it.is_empty());
    let after_version = if parts.next() == Some("api") { 1 } else { 2 };
    parts.skip(after_version).collect()
}

#[cfg(test)]
mod tests;
