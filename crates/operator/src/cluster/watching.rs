//! A client that tells whenever the API server takes up a watch.
//! Changes nothing of requests and answers.

use std::sync::Arc;

use kube::Client;
use kube::client::Body;

use crate::cluster::requests::is_watch;

/// A client that makes its requests by way of `client`, and calls `taken` whenever the API server has answered that it
/// begins a watch. It answers so at once, before there is anything to show.
pub(super) fn telling(client: Client, taken: impl Fn() + Send + Sync + 'static) -> Client {
    let taken = Arc::new(taken);
    let namespace = client.default_namespace().to_owned();
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let (client, taken) = (client.clone(), Arc::clone(&taken));
        let watches = is_watch(request.method(), request.uri());
        async move {
            let answer = client.send(request).await?;
            if watches && answer.status().is_success() {
                taken();
            }
            Ok::<_, kube::Error>(answer)
        }
    });
    Client::new(service, namespace)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use http::Response;
    use tower_test::mock;

    use super::*;

    /// The server's answer, and how often a watch was told of.
    async fn told(query: &str, code: u16) -> (u16, usize) {
        let (service, mut requests) = mock::pair::<http::Request<Body>, Response<Body>>();
        tokio::spawn(async move {
            let (_, reply) = requests.next_request().await.expect("a request");
            let answer = Response::builder().status(code).body(Body::empty()).expect("an answer");
            reply.send_response(answer);
        });
        let count = Arc::new(AtomicUsize::new(0));
        let counts = Arc::clone(&count);
        let client = telling(Client::new(service, "shop"), move || {
            counts.fetch_add(1, Ordering::Relaxed);
        });
        let request = http::Request::get(format!("/api/v1/pods?{query}")).body(Body::empty());
        let answer = client.send(request.expect("a request")).await.expect("an answer");
        (answer.status().as_u16(), count.load(Ordering::Relaxed))
    }

    #[tokio::test]
    async fn only_a_watch_that_the_server_takes_up_is_told_of() {
        assert_eq!(told("watch=true&resourceVersion=7", 200).await, (200, 1));
        assert_eq!(told("watch=true&resourceVersion=7", 403).await, (403, 0), "refused");
        assert_eq!(told("limit=100", 200).await, (200, 0), "a listing");
    }
}
