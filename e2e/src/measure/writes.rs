//! What the operator writes to the API server in a span of time, counted by others than itself.
//! Objects are counted in the API server's audit log, which leaves Leases and Events out; these on watches.

use std::fmt::Debug;
use std::fs::File;
use std::io::{BufRead as _, BufReader, Seek as _, SeekFrom};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use anyhow::{Context as _, Result};
use futures::StreamExt as _;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::runtime::watcher::{self, watcher};
use serde::de::DeserializeOwned;
use serde_json::Value;
use tokio::task::JoinSet;

use crate::scenario::operator::{NAMESPACE, USER};
use crate::testbed::Testbed;

/// Reporter of the operator's Events.
const REPORTER: &str = "siskin";

/// What was written.
#[derive(Debug, Default)]
pub(super) struct Writes {
    /// Each write of an object: verb, resource, name.
    pub(super) objects: Vec<String>,
    /// Events.
    pub(super) events: u32,
    /// Renewals of the Lease.
    pub(super) leases: u32,
}

/// Counts from now on for this long.
pub(super) async fn count(bed: &Testbed, span: Duration) -> Result<Writes> {
    let client = bed.client().await?;
    let (leases, events) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let mut watches = JoinSet::new();
    let own = Api::<Lease>::namespaced(client.clone(), NAMESPACE);
    watches.spawn(tally(own, |_| true, Arc::clone(&leases)));
    watches.spawn(tally(Api::<Event>::all(client), is_ours, Arc::clone(&events)));
    let mut log = File::open(bed.audit_log()).context("opening the API server's audit log")?;
    log.seek(SeekFrom::End(0))?;
    tokio::time::sleep(span).await;
    let objects = BufReader::new(log).lines().filter_map(|line| written(&line.ok()?)).collect();
    Ok(Writes {
        objects,
        events: events.load(Ordering::Relaxed),
        leases: leases.load(Ordering::Relaxed),
    })
}

/// Counts the changes of these objects, not those that are there already.
async fn tally<K>(api: Api<K>, counts: fn(&K) -> bool, into: Arc<AtomicU32>)
where
    K: kube::Resource + Clone + Debug + DeserializeOwned + Send + 'static,
{
    let mut events = watcher(api, watcher::Config::default()).boxed();
    while let Some(event) = events.next().await {
        if let Ok(watcher::Event::Apply(it)) = event
            && counts(&it)
        {
            into.fetch_add(1, Ordering::Relaxed);
        }
    }
}

fn is_ours(event: &Event) -> bool {
    event.reporting_controller.as_deref().is_some_and(|it| it.contains(REPORTER))
}

/// A line of the audit log, if it is of a write of the operator.
fn written(line: &str) -> Option<String> {
    let entry: Value = serde_json::from_str(line).ok()?;
    let object = &entry["objectRef"];
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    (entry["user"]["username"] == USER).then(|| {
        let (verb, resource) = (text(&entry["verb"]), text(&object["resource"]));
        let (namespace, name) = (text(&object["namespace"]), text(&object["name"]));
        let part = object["subresource"].as_str().map(|it| format!("/{it}")).unwrap_or_default();
        format!("{verb} {resource}{part} {namespace}/{name}")
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn only_the_operators_writes_count() {
        let line = |user: &str| {
            json!({
                "verb": "patch",
                "user": {"username": user},
                "objectRef": {"resource": "canaryrollouts", "subresource": "status", "namespace": "n", "name": "x"},
            })
            .to_string()
        };
        assert_eq!(written(&line(USER)).as_deref(), Some("patch canaryrollouts/status n/x"));
        assert_eq!(written(&line("admin")), None);
        assert_eq!(written("half a li"), None);
    }
}
