//! Traces in files, so that what was decided can be judged again after a restart. On the side: a
//! disk that is full, slow or gone delays no pass and changes no decision.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use bytes::Bytes;
use futures::{Stream, stream};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, oneshot};
use tokio::time::{MissedTickBehavior, interval};

use crate::process::metrics::{Metrics, Storing};
use crate::traces::directory::{Directory, Stored};
use crate::traces::outgoing::Unstored;
use crate::traces::shelf::Traces;

/// How often traces that are being recorded are stored, and what failed is tried again: as much of
/// a trial is lost when the process is killed. Each time all of a trace is written, 4 MiB at most.
const STORE_EVERY: Duration = Duration::from_secs(300);

/// Files that are handed out at once: each of them is 4 MiB in memory at most.
const MAX_READERS: usize = 4;

/// Parts in which a file is handed out, in bytes: so that its memory is held until the last is
/// sent.
const PART_BYTES: usize = 64 << 10;

/// Stores the traces of this process.
#[derive(Debug)]
pub struct Archive {
    directory: Directory,
    traces: Traces,
    ended: Arc<Notify>,
    metrics: Metrics,
}

/// Hands stored traces out. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Files {
    directory: Directory,
    readers: Arc<Semaphore>,
}

/// A stored trace, and the right to have it in memory.
#[derive(Debug)]
pub struct Content {
    bytes: Bytes,
    /// Given back with the last part.
    _permit: OwnedSemaphorePermit,
}

/// Why a stored trace is not handed out.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    /// Others are being handed out.
    #[error("{MAX_READERS} stored traces are being read: ask again")]
    Busy,
    /// The volume is broken or gone.
    #[error("read the trace directory")]
    Read(#[from] io::Error),
}

impl Archive {
    /// Nothing is stored before it runs. `ended` tells when a trace of `traces` has.
    #[must_use]
    pub fn new(directory: Directory, traces: Traces, ended: Arc<Notify>, metrics: Metrics) -> Self {
        Self { directory, traces, ended, metrics }
    }

    /// Stores each trace when it has ended, and what is recorded by then every 5 minutes and on
    /// `shutdown`.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let mut rounds = interval(STORE_EVERY);
        rounds.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut shutdown = std::pin::pin!(shutdown);
        loop {
            let which = tokio::select! {
                () = &mut shutdown => break,
                () = self.ended.notified() => Unstored::Ended,
                _ = rounds.tick() => Unstored::All,
            };
            self.store(which).await;
        }
        self.store(Unstored::All).await;
    }

    /// Stores what is not stored yet, one after the other. What fails is kept for the next time, as
    /// long as there is memory for it.
    async fn store(&self, which: Unstored) {
        for recorded in self.traces.unstored(which) {
            let Some(transcript) = self.traces.transcript(&recorded) else { continue };
            let (directory, copy) = (self.directory.clone(), transcript.clone());
            let outcome = aside(move || directory.store(&copy.of, &copy.members)).await;
            let error = match outcome {
                Ok(Ok(())) => {
                    self.traces.stored(&transcript);
                    self.metrics.trace_files(Storing::Written, 1);
                    continue;
                }
                Ok(Err(error)) => anyhow::Error::new(error),
                Err(error) => anyhow::Error::new(error),
            };
            self.metrics.trace_files(Storing::Failed, 1);
            let error = format!("{error:#}");
            tracing::warn!(rollout = %recorded.name, error, "a trace was not stored; it stays in memory and is tried again");
        }
        let given_up = self.traces.given_up();
        if 0 < given_up {
            self.metrics.trace_files(Storing::Dropped, given_up);
            tracing::warn!(given_up, "traces were dropped before they could be stored");
        }
    }
}

impl Files {
    /// Hands out what is in this directory.
    #[must_use]
    pub fn new(directory: Directory) -> Self {
        Self { directory, readers: Arc::new(Semaphore::new(MAX_READERS)) }
    }

    /// All stored traces, the oldest first.
    ///
    /// # Errors
    /// If others are read just now, or the directory can't be.
    pub async fn list(&self) -> Result<Vec<Stored>, ReadError> {
        let _permit = self.permit()?;
        let directory = self.directory.clone();
        Ok(aside(move || directory.list()).await??)
    }

    /// The trace of this rollout in this file; `None` if there is none.
    ///
    /// # Errors
    /// If others are read just now, or the file can't be.
    pub(crate) async fn read(
        &self,
        namespace: String,
        name: String,
        file: String,
    ) -> Result<Option<Content>, ReadError> {
        let permit = self.permit()?;
        let directory = self.directory.clone();
        let bytes = aside(move || directory.read(&namespace, &name, &file)).await??;
        Ok(bytes.map(|bytes| Content { bytes: bytes.into(), _permit: permit }))
    }

    fn permit(&self) -> Result<OwnedSemaphorePermit, ReadError> {
        Arc::clone(&self.readers).try_acquire_owned().map_err(|_| ReadError::Busy)
    }
}

impl Content {
    /// The file, gzip.
    pub(crate) fn parts(self) -> impl Stream<Item = Result<Bytes, Infallible>> + Send {
        stream::unfold(self, |mut it| async move {
            let part = it.bytes.split_to(PART_BYTES.min(it.bytes.len()));
            (!part.is_empty()).then_some((Ok(part), it))
        })
    }
}

/// On a thread of its own, not one of the runtime's: the process must be able to end while a volume
/// does not answer.
async fn aside<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> io::Result<T> {
    let (done, outcome) = oneshot::channel();
    let work = move || {
        // Nobody waits any more: so be it.
        done.send(work()).ok();
    };
    thread::Builder::new().name("trace-files".to_owned()).spawn(work)?;
    outcome.await.map_err(|_| io::Error::other("the thread panicked"))
}

#[cfg(test)]
pub(super) mod tests;
