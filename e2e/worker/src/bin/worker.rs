//! The sample worker: settings, telemetry, the working thread, SIGTERM.
//! Ends the process when any of them ends; what the work is, it does not know.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, bail};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};
use siskin_worker::metrics::Metrics;
use siskin_worker::settings::Settings;
use siskin_worker::stop::signalled;
use siskin_worker::{telemetry, work};
use tokio::sync::oneshot;

/// Time that the process has after SIGTERM, whatever the broker does.
const STOP_WITHIN: Duration = Duration::from_millis(1_800);

#[tokio::main(worker_threads = 1)]
async fn main() -> anyhow::Result<()> {
    let settings = Settings::parse();
    if let Err(contradiction) = settings.check() {
        Settings::command().error(ErrorKind::ValueValidation, contradiction).exit();
    }
    tracing_subscriber::fmt().with_ansi(false).with_target(false).init();
    tracing::info!(
        version = settings.place.version,
        pod = settings.place.pod(),
        group = settings.place.group,
        "starting"
    );
    if settings.misbehavior.crash_at_start {
        tracing::error!("crashing at start, as told");
        bail!("crashed as told");
    }
    let metrics = Metrics::new(&settings.place.version);
    let (ready, stop) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
    let address = settings.place.metrics_address;
    let served = telemetry::serve(address, metrics.clone(), Arc::clone(&ready));
    let stopped = signalled()?;
    let mut worked = start(settings, metrics, ready, Arc::clone(&stop))?;
    tokio::select! {
        ended = served => return ended,
        ended = &mut worked => return ended.context("the working thread died")?,
        () = stopped => stop.store(true, Ordering::Relaxed),
    }
    let last = tokio::time::timeout(STOP_WITHIN, worked).await;
    last.context("the group did not answer in time; leaving as a killed worker")?
        .context("the working thread died")?
}

/// A thread of its own, because a runtime would wait for it where the process must end.
fn start(
    settings: Settings,
    metrics: Metrics,
    ready: Arc<AtomicBool>,
    stop: Arc<AtomicBool>,
) -> anyhow::Result<oneshot::Receiver<anyhow::Result<()>>> {
    let (done, worked) = oneshot::channel();
    let work = move || {
        let outcome = work::run(&settings, metrics, ready, &stop);
        // Nobody listens when the process is ending already.
        done.send(outcome).ok();
    };
    std::thread::Builder::new().name("work".to_owned()).spawn(work).context("starting a thread")?;
    Ok(worked)
}
