//! Whether this process may write to the cluster at this moment: asked again before every write.
//! Says yes or no and for how long; it never talks to the API server, that is the lease's business.

use std::fmt;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::time::{Instant, sleep_until};

/// No write begins with less than this left: it would be cut off half way, and a write that was
/// cut off may or may not have been made. A write takes some 10 ms, 1 s on a bad day.
pub const WRITE_MARGIN: Duration = Duration::from_secs(1);
/// Bound of a write where there is no election: longer than the API server takes for any, so that
/// one without an answer is told as that.
const UNLED_WRITE: Duration = Duration::from_secs(60);
/// Writes under way at the same time; far above what the passes can start.
const MAX_WRITES: u32 = 1024;

/// Asked before every write. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Gate {
    tenure: watch::Receiver<Tenure>,
    writes: Arc<Semaphore>,
}

/// Opens and closes a [`Gate`]. Held by the leader election alone.
#[derive(Debug)]
pub struct GateKeeper {
    tenure: watch::Sender<Tenure>,
    writes: Arc<Semaphore>,
}

/// Leave for one write, which counts as under way until this is dropped.
#[derive(Debug)]
pub struct Permit {
    epoch: Epoch,
    elected: bool,
    deadline: Instant,
    /// Moves the deadline with each renewal of the lease.
    tenure: watch::Receiver<Tenure>,
    _slot: OwnedSemaphorePermit,
}

/// One tenure of one process. Its text is never that of another tenure, also if the Lease was
/// deleted and its count began again: writing it on an object always changes the object.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Epoch {
    transitions: u32,
    holder: Arc<str>,
}

/// Why this process may not write now.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
pub enum NotLeading {
    /// Another process leads, or nobody does.
    #[error("this process does not lead")]
    Following,
    /// It leads, but the lease was not renewed lately and is about to end.
    #[error("the lease ends within the time that a write takes")]
    Ending,
    /// It led, and will not again: the lease was lost, or the process is about to end.
    #[error("this process has stopped writing")]
    Over,
    /// More writes are under way than the operator ever starts.
    #[error("{MAX_WRITES} writes are under way")]
    Crowded,
}

/// A write was given up because the lease ends. It may or may not have been made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("gave the write up because the lease ends; it may have been made")]
pub struct CutOff;

#[derive(Debug)]
enum Tenure {
    Following,
    Leading { epoch: Epoch, until: Instant },
    Unled { epoch: Epoch },
    Over,
}

impl Gate {
    /// A gate that is shut until its keeper opens it.
    #[must_use]
    pub fn shut() -> (GateKeeper, Self) {
        let (tenure, seen) = watch::channel(Tenure::Following);
        let writes = Arc::new(Semaphore::new(MAX_WRITES as usize));
        (GateKeeper { tenure, writes: Arc::clone(&writes) }, Self { tenure: seen, writes })
    }

    /// A gate that is always open, for one process without an election. `identity` must differ
    /// from one process to the next.
    #[must_use]
    pub fn open(identity: &str) -> Self {
        let epoch = Epoch::new(0, identity);
        let (_, tenure) = watch::channel(Tenure::Unled { epoch });
        Self { tenure, writes: Arc::new(Semaphore::new(MAX_WRITES as usize)) }
    }

    /// Leave for one write that begins now.
    ///
    /// # Errors
    /// If the process does not lead, or its lease ends within [`WRITE_MARGIN`].
    pub(crate) fn check(&self) -> Result<Permit, NotLeading> {
        let now = Instant::now();
        // Held until the slot is taken: `close` then either sees the slot or refuses the permit.
        let tenure = self.tenure.borrow();
        let (epoch, elected, deadline) = match &*tenure {
            Tenure::Following => return Err(NotLeading::Following),
            Tenure::Over => return Err(NotLeading::Over),
            Tenure::Leading { until, .. } if *until < now + WRITE_MARGIN => {
                return Err(NotLeading::Ending);
            }
            Tenure::Leading { epoch, until } => (epoch.clone(), true, *until),
            Tenure::Unled { epoch } => (epoch.clone(), false, now + UNLED_WRITE),
        };
        let slot = Arc::clone(&self.writes).try_acquire_owned();
        let slot = slot.map_err(|_| NotLeading::Crowded)?;
        Ok(Permit { epoch, elected, deadline, tenure: self.tenure.clone(), _slot: slot })
    }

    /// Waits until this process leads.
    ///
    /// # Errors
    /// [`NotLeading::Over`] once it never will.
    pub async fn leading(&self) -> Result<Epoch, NotLeading> {
        let mut tenure = self.tenure.clone();
        let settled = tenure.wait_for(|it| !matches!(it, Tenure::Following)).await;
        match &*settled.map_err(|_| NotLeading::Over)? {
            Tenure::Leading { epoch, .. } | Tenure::Unled { epoch } => Ok(epoch.clone()),
            Tenure::Following | Tenure::Over => Err(NotLeading::Over),
        }
    }
}

impl GateKeeper {
    /// Open until `until`; called again at each renewal.
    pub(crate) fn open(&self, epoch: &Epoch, until: Instant) {
        self.tenure.send_replace(Tenure::Leading { epoch: epoch.clone(), until });
    }

    /// Shut for good. Writes that are under way go on, each until its own deadline.
    pub(crate) fn close(&self) {
        self.tenure.send_replace(Tenure::Over);
    }

    /// Waits until no write is under way; call [`close`](Self::close) first.
    pub(crate) async fn drained(&self) {
        // Fails only on a closed semaphore, and this one is never closed.
        if let Ok(all) = self.writes.acquire_many(MAX_WRITES).await {
            all.forget();
        }
    }
}

impl Permit {
    /// The tenure this write belongs to.
    pub(crate) const fn epoch(&self) -> &Epoch {
        &self.epoch
    }

    /// Whether the tenure was won in an election: without one there is no older leader to fence.
    pub(crate) const fn is_elected(&self) -> bool {
        self.elected
    }

    /// How long the write may take from now on; 0 once the lease is over.
    pub(crate) fn remaining(&self) -> Duration {
        self.deadline.saturating_duration_since(Instant::now())
    }

    /// Makes the write, and gives it up when the lease ends. Renewals in between let it go on: an
    /// admission webhook may take longer than a lease lasts.
    ///
    /// The time is looked at before every step of the write, not only when a timer fires, so that a
    /// process that stood still past its lease does not send what it was about to send.
    pub(crate) async fn bound<F: Future>(mut self, write: F) -> Result<F::Output, CutOff> {
        let mut write = pin!(write);
        let mut over = pin!(sleep_until(self.deadline));
        poll_fn(|cx| {
            if self.follow_renewals() {
                over.as_mut().reset(self.deadline);
            }
            if self.remaining().is_zero() || over.as_mut().poll(cx).is_ready() {
                return Poll::Ready(Err(CutOff));
            }
            write.as_mut().poll(cx).map(Ok)
        })
        .await
    }

    /// Takes over the end of the tenure as it is now; whether it has moved. A tenure that is over
    /// moves nothing.
    fn follow_renewals(&mut self) -> bool {
        let until = match &*self.tenure.borrow() {
            Tenure::Leading { epoch, until } if *epoch == self.epoch => *until,
            Tenure::Leading { .. } | Tenure::Following | Tenure::Unled { .. } | Tenure::Over => {
                return false;
            }
        };
        std::mem::replace(&mut self.deadline, until) != until
    }
}

impl Epoch {
    /// The tenure of `holder` that began with the `transitions`-th change of hands.
    pub(crate) fn new(transitions: u32, holder: &str) -> Self {
        Self { transitions, holder: holder.into() }
    }
}

/// `<transitions>.<holder>`.
impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}", self.transitions, self.holder)
    }
}

#[cfg(test)]
mod tests;
