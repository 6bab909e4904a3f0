//! The sample worker: settings, telemetry, work, SIGTERM.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use anyhow::bail;
use clap::Parser;
use siskin_worker::metrics::Metrics;
use siskin_worker::settings::Settings;
use siskin_worker::{telemetry, work};
use tokio::signal::unix::{SignalKind, signal};

#[tokio::main(worker_threads = 2)]
async fn main() -> anyhow::Result<()> {
    tracing_subscriber::fmt().with_ansi(false).init();
    let settings = Settings::parse();
    tracing::info!(version = settings.version, pod = settings.pod_name, "starting");
    if settings.crash_at_start {
        bail!("crashing at start, as told");
    }
    let metrics = Metrics::new(&settings.version);
    let ready = Arc::new(AtomicBool::new(false));
    let mut terminate = signal(SignalKind::terminate())?;
    let stop = async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = tokio::signal::ctrl_c() => {}
        }
    };
    let served = telemetry::serve(settings.metrics_address, metrics.clone(), Arc::clone(&ready));
    tokio::select! {
        ended = served => ended,
        ended = work::run(settings, metrics, ready, stop) => ended,
    }
}
