//! Stands in for metrics-server and for an adapter of external metrics: autoscalers of the test bed scale by what it says.
//! What it says is in a file for each namespace, which a scenario writes; it measures nothing.

mod answers;
mod tls;
mod values;

use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use axum::Router;
use axum::routing::get;
use clap::Parser;

use answers::Meter;
use values::Values;

/// Serves metrics.k8s.io and external.metrics.k8s.io to the API server's aggregation layer.
///
/// Its client of the API server is that of KUBECONFIG.
#[derive(Debug, Parser)]
struct Cli {
    /// Where to listen
    #[arg(long)]
    address: SocketAddr,
    /// The server's certificate, as PEM
    #[arg(long)]
    certificate: PathBuf,
    /// The key of the certificate, as PEM
    #[arg(long)]
    key: PathBuf,
    /// Folder of the values: NAMESPACE.json as {"cpu": "250m", "external": {"lag": 40}}
    #[arg(long)]
    values: PathBuf,
}

#[tokio::main]
async fn main() -> Result<()> {
    let cli = Cli::parse();
    // An error means that the process has a provider already, which is all that is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let client = kube::Client::try_default().await.context("making a Kubernetes client")?;
    let meter = Meter { client, values: Values::of(cli.values) };
    let (external, resource) =
        ("/apis/external.metrics.k8s.io/v1beta1", "/apis/metrics.k8s.io/v1beta1");
    let router = Router::new()
        .route(external, get(answers::external_resources))
        .route(resource, get(answers::pod_resources))
        .route(&format!("{external}/namespaces/{{namespace}}/{{metric}}"), get(answers::external))
        .route(&format!("{resource}/namespaces/{{namespace}}/pods"), get(answers::pods))
        .with_state(meter);
    let listener = tls::Listener::bind(cli.address, &cli.certificate, &cli.key).await?;
    axum::serve(listener, router).await.context("serving metrics")
}
