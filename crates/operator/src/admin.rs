//! The HTTP endpoints: `/healthz`, `/readyz`, `/metrics`, and for people `/traces`.
//! Reports what others set; reads no rollout, no API server, and changes nothing.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use futures::{Stream, stream};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use crate::name::Name;
use crate::process::metrics::{CONTENT_TYPE, Metrics};
use crate::traces::archive::{Files, ReadError};
use crate::traces::shelf::{Listed, Traces};

/// Time for requests that are under way when the process stops; each takes a few milliseconds, and
/// a client that keeps its connection open must not delay the exit.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// What the endpoints report.
#[derive(Clone, Debug, Default)]
pub struct Admin {
    /// Behind `/healthz`.
    pub health: Health,
    /// Behind `/readyz`.
    pub readiness: Readiness,
    /// Behind `/metrics`.
    pub metrics: Metrics,
    /// Behind `/traces`.
    pub traces: Traces,
    /// Behind `/traces/files`, if traces are stored.
    pub files: Option<Files>,
}

/// Whether the tasks of the process still move. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Health {
    pulses: Arc<Mutex<Vec<Pulse>>>,
}

/// Set by one task each time it comes round. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Heartbeat {
    began: Instant,
    /// Milliseconds after `began`.
    last: Arc<AtomicU64>,
}

/// Whether everything has been seen once. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Readiness {
    conditions: Arc<Mutex<Vec<Condition>>>,
}

/// One thing to have been seen. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Condition {
    name: &'static str,
    met: Arc<AtomicBool>,
}

/// Why the endpoints could not be served.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The address is in use, or not of this machine.
    #[error("listen on {address} for the admin endpoints")]
    Listen {
        /// As asked for.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The listener broke.
    #[error("serve the admin endpoints")]
    Serve(#[source] std::io::Error),
}

#[derive(Debug)]
struct Pulse {
    task: &'static str,
    at_least_every: Duration,
    heartbeat: Heartbeat,
}

/// Listens on `address`; port 0 takes any free one.
///
/// # Errors
/// If the address can't be listened on.
pub async fn listen(address: SocketAddr) -> Result<TcpListener, AdminError> {
    TcpListener::bind(address).await.map_err(|source| AdminError::Listen { address, source })
}

/// Answers requests until `shutdown`.
///
/// # Errors
/// If the listener breaks.
pub async fn serve(
    listener: TcpListener,
    admin: Admin,
    shutdown: impl Future<Output = ()> + Send + 'static,
) -> Result<(), AdminError> {
    let (stopping, stopped) = oneshot::channel();
    let stop = async move {
        shutdown.await;
        // The other half waits in the `select!` below, or the server has ended already.
        let _ = stopping.send(());
    };
    let server = axum::serve(listener, router(admin)).with_graceful_shutdown(stop);
    tokio::select! {
        ended = server.into_future() => ended.map_err(AdminError::Serve),
        () = async { if stopped.await.is_ok() { sleep(CLOSE_WITHIN).await } } => Ok(()),
    }
}

impl Health {
    /// A heartbeat of `task`; the process is unhealthy when it does not beat for `at_least_every`.
    /// Beats once now.
    #[must_use]
    pub fn task(&self, task: &'static str, at_least_every: Duration) -> Heartbeat {
        let heartbeat = Heartbeat { began: Instant::now(), last: Arc::default() };
        let pulse = Pulse { task, at_least_every, heartbeat: heartbeat.clone() };
        self.pulses.lock().unwrap_or_else(PoisonError::into_inner).push(pulse);
        heartbeat
    }

    /// One line for each task that stands still; empty: healthy.
    #[must_use]
    pub fn standing_still(&self) -> Vec<String> {
        let pulses = self.pulses.lock().unwrap_or_else(PoisonError::into_inner);
        let still = pulses.iter().filter_map(|it| {
            let age = it.heartbeat.age();
            (age > it.at_least_every)
                .then(|| format!("{}: no heartbeat for {} s", it.task, age.as_secs()))
        });
        still.collect()
    }
}

impl Heartbeat {
    /// The task came round.
    pub fn beat(&self) {
        self.last.store(self.since_began(), Ordering::Relaxed);
    }

    fn age(&self) -> Duration {
        let last = self.last.load(Ordering::Relaxed);
        Duration::from_millis(self.since_began().saturating_sub(last))
    }

    fn since_began(&self) -> u64 {
        u64::try_from(self.began.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

impl Readiness {
    /// Another thing that must be seen once, such as the first listing of a watch.
    #[must_use]
    pub fn condition(&self, name: &'static str) -> Condition {
        let condition = Condition { name, met: Arc::default() };
        let mut conditions = self.conditions.lock().unwrap_or_else(PoisonError::into_inner);
        conditions.push(condition.clone());
        condition
    }

    /// One line for each condition that is not met yet; empty: ready.
    #[must_use]
    pub fn missing(&self) -> Vec<String> {
        let conditions = self.conditions.lock().unwrap_or_else(PoisonError::into_inner);
        let missing = conditions.iter().filter(|it| !it.met.load(Ordering::Acquire));
        missing.map(|it| format!("waiting for {}", it.name)).collect()
    }
}

impl Condition {
    /// It was seen; this is never taken back.
    pub fn met(&self) {
        self.met.store(true, Ordering::Release);
    }
}

fn router(admin: Admin) -> Router {
    Router::new()
        .route("/healthz", get(healthz))
        .route("/readyz", get(readyz))
        .route("/metrics", get(metrics))
        .route("/traces", get(traces))
        .route("/traces/files", get(files))
        .route("/traces/{namespace}/{name}", get(trace))
        .route("/traces/{namespace}/{name}/{file}", get(file))
        .with_state(admin)
}

async fn healthz(State(admin): State<Admin>) -> Response {
    all_well(&admin.health.standing_still())
}

async fn readyz(State(admin): State<Admin>) -> Response {
    all_well(&admin.readiness.missing())
}

async fn metrics(State(admin): State<Admin>) -> Response {
    match admin.metrics.encode() {
        Ok(text) => ([(header::CONTENT_TYPE, CONTENT_TYPE)], text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

async fn traces(State(admin): State<Admin>) -> Json<Vec<Listed>> {
    Json(admin.traces.list())
}

/// A file, not an encoding of the answer: whatever lies between would undo an encoding, or keep it,
/// as it likes, and not all of it reads gzip of several members.
async fn trace(State(admin): State<Admin>, Path(of): Path<(String, String)>) -> Response {
    let name = Name::new(of.0, of.1);
    let Some(members) = admin.traces.of(&name) else {
        let answer = format!("there is no trace of {name}: /traces lists those there are\n");
        return (StatusCode::NOT_FOUND, answer).into_response();
    };
    let members = stream::iter(members.into_iter().map(Ok::<Bytes, Infallible>));
    gzip(members)
}

async fn files(State(admin): State<Admin>) -> Response {
    let Some(files) = admin.files else { return not_stored() };
    match files.list().await {
        Ok(list) => Json(list).into_response(),
        Err(error) => unread(&error),
    }
}

async fn file(State(admin): State<Admin>, Path(of): Path<[String; 3]>) -> Response {
    let Some(files) = admin.files else { return not_stored() };
    match files.read(of).await {
        Ok(Some(content)) => gzip(content.parts()),
        Ok(None) => {
            let answer = "there is no such file: /traces/files lists those there are\n";
            (StatusCode::NOT_FOUND, answer).into_response()
        }
        Err(error) => unread(&error),
    }
}

fn gzip(parts: impl Stream<Item = Result<Bytes, Infallible>> + Send + 'static) -> Response {
    ([(header::CONTENT_TYPE, "application/gzip")], Body::from_stream(parts)).into_response()
}

fn not_stored() -> Response {
    let answer = "traces are not stored: start the operator with --trace-directory\n";
    (StatusCode::NOT_FOUND, answer).into_response()
}

fn unread(error: &ReadError) -> Response {
    match error {
        ReadError::Busy => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
        ReadError::Read(source) => {
            let answer = format!("{error}: {source}\n");
            (StatusCode::INTERNAL_SERVER_ERROR, answer).into_response()
        }
    }
}

fn all_well(reasons: &[String]) -> Response {
    if reasons.is_empty() {
        return (StatusCode::OK, "ok\n").into_response();
    }
    (StatusCode::SERVICE_UNAVAILABLE, reasons.join("\n") + "\n").into_response()
}

#[cfg(test)]
mod tests;
