//! A thread and a runtime for the election alone: a renewal waits for no pass, whatever passes compute.
//! Knows nothing of the election; runs what it is given.

use std::future::Future;
use std::thread;

use tokio::runtime::Builder;
use tokio::sync::oneshot;

/// Why the election's thread gave no answer.
#[derive(Debug, thiserror::Error)]
pub enum ThreadFailed {
    /// The system gave no thread, or no runtime for it.
    #[error("no thread for the lease: {0}")]
    NotStarted(#[from] std::io::Error),
    /// It ended without an answer: a panic, which was logged.
    #[error("the thread of the lease ended")]
    Ended,
}

/// Runs what `election` makes on a thread of its own, and waits for its answer. The thread ends with
/// the answer, or with the process.
///
/// # Errors
/// If there is no thread, or it ends without an answer.
pub async fn on_own_thread<T, F>(
    election: impl FnOnce() -> F + Send + 'static,
) -> Result<T, ThreadFailed>
where
    T: Send + 'static,
    F: Future<Output = T>,
{
    let (tell, told) = oneshot::channel();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let run = move || {
        // Made inside: a client spawns its tasks where it is made.
        let outcome = runtime.block_on(async move { election().await });
        // Whoever does not listen any more is about to end the process.
        tell.send(outcome).ok();
    };
    thread::Builder::new().name("lease".to_owned()).spawn(run)?;
    told.await.map_err(|_| ThreadFailed::Ended)
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc;
    use std::time::Duration;

    use super::*;

    #[tokio::test]
    async fn an_election_goes_on_while_every_thread_of_the_passes_computes() {
        let (renew, renewals) = mpsc::channel();
        let election = tokio::spawn(on_own_thread(move || async move {
            for _ in 0..3 {
                tokio::time::sleep(Duration::from_millis(1)).await;
                renew.send(()).expect("somebody counts");
            }
            7
        }));
        tokio::task::yield_now().await;
        // Blocks the only thread of this runtime, as a long computation would.
        for _ in 0..3 {
            renewals.recv_timeout(Duration::from_secs(10)).expect("a renewal meanwhile");
        }
        assert_eq!(election.await.expect("no panic").expect("a thread"), 7);
    }

    #[tokio::test]
    async fn a_panic_of_the_election_is_told() {
        let ended = on_own_thread(|| async { panic!("on purpose") }).await;
        assert!(matches!(ended, Err::<(), _>(ThreadFailed::Ended)));
    }
}
