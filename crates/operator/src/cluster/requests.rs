//! Requests to the API server, bounded in number and counted by verb.
//! Each needs a connection of its own until its answer was read, so that their bound is that of the
//! connections, watches aside.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures::future::BoxFuture;
use http::{Method, Request, Response, Uri};
use http_body::{Body, Frame, SizeHint};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tower::Service;

/// Requests under way at the same time: a thousand rollouts looked at within seconds, and not a
/// thousand connections. Some twice as many connections can be open for a moment: the pool begins
/// one while it waits for another to come free.
pub(super) const MAX_REQUESTS: usize = 24;

/// Told the verb of each request.
pub type Count = Arc<dyn Fn(&'static str) + Send + Sync>;

/// A service that lets so many requests through at the same time, and watches besides.
pub(super) struct BoundedRequests<S> {
    inner: S,
    permits: Arc<Semaphore>,
    count: Count,
}

/// The body of an answer; its request counts as under way until this is dropped.
pub(super) struct HeldBody<B> {
    body: B,
    _permit: Option<OwnedSemaphorePermit>,
}

impl<S> BoundedRequests<S> {
    pub(super) fn new(inner: S, count: Count) -> Self {
        Self { inner, permits: Arc::new(Semaphore::new(MAX_REQUESTS)), count }
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
        (self.count)(verb);
        let permits = (verb != WATCH).then(|| Arc::clone(&self.permits));
        // It does nothing before it is polled.
        let answer = self.inner.call(request);
        Box::pin(async move {
            let permit = match permits {
                // An error means that the semaphore was closed, which nobody does.
                Some(permits) => permits.acquire_owned().await.ok(),
                None => None,
            };
            Ok(answer.await?.map(|body| HeldBody { body, _permit: permit }))
        })
    }
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

/// The verb of a request, as the API server's audit log and roles have it.
fn verb(method: &Method, uri: &Uri) -> &'static str {
    if *method == Method::GET {
        let watches = |it: &str| it == "watch=true" || it == "watch=1";
        if uri.query().is_some_and(|it| it.split('&').any(watches)) {
            return WATCH;
        }
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

/// Whether a path goes on after the resource: `/apis/apps/v1/namespaces/shop/deployments/orders`.
fn names_an_object(path: &str) -> bool {
    let mut parts = path.split('/').filter(|it| !it.is_empty());
    let after_version = if parts.next() == Some("api") { 1 } else { 2 };
    let rest: Vec<&str> = parts.skip(after_version).collect();
    match rest.as_slice() {
        ["namespaces", _, _resource, rest @ ..] => !rest.is_empty(),
        rest => 1 < rest.len(),
    }
}

#[cfg(test)]
mod tests;
