//! Which requests the looks of a new leader make. The server is scripted.

use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tower_test::mock;

use super::*;

/// Rollouts of the server.
const ROLLOUTS: usize = 250;

type Asked = Arc<Mutex<Vec<String>>>;

/// Calls against a server of rollouts that have a primary each; the paths that it was asked for.
fn server() -> (Cluster, Asked) {
    let (service, mut requests) = mock::pair::<Request<Body>, Response<Body>>();
    let asked = Asked::default();
    let paths = asked.clone();
    tokio::spawn(async move {
        while let Some((request, reply)) = requests.next_request().await {
            let path = request.uri().path().to_owned();
            let query = request.uri().query().unwrap_or_default().to_owned();
            let body = Body::from(serde_json::to_vec(&answer(&path, &query)).expect("JSON"));
            paths.lock().push(path.rsplit('/').next().expect("a path").to_owned());
            reply.send_response(Response::new(body));
        }
    });
    let cluster = Cluster::new(Client::new(service, "default"));
    (cluster.reading(Freshness::Cached), asked)
}

fn answer(path: &str, query: &str) -> Value {
    let list = |items: Vec<Value>, next: Option<usize>| {
        let metadata = json!({"resourceVersion": "7", "continue": next.map(|it| it.to_string())});
        json!({"apiVersion": "v1", "kind": "List", "metadata": metadata, "items": items})
    };
    if path.ends_with("controllerrevisions") {
        return list(vec![], None);
    }
    let names = names();
    if path.ends_with("deployments") && query.contains("%21siskin.dev") {
        let (from, until, next) = page(query, names.len());
        let target = |it: &Name| json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": &*it.name}});
        return list(names[from..until].iter().map(target).collect(), next);
    }
    if path.ends_with("deployments") {
        let primary = |it: &Name| {
            let name = format!("{}-primary", it.name);
            json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}})
        };
        let asked = |it: &&Name| {
            query.contains(&format!("{}%2C", it.name)) || query.contains(&format!("{}%29", it.name))
        };
        return list(names.iter().filter(asked).map(primary).collect(), None);
    }
    let (from, until, next) = page(query, names.len());
    let rollout = |it: &Name| {
        json!({
            "apiVersion": "siskin.dev/v1alpha1", "kind": "CanaryRollout",
            "metadata": {"namespace": "shop", "name": &*it.name},
            "spec": {
                "targetRef": {"name": &*it.name}, "strategy": {"steps": [{"weight": 10}]},
                "analysis": {"kafka": {"bootstrapServers": ["k:1"], "consumerGroup": "orders"}},
            },
        })
    };
    list(names[from..until].iter().map(rollout).collect(), next)
}

/// The objects of a page, and where the next one begins.
fn page(query: &str, of: usize) -> (usize, usize, Option<usize>) {
    let from = query.split('&').find_map(|it| it.strip_prefix("continue=")?.parse().ok());
    let from: usize = from.unwrap_or(0);
    let until = of.min(from + 100);
    (from, until, (until < of).then_some(until))
}

/// In the order of the queue, which is the server's.
fn names() -> Vec<Name> {
    let mut names: Vec<_> =
        (0..ROLLOUTS).map(|it| Name::new("shop", format!("orders-{it}"))).collect();
    names.sort();
    names
}

fn expecting() -> Ahead {
    let ahead = Ahead::default();
    ahead.expect(&names());
    ahead
}

#[tokio::test]
async fn a_hundred_rollouts_and_what_was_made_for_them_are_read_at_once() {
    let (cluster, asked) = server();
    let ahead = expecting();
    for name in names() {
        let copied = ahead.take(&cluster, &name).await.expect("a copy");
        assert_eq!(copied.rollout.name_any(), &*name.name);
        let primary = copied.children.primary.expect("a primary");
        assert_eq!(primary.name_any(), format!("{}-primary", name.name));
        assert_eq!(copied.target.expect("a target").name_any(), &*name.name);
    }
    let page = ["canaryrollouts", "controllerrevisions", "deployments", "deployments"];
    let mut asked = asked.lock().clone();
    asked.sort();
    assert_eq!(asked, page.map(|it| [it; 3]).as_flattened());
}

#[tokio::test(start_paused = true)]
async fn what_the_first_listing_has_just_shown_is_not_listed_again() {
    let (cluster, asked) = server();
    let (rollouts, next) = cluster.page_of_rollouts("shop", 250, None).await.expect("a page");
    assert_eq!((rollouts.len(), next.as_deref()), (100, Some("100")));
    asked.lock().clear();
    let ahead = Ahead::default();
    for rollout in rollouts {
        ahead.shown.keep(Some(rollout));
    }
    ahead.expect(&names());
    for name in &names()[..100] {
        let copied = ahead.take(&cluster, name).await.expect("a copy");
        assert_eq!(copied.rollout.name_any(), &*name.name);
    }
    assert!(!asked.lock().contains(&"canaryrollouts".to_owned()), "{:?}", asked.lock());
    assert!(ahead.take(&cluster, &names()[100]).await.is_none(), "its page is not the next one");
}

#[tokio::test(start_paused = true)]
async fn a_copy_is_taken_once_and_while_it_is_young() {
    let (cluster, _) = server();
    let (ahead, names) = (expecting(), names());
    assert!(ahead.take(&cluster, &names[0]).await.is_some());
    assert!(ahead.take(&cluster, &names[0]).await.is_none(), "it was taken");
    assert!(ahead.take(&cluster, &names[1]).await.is_some());
    tokio::time::sleep(YOUNG).await;
    assert!(ahead.take(&cluster, &names[2]).await.is_none(), "it is too old");
    assert!(ahead.take(&cluster, &names[200]).await.is_none(), "its page is not the next one");
}

#[tokio::test]
async fn who_acts_on_what_it_reads_reads_what_is_true() {
    let (cluster, asked) = server();
    let ahead = expecting();
    assert!(ahead.take(&cluster.reading(Freshness::Live), &names()[0]).await.is_none());
    assert!(asked.lock().is_empty());
}

#[tokio::test]
async fn a_server_that_lists_nothing_keeps_nobody_from_reading_for_itself() {
    let (service, mut requests) = mock::pair::<Request<Body>, Response<Body>>();
    tokio::spawn(async move {
        while let Some((_, reply)) = requests.next_request().await {
            let status =
                json!({"kind": "Status", "status": "Failure", "code": 410, "reason": "Expired"});
            let body = Body::from(serde_json::to_vec(&status).expect("JSON"));
            let gone = Response::builder().status(410).body(body);
            reply.send_response(gone.expect("a response"));
        }
    });
    let cluster = Cluster::new(Client::new(service, "default")).reading(Freshness::Cached);
    let ahead = expecting();
    assert!(ahead.take(&cluster, &names()[0]).await.is_none());
    assert!(ahead.shared.expected.lock().is_empty());
}
