//! How new the listings of frozen templates are asked to be. The server is scripted.
//! What is in them is `observe`'s business.

use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tower_test::mock::{self, Handle};

use super::*;

type Server = Handle<Request<Body>, Response<Body>>;

/// How the server answers a listing.
enum Answer {
    /// With this version.
    Version(&'static str),
    /// With this code and these words.
    Refusal(u16, &'static str),
    /// Not before the caller has gone.
    Nothing,
}

fn cluster() -> (Cluster, Server) {
    let (service, server) = mock::pair::<Request<Body>, Response<Body>>();
    (Cluster::new(Client::new(service, "default")), server)
}

/// Lists once; what the server was asked for, and whether the listing was answered.
async fn listed(
    cluster: &Cluster,
    server: &mut Server,
    answers: Vec<Answer>,
) -> (Vec<String>, bool) {
    let list = cluster.frozen("shop", &["orders"]);
    let serve = async {
        let (mut asked, mut silent) = (vec![], vec![]);
        for answer in answers {
            let (request, reply) = server.next_request().await.expect("a request");
            asked.push(request.uri().query().unwrap_or_default().to_owned());
            let (code, body): (u16, Value) = match answer {
                Answer::Version(version) => (
                    200,
                    json!({
                        "apiVersion": "apps/v1", "kind": "ControllerRevisionList",
                        "metadata": {"resourceVersion": version}, "items": [],
                    }),
                ),
                Answer::Refusal(code, message) => (
                    code,
                    json!({
                        "apiVersion": "v1", "kind": "Status", "status": "Failure",
                        "reason": "Timeout", "code": code, "message": message,
                    }),
                ),
                Answer::Nothing => {
                    silent.push(reply);
                    continue;
                }
            };
            let body = Body::from(body.to_string().into_bytes());
            let response = Response::builder().status(code).body(body);
            reply.send_response(response.expect("a response"));
        }
        (asked, silent)
    };
    let (list, (asked, _silent)) = tokio::join!(list, serve);
    (asked, list.is_ok())
}

/// Lists once with one request that is answered; what was asked for.
async fn once(cluster: &Cluster, server: &mut Server, version: &'static str) -> String {
    let (asked, is_answered) = listed(cluster, server, vec![Answer::Version(version)]).await;
    assert!(is_answered);
    asked.concat()
}

#[tokio::test]
async fn a_listing_is_as_new_as_anything_seen_before_and_the_first_as_new_as_can_be() {
    let (cluster, mut server) = cluster();
    let first = once(&cluster, &mut server, "7").await;
    assert!(!first.contains("resourceVersion"), "{first}");
    let next = once(&cluster, &mut server, "9").await;
    assert!(next.contains("resourceVersion=7&resourceVersionMatch=NotOlderThan"), "{next}");
    cluster.newest.note(Some("12"));
    let next = once(&cluster, &mut server, "11").await;
    assert!(next.contains("resourceVersion=12&"), "what was written is seen: {next}");
    let failed = vec![Answer::Refusal(500, "etcd has no leader")];
    let (asked, is_answered) = listed(&cluster, &mut server, failed).await;
    assert!(asked[0].contains("resourceVersion=12&") && !is_answered, "{asked:?}");
    let anew = once(&cluster, &mut server, "3").await;
    assert!(!anew.contains("resourceVersion"), "after a failure: {anew}");
}

#[tokio::test(start_paused = true)]
async fn a_cache_that_lags_is_passed_over_in_the_same_listing_and_for_some_minutes() {
    let too_large = "Too large resource version: 7, current: 5";
    for lagging in [Answer::Nothing, Answer::Refusal(504, too_large)] {
        let (cluster, mut server) = cluster();
        once(&cluster, &mut server, "7").await;
        let begun = tokio::time::Instant::now();
        let (asked, is_answered) =
            listed(&cluster, &mut server, vec![lagging, Answer::Version("8")]).await;
        assert!(is_answered && begun.elapsed() < Duration::from_secs(1), "{:?}", begun.elapsed());
        assert!(asked[0].contains("resourceVersion=7&"), "{asked:?}");
        assert!(!asked[1].contains("resourceVersion"), "as new as can be: {asked:?}");
        let next = once(&cluster, &mut server, "9").await;
        assert!(!next.contains("resourceVersion"), "it may lag still: {next}");
        tokio::time::advance(Duration::from_secs(600)).await;
        let later = once(&cluster, &mut server, "9").await;
        assert!(later.contains("resourceVersion=9&"), "it is tried again: {later}");
    }
}
