//! The logs of canary pods, read for one thing: since when a pod stands still, and where.
//! It follows each log to its end and notes what it finds; it waits for nothing.

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use futures::{AsyncBufReadExt as _, StreamExt as _};
use k8s_openapi::api::core::v1::Pod;
use kube::api::LogParams;
use kube::{Api, Client};
use tokio::task::JoinSet;

use super::event_log::EventLog;
use super::seen::Part;

/// What the worker logs when it stands still.
const STALLED: &str = "stalled at ";

/// Reads the log of each canary pod from the moment at which it has one.
pub(super) async fn watch(log: EventLog, client: Client, namespace: String) {
    let api: Api<Pod> = Api::namespaced(client, &namespace);
    let mut changes = log.changes();
    let (mut readers, mut read) = (JoinSet::new(), BTreeSet::new());
    while changes.changed().await.is_ok() {
        let canaries: Vec<String> = log.look(|view| {
            let running = view.state.pods_of(Part::Canary).filter(|(_, it)| it.running);
            running.map(|(name, _)| name.clone()).collect()
        });
        for name in canaries {
            if read.insert(name.clone()) {
                readers.spawn(follow(log.clone(), api.clone(), name));
            }
        }
        while readers.try_join_next().is_some() {}
    }
}

async fn follow(log: EventLog, api: Api<Pod>, pod: String) {
    let how = LogParams { follow: true, ..LogParams::default() };
    let Ok(stream) = api.log_stream(&pod, &how).await else { return };
    let mut lines = stream.lines();
    while let Some(Ok(line)) = lines.next().await {
        if let Some((began_ms, place)) = stall(&line) {
            log.note_stall(place, since(began_ms));
        }
    }
}

/// Since when in milliseconds since 1970, and where: `topic/partition/offset`.
fn stall(line: &str) -> Option<(u64, String)> {
    let word = |after| line.split_once(after)?.1.split_whitespace().next();
    Some((word("at_ms=")?.parse().ok()?, word(STALLED)?.to_owned()))
}

#[expect(clippy::disallowed_methods, reason = "the worker says in its log what the clock said")]
fn since(began_ms: u64) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    now.saturating_sub(Duration::from_millis(began_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stall_is_read_from_the_workers_log() {
        let line = "2026-01-01T00:00:00Z  WARN worker: stalled at orders/3/17 at_ms=1700000000123";
        assert_eq!(stall(line), Some((1_700_000_000_123, "orders/3/17".to_owned())));
        assert_eq!(stall("2026-01-01T00:00:00Z  INFO worker: assigned partitions=2"), None);
    }
}
