//! Publishes what happened to a rollout as Events on its `CanaryRollout`, behind a bounded queue.
//! Never delays or fails a pass: what can't be published is counted and forgotten.

use std::future::Future;
use std::pin::pin;
use std::time::Duration;

use k8s_openapi::api::core::v1::ObjectReference;
use kube::Client;
use kube_runtime::events::{Event, EventType, Recorder, Reporter};
use tokio::sync::mpsc;
use tokio::time::{Instant, timeout, timeout_at};

use crate::process::metrics::{Metrics, Publication, Written};

/// Who reports, in every Event: `kubectl get events --field-selector reportingController=siskin`.
pub const CONTROLLER: &str = "siskin";
/// Events that wait to be published: ten times what a start over 25 rollouts announces at once.
const QUEUED_EVENTS: usize = 256;
/// An Event that the API server has not taken by then is given up: a later one matters more.
const PUBLISH_WITHIN: Duration = Duration::from_secs(5);
/// At the end of the process, time to publish what still waits; well within the 30 s that
/// Kubernetes gives a pod to stop.
const FLUSH_WITHIN: Duration = Duration::from_secs(2);
/// Longest note the API server takes, in bytes.
const MAX_NOTE: usize = 1024;
/// Longest action, reason and reporting instance the API server takes, in bytes.
const MAX_WORD: usize = 128;

/// Where passes announce what happened. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Events {
    queue: mpsc::Sender<(ObjectReference, Announcement)>,
    metrics: Metrics,
}

/// Empties the queue; [`run`](Self::run) it as a task.
pub struct Publisher {
    queue: mpsc::Receiver<(ObjectReference, Announcement)>,
    recorder: Recorder,
    metrics: Metrics,
}

/// One thing that happened.
///
/// Within six minutes an announcement with the `kind`, `reason` and `action` of an earlier one on
/// the same object only raises the count of that Event, *which keeps the earlier note*. So whatever
/// tells two of them apart (step, weight, `rolloutId`) belongs into `action`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Announcement {
    /// Whether a person should look.
    pub kind: EventKind,
    /// `CamelCase`, from a closed set, at most 128 bytes.
    pub reason: &'static str,
    /// What was done, and to which step; not empty, cut to 128 bytes.
    pub action: String,
    /// A sentence for people, cut to 1024 bytes.
    pub note: String,
}

/// Whether a person should look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EventKind {
    /// Everything goes as intended.
    Normal,
    /// A person may be needed.
    Warning,
}

impl Events {
    /// The queue and the one who empties it. `identity` names this process in each Event.
    #[must_use]
    pub fn new(client: Client, identity: &str, metrics: Metrics) -> (Self, Publisher) {
        let (sender, receiver) = mpsc::channel(QUEUED_EVENTS);
        let instance = Some(cut(identity, MAX_WORD).to_owned());
        let recorder = Recorder::new(client, Reporter { controller: CONTROLLER.into(), instance });
        let publisher = Publisher { queue: receiver, recorder, metrics: metrics.clone() };
        (Self { queue: sender, metrics }, publisher)
    }

    /// Queues an announcement about `regarding`; drops and counts it if too many wait.
    pub(crate) fn publish(&self, regarding: &ObjectReference, announcement: Announcement) {
        if self.queue.try_send((regarding.clone(), announcement)).is_err() {
            self.metrics.event(Publication::Dropped);
        }
    }
}

impl Publisher {
    /// Publishes until `shutdown`, then what still waits, for at most 2 s.
    pub async fn run(mut self, shutdown: impl Future<Output = ()> + Send) {
        let mut shutdown = pin!(shutdown);
        loop {
            tokio::select! {
                biased;
                () = &mut shutdown => break,
                next = self.queue.recv() => match next {
                    Some((regarding, announcement)) => {
                        self.publish(&regarding, announcement).await;
                    }
                    None => return,
                },
            }
        }
        self.queue.close();
        let by = Instant::now() + FLUSH_WITHIN;
        while let Ok(Some((regarding, announcement))) = timeout_at(by, self.queue.recv()).await {
            if timeout_at(by, self.publish(&regarding, announcement)).await.is_err() {
                self.metrics.event(Publication::Failed);
                break;
            }
        }
        while self.queue.try_recv().is_ok() {
            self.metrics.event(Publication::Dropped);
        }
    }

    async fn publish(&self, regarding: &ObjectReference, announcement: Announcement) {
        let event = announcement.into_event();
        self.metrics.api_write(Written::Event);
        let answer = timeout(PUBLISH_WITHIN, self.recorder.publish(&event, regarding)).await;
        let error = match answer {
            Ok(Ok(())) => return self.metrics.event(Publication::Published),
            Ok(Err(error)) => error.to_string(),
            Err(_) => "no answer".to_owned(),
        };
        tracing::debug!(reason = event.reason, error, "could not publish an Event");
        self.metrics.event(Publication::Failed);
    }
}

impl Announcement {
    fn into_event(self) -> Event {
        Event {
            type_: match self.kind {
                EventKind::Normal => EventType::Normal,
                EventKind::Warning => EventType::Warning,
            },
            reason: cut(self.reason, MAX_WORD).to_owned(),
            note: Some(cut(&self.note, MAX_NOTE).to_owned()),
            action: cut(&self.action, MAX_WORD).to_owned(),
            secondary: None,
        }
    }
}

/// The longest start of `text` of at most `bytes` bytes that ends between two characters.
fn cut(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}

#[cfg(test)]
mod tests;
