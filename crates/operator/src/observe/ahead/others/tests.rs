//! How many pages are read for how many targets. The server is scripted.

use http::{Request, Response};
use kube::Client;
use kube::client::Body;
use serde_json::{Value, json};
use tower_test::mock;

use super::*;

/// A server of a thousand Deployments, and how often it was asked.
fn server() -> (Cluster, Arc<Mutex<u32>>) {
    let (service, mut requests) = mock::pair::<Request<Body>, Response<Body>>();
    let asked = Arc::new(Mutex::new(0));
    let counted = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Some((request, reply)) = requests.next_request().await {
            *counted.lock() += 1;
            let query = request.uri().query().unwrap_or_default().to_owned();
            let from = query.split('&').find_map(|it| it.strip_prefix("continue=")?.parse().ok());
            let from: usize = from.unwrap_or(0);
            let next = (from < 900).then(|| (from + 100).to_string());
            let items: Vec<Value> = (from..from + 100)
                .map(|it| {
                    let name = json!({"name": name(it)});
                    json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": name})
                })
                .collect();
            let metadata = json!({"resourceVersion": "7", "continue": next});
            let list =
                json!({"apiVersion": "v1", "kind": "List", "metadata": metadata, "items": items});
            reply.send_response(Response::new(Body::from(list.to_string().into_bytes())));
        }
    });
    (Cluster::new(Client::new(service, "default")), asked)
}

fn name(number: usize) -> String {
    format!("worker-{number:04}")
}

async fn found(others: &Others, cluster: &Cluster, numbers: impl Iterator<Item = usize>) -> usize {
    let names: Vec<String> = numbers.map(name).collect();
    let names: Vec<&str> = names.iter().map(|it| &**it).collect();
    others.take(cluster, &"shop".into(), &names).await.len()
}

#[tokio::test]
async fn pages_follow_their_targets() {
    let ((cluster, asked), others) = (server(), Others::default());
    assert_eq!(found(&others, &cluster, 0..100).await, 100);
    assert_eq!(found(&others, &cluster, 100..200).await, 100);
    assert_eq!(*asked.lock(), 2);
    others.begin_anew();
    assert_eq!(found(&others, &cluster, 0..100).await, 100);
}

#[tokio::test]
async fn few_targets_are_asked_for_one_by_one() {
    let ((cluster, asked), others) = (server(), Others::default());
    assert_eq!(found(&others, &cluster, 0..FEWEST - 1).await, 0);
    assert_eq!(*asked.lock(), 0);
}

#[tokio::test]
async fn pages_end_where_most_of_what_they_hold_is_of_others() {
    let ((cluster, asked), others) = (server(), Others::default());
    assert_eq!(found(&others, &cluster, (0..1_000).step_by(10)).await, 10);
    assert_eq!(found(&others, &cluster, 100..200).await, 0);
    assert_eq!(*asked.lock(), 1);
}
