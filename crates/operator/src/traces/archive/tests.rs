//! From memory to files: what ended, what goes on when the process stops, and disks that fail.
//! How files are written and bounded is tested with the directory.

use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use futures::StreamExt;
use siskin_analysis::Record;
use siskin_analysis::observation::Observation;
use siskin_decide::{Revision, RolloutId};
use siskin_trace::{Line, Mark, Reader, gzip};
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::*;
use crate::name::Name;
use crate::traces::directory::MIN_BYTES;
use crate::traces::recording::Extent;
use crate::traces::shelf::{Attempt, Beginning, Recorder};

const AT: i64 = 1_780_000_000_000;

/// Longer than anything here takes.
const LONG: Duration = Duration::from_secs(20);

/// A directory that goes with the test.
pub(in crate::traces) struct Folder(pub(in crate::traces) PathBuf);

impl Folder {
    pub(in crate::traces) fn new() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let name = format!("siskin-archive-{}-{count}", std::process::id());
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).ok();
    }
}

fn archive(folder: &Folder) -> Archive {
    let directory = Directory::open(&folder.0, MIN_BYTES).unwrap();
    let (traces, ended) = Traces::archived();
    Archive::new(directory, traces, ended, Metrics::new())
}

/// Begins the n-th attempt of shop/orders.
fn begin(traces: &Traces, n: u32) -> Recorder {
    let id = RolloutId { revision: Revision(0xab), attempt: n };
    let settings = siskin_analysis::Settings {
        interval: 10_000,
        warm_up: 0,
        false_rollback_probability: 0.01,
        minimum_evidence: siskin_analysis::MinimumEvidence::Proven,
        user: Arc::default(),
        remembered: siskin_analysis::Remembered::default(),
    };
    let attempt = Attempt { id, settings, beginning: Beginning::Fresh };
    let recorder = traces.recorder(&Name::new("shop", "orders"));
    recorder.begin(attempt, &Record::new(0), AT + i64::from(n));
    recorder
}

fn see(recorder: &Recorder, at: i64) {
    recorder.seen(Observation { at, group: None, pods: Vec::new() });
}

/// The lines of each stored trace, the oldest first.
async fn stored(folder: &Folder) -> Vec<Vec<Line>> {
    let files = Files::new(Directory::open(&folder.0, MIN_BYTES).unwrap());
    let mut all = Vec::new();
    for it in files.list().await.unwrap() {
        let parts: Vec<_> = it.path.split('/').map(ToOwned::to_owned).collect();
        let [namespace, name, file]: [String; 3] = parts.try_into().unwrap();
        let content = files.read(namespace, name, file).await.unwrap().unwrap();
        let parts: Vec<_> = content.parts().map(Result::unwrap).collect().await;
        let bytes = parts.concat();
        let reader = Reader::new(gzip::text(&bytes[..]).unwrap()).unwrap();
        all.push(reader.collect::<Result<_, _>>().unwrap());
    }
    all
}

fn abandoned(line: &Line) -> bool {
    matches!(line, Line::Mark { mark: Mark::Ended { reason, .. }, .. } if reason == "Abandoned")
}

fn counted(archive: &Archive, outcome: &str) -> Option<String> {
    let text = archive.metrics.encode().unwrap();
    let series = format!("siskin_trace_files_total{{outcome=\"{outcome}\"}} ");
    text.lines().find_map(|it| Some(it.strip_prefix(&series)?.to_owned()))
}

#[tokio::test]
async fn a_trace_is_stored_when_it_has_ended_and_outlives_the_process() {
    let folder = Folder::new();
    let archive = archive(&folder);
    let recorder = begin(&archive.traces, 1);
    see(&recorder, AT + 10_000);
    archive.store(Unstored::Ended).await;
    assert!(stored(&folder).await.is_empty(), "it goes on");
    recorder.finish(AT + 20_000);
    timeout(LONG, archive.ended.notified()).await.expect("told");
    archive.store(Unstored::Ended).await;
    archive.store(Unstored::All).await;
    assert_eq!(counted(&archive, "Written").as_deref(), Some("1"), "once");
    drop((archive, recorder));
    let [lines] = &stored(&folder).await[..] else { panic!("one trace") };
    assert!(matches!(lines[..], [Line::Mark { .. }, Line::Seen(_), ref end] if abandoned(end)));
}

#[tokio::test]
async fn what_is_recorded_when_the_process_stops_is_stored_so_far() {
    let folder = Folder::new();
    let archive = archive(&folder);
    let recorder = begin(&archive.traces, 1);
    see(&recorder, AT + 10_000);
    timeout(LONG, archive.run(async {})).await.expect("an end");
    let [lines] = &stored(&folder).await[..] else { panic!("one trace") };
    assert_eq!(lines.len(), 2, "{lines:?}");
}

#[tokio::test]
async fn a_trace_whose_place_the_next_one_takes_is_stored_all_the_same() {
    let folder = Folder::new();
    let archive = archive(&folder);
    see(&begin(&archive.traces, 1), AT + 10_000);
    begin(&archive.traces, 2).finish(AT + 20_000);
    archive.traces.forget(&Name::new("shop", "orders"));
    archive.store(Unstored::Ended).await;
    assert_eq!(stored(&folder).await.len(), 2);
    assert!(archive.traces.unstored(Unstored::All).is_empty());
}

#[tokio::test]
async fn what_can_not_be_written_is_counted_and_tried_again() {
    let folder = Folder::new();
    let archive = archive(&folder);
    let obstacle = folder.0.join("shop");
    std::fs::write(&obstacle, "").unwrap();
    begin(&archive.traces, 1).finish(AT + 20_000);
    archive.store(Unstored::Ended).await;
    assert_eq!(counted(&archive, "Failed").as_deref(), Some("1"));
    assert_eq!(archive.traces.list()[0].state, Extent::Complete, "memory has it");
    std::fs::remove_file(&obstacle).unwrap();
    archive.store(Unstored::All).await;
    assert_eq!(stored(&folder).await.len(), 1);
}

#[tokio::test]
async fn a_volume_that_does_not_answer_delays_nobody_and_fills_no_memory() {
    let folder = Folder::new();
    let archive = archive(&folder);
    let (traces, metrics) = (archive.traces.clone(), archive.metrics.clone());
    let directory = archive.directory.clone();
    begin(&traces, 0).finish(AT);
    let partial = begin_hanging(&archive);
    let (stop, stopped) = oneshot::channel::<()>();
    let task = tokio::spawn(async move {
        archive.run(async { stopped.await.unwrap_or_default() }).await;
    });
    // It waits for a reader of the pipe, which is a volume that hangs.
    sleep(Duration::from_millis(50)).await;
    for n in 1..=100 {
        begin(&traces, n).finish(AT + i64::from(n));
    }
    assert!(!task.is_finished() && directory.list().unwrap().is_empty());
    let waiting = traces.unstored(Unstored::All).len();
    assert_eq!(waiting, 65, "64 off the shelf, and the last");
    stop.send(()).unwrap();
    // The volume answers again; the pipe was given the name of the first trace, but is no file.
    std::fs::read(&partial).unwrap();
    timeout(LONG, task).await.expect("an end").unwrap();
    let text = metrics.encode().unwrap();
    assert!(text.contains("siskin_trace_files_total{outcome=\"Dropped\"} 36\n"), "{text}");
    assert_eq!(stored(&folder).await.len(), 65);
}

/// Puts a pipe in place of what is being written: whoever opens it waits for the other end.
fn begin_hanging(archive: &Archive) -> PathBuf {
    let partial = archive.directory.partial().to_owned();
    let made = Command::new("mkfifo").arg(&partial).status().unwrap();
    assert!(made.success());
    partial
}
