//! How new the listings of frozen templates are asked to be. The server is scripted.
//! What is in them is `observe`'s business.

use http::{Request, Response};
use kube::client::Body;
use serde_json::json;
use tower_test::mock::{self, Handle};

use super::*;
use crate::cluster::refusal::RefusalReason;

type Server = Handle<Request<Body>, Response<Body>>;

/// Lists once; the server answers with this status and version. What it was asked for.
async fn listed(cluster: &Cluster, server: &mut Server, answer: (u16, &str)) -> String {
    let list = cluster.frozen("shop", &["orders"]);
    let serve = async {
        let (request, reply) = server.next_request().await.unwrap();
        let body = json!({
            "apiVersion": "apps/v1", "kind": "ControllerRevisionList",
            "metadata": {"resourceVersion": answer.1}, "items": [],
        });
        let body = Body::from(serde_json::to_vec(&body).unwrap());
        reply.send_response(Response::builder().status(answer.0).body(body).unwrap());
        request.uri().query().unwrap_or_default().to_owned()
    };
    let (listed, query) = tokio::join!(list, serve);
    assert_eq!(listed.is_ok(), answer.0 == 200);
    query
}

/// An answer of the API server after a webhook was silent for its longest timeout.
async fn unanswered_webhook() -> kube::Result<()> {
    tokio::time::sleep(Duration::from_secs(30)).await;
    let status = json!({
        "status": "Failure", "code": 500, "reason": "InternalError",
        "message": "Internal error occurred: failed calling webhook \"labels.policy\": timeout",
    });
    Err(kube::Error::Api(Box::new(serde_json::from_value(status).unwrap())))
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_times_out_is_told_in_the_servers_words() {
    let what = || "Deployment orders-canary".to_owned();
    let refused = admitted("patch", what, unanswered_webhook()).await.unwrap_err();
    assert!(refused.told().contains("labels.policy"), "{}", refused.told());
    assert_eq!(refused.refusal(), Some(RefusalReason::WebhookUnavailable));
}

#[tokio::test]
async fn a_listing_is_as_new_as_anything_seen_before_and_the_first_as_new_as_can_be() {
    let (service, mut server) = mock::pair::<Request<Body>, Response<Body>>();
    let cluster = Cluster::new(Client::new(service, "default"));
    let first = listed(&cluster, &mut server, (200, "7")).await;
    assert!(!first.contains("resourceVersion"), "{first}");
    let next = listed(&cluster, &mut server, (200, "9")).await;
    assert!(next.contains("resourceVersion=7&resourceVersionMatch=NotOlderThan"), "{next}");
    cluster.newest.note(Some("12"));
    let next = listed(&cluster, &mut server, (200, "11")).await;
    assert!(next.contains("resourceVersion=12&"), "what was written is seen: {next}");
    let next = listed(&cluster, &mut server, (504, "0")).await;
    assert!(next.contains("resourceVersion=12&"), "{next}");
    let anew = listed(&cluster, &mut server, (200, "3")).await;
    assert!(!anew.contains("resourceVersion"), "after a failure: {anew}");
}
