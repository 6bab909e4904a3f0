//! The worker's HTTP side: /metrics for Prometheus, /ready for the kubelet.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::Router;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::routing::get;

use crate::metrics::Metrics;

/// What the text is. Taken for plain text, Prometheus refuses all of it for the type `info`.
const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Serves until the process ends.
pub async fn serve(
    address: SocketAddr,
    metrics: Metrics,
    ready: Arc<AtomicBool>,
) -> anyhow::Result<()> {
    let text = move || {
        let metrics = metrics.clone();
        async move { ([(CONTENT_TYPE, OPEN_METRICS)], metrics.text()) }
    };
    let probe = move || {
        let ready = ready.load(Ordering::Relaxed);
        async move { if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE } }
    };
    let app = Router::new().route("/metrics", get(text)).route("/ready", get(probe));
    let listener = tokio::net::TcpListener::bind(address).await?;
    axum::serve(listener, app).await?;
    Ok(())
}
