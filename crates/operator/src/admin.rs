//! The HTTP endpoints: `/healthz`, `/readyz`, `/metrics`, and for people `/traces`.
//! Reports what others set; reads no rollout, no API server, and changes nothing.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use futures::{Stream, stream};
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::time::sleep;

use crate::name::Name;
use crate::process::health::{Health, Readiness};
use crate::process::metrics::{CONTENT_TYPE, Metrics};
use crate::traces::archive::{Files, ReadError};
use crate::traces::recording::Listed;
use crate::traces::shelf::Traces;

/// Time for requests that are under way when the process stops; each takes a few milliseconds, and
/// a client that keeps its connection open must not delay the exit.
const CLOSE_WITHIN: Duration = Duration::from_secs(1);

/// What the endpoints report.
#[derive(Clone, Debug, Default)]
pub struct Admin {
    /// Answers `/healthz`.
    pub health: Health,
    /// Answers `/readyz`.
    pub readiness: Readiness,
    /// Answers `/metrics`.
    pub metrics: Metrics,
    /// Answers `/traces`.
    pub traces: Traces,
    /// Answers `/traces/files`, if traces are stored.
    pub files: Option<Files>,
}

/// Why the endpoints could not be served.
#[derive(Debug, thiserror::Error)]
pub enum AdminError {
    /// The address is in use, or not of this machine.
    #[error("listen on {address} for the admin endpoints")]
    Listen {
        /// The address as configured.
        address: SocketAddr,
        /// What the system says.
        source: std::io::Error,
    },
    /// The listener broke.
    #[error("serve the admin endpoints")]
    Serve(#[source] std::io::Error),
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
    let [namespace, name, file] = of;
    match files.read(namespace, name, file).await {
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
