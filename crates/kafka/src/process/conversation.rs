//! Orders into a process and reports out of it, until one of the two ends it.
//! Believes of a report only what was asked for; starts nothing and remembers no crash.

use std::collections::HashMap;
use std::process::ExitStatus;
use std::sync::Arc;
use std::time::Duration;

use futures::future::{join, pending};
use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};
use tokio::sync::{Notify, mpsc, oneshot};

use crate::error::SampleError;
use crate::foreign::{cleaned, cleaned_error, cleaned_line};
use crate::notice::{Notice, Notices};
use crate::process::frames::{self, FrameError};
use crate::process::messages::{Columns, Report, SnapshotError};
use crate::snapshot::GroupSnapshot;

/// Longest wait for a report: ten seconds longer than a sample takes. A process that needs more does
/// not listen any more, and is ended.
pub(super) const REPORT_WITHIN: Duration = Duration::from_secs(40);
/// Bytes that are told of what a process wrote last to its standard error.
const LAST_WORDS: usize = 512;

pub(super) type SampleOutcome = Result<GroupSnapshot, SampleError>;

/// Who waits for which report of one process.
#[derive(Default)]
pub(super) struct Waiting {
    expected: Mutex<Expected>,
    /// Told when a report did not come in time.
    silent: Notify,
}

#[derive(Default)]
struct Expected {
    next: u64,
    reports: HashMap<u64, oneshot::Sender<SampleOutcome>>,
    /// What samples are told once the process has ended.
    ended: Option<SampleError>,
}

/// A report that is waited for. Dropping it forgets it.
pub(super) struct Expectation {
    /// Number of the order.
    pub(super) id: u64,
    /// The report; an error if the process ends first.
    pub(super) report: oneshot::Receiver<SampleOutcome>,
    waiting: Arc<Waiting>,
}

/// Why a conversation ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error("it ended by itself")]
    ByItself,
    #[error("it sent {0}")]
    Nonsense(FrameError),
    #[error("it sent {0}")]
    Lies(SnapshotError),
    #[error("it gave no answer for {} s", REPORT_WITHIN.as_secs())]
    Silent,
}

impl Waiting {
    /// Waits for one more report.
    ///
    /// # Errors
    /// What samples are told, if the process has ended.
    pub(super) fn expect(self: &Arc<Self>) -> Result<Expectation, SampleError> {
        let mut expected = self.expected.lock();
        if let Some(ended) = &expected.ended {
            return Err(ended.clone());
        }
        let (reported, report) = oneshot::channel();
        let id = expected.next;
        expected.next += 1;
        expected.reports.insert(id, reported);
        Ok(Expectation { id, report, waiting: Arc::clone(self) })
    }

    /// What samples are told, once the process has ended.
    pub(super) fn ended(&self) -> Option<SampleError> {
        self.expected.lock().ended.clone()
    }

    /// Ends a process that does not report.
    pub(super) fn give_up(&self) {
        self.silent.notify_one();
    }

    /// Tells all who wait that the process has ended.
    pub(super) fn end(&self, told: SampleError) {
        let mut expected = self.expected.lock();
        expected.ended = Some(told);
        expected.reports.clear();
    }

    /// Hands a report to whoever waits for it; others wait no more, or never did.
    fn deliver(&self, id: u64, outcome: SampleOutcome) {
        if let Some(waits) = self.expected.lock().reports.remove(&id) {
            waits.send(outcome).ok();
        }
    }
}

impl Drop for Expectation {
    fn drop(&mut self) {
        self.waiting.expected.lock().reports.remove(&self.id);
    }
}

/// Converses with a process until it ends or has to be ended, and says why it did.
pub(super) async fn hold(
    mut child: Child,
    orders: mpsc::Receiver<Vec<u8>>,
    waiting: &Waiting,
    notices: &Notices,
) -> String {
    let (input, output, errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    let converse = async {
        let ended = tokio::select! {
            ended = read(output, waiting, notices) => ended,
            () = write(input, orders) => Ended::ByItself,
            () = waiting.silent.notified() => Ended::Silent,
        };
        // It may have ended already.
        child.start_kill().ok();
        (ended, child.wait().await.ok())
    };
    let ((ended, status), words) = join(converse, last_words(errors)).await;
    told(&ended, status, &words)
}

fn told(ended: &Ended, status: Option<ExitStatus>, words: &[u8]) -> String {
    let words = cleaned(String::from_utf8_lossy(words).trim(), LAST_WORDS);
    let why = match (ended, status) {
        (Ended::ByItself, Some(status)) => status.to_string(),
        (Ended::ByItself | Ended::Nonsense(_) | Ended::Lies(_) | Ended::Silent, _) => {
            ended.to_string()
        }
    };
    if words.is_empty() { why } else { format!("{why}: {words}") }
}

/// Takes reports in; ends with the process, or with a report that makes no sense.
async fn read(output: Option<ChildStdout>, waiting: &Waiting, notices: &Notices) -> Ended {
    let Some(mut output) = output else { return Ended::ByItself };
    loop {
        let outcome = match frames::receive::<Report>(&mut output).await {
            Ok(Some(report)) => take_in(report, waiting, notices),
            Ok(None) | Err(FrameError::Pipe(_) | FrameError::Cut) => Err(Ended::ByItself),
            Err(error @ (FrameError::TooLong { .. } | FrameError::Malformed(_))) => {
                Err(Ended::Nonsense(error))
            }
        };
        if let Err(ended) = outcome {
            return ended;
        }
    }
}

fn take_in(report: Report, waiting: &Waiting, notices: &Notices) -> Result<(), Ended> {
    match report {
        Report::Sampled { id, outcome } => {
            let snapshot = |it: Columns| GroupSnapshot::try_from(it).map_err(Ended::Lies);
            let outcome = outcome.map(snapshot).map_err(cleaned_error);
            waiting.deliver(
                id,
                match outcome {
                    Ok(snapshot) => Ok(snapshot?),
                    Err(error) => Err(error),
                },
            );
        }
        Report::Told(Notice::Line(line)) => notices(Notice::Line(cleaned_line(&line))),
        Report::Told(unread @ Notice::Unread { .. }) => notices(unread),
        // Nobody tells of his own death.
        Report::Told(Notice::Crashed) => {}
    }
    Ok(())
}

/// Writes orders; ends if the process reads no more. A frame is written to its end.
async fn write(input: Option<ChildStdin>, mut orders: mpsc::Receiver<Vec<u8>>) {
    let Some(mut input) = input else { return };
    while let Some(order) = orders.recv().await {
        if input.write_all(&order).await.is_err() {
            // Its end is heard from its output, with all that it said before.
            break;
        }
    }
    pending::<()>().await;
}

/// The end of what a process wrote to its standard error: an assertion of librdkafka says which.
async fn last_words(errors: Option<ChildStderr>) -> Vec<u8> {
    let mut last = Vec::new();
    let Some(mut errors) = errors else { return last };
    let mut part = [0; LAST_WORDS];
    while let Ok(count @ 1..) = errors.read(&mut part).await {
        last.extend_from_slice(&part[..count]);
        let surplus = last.len().saturating_sub(LAST_WORDS);
        last.drain(..surplus);
    }
    last
}
