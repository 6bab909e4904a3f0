//! The client of the API server: how it connects, how many requests are under way, what is counted.
//! Knows no object and makes no call of its own.

use hyper_timeout::TimeoutConnector;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::{Builder, Client as HttpClient};
use hyper_util::rt::TokioExecutor;
use kube::client::retry::RetryPolicy;
use kube::client::{Body, ConfigExt};
use kube::{Client, Config};
use tower::retry::RetryLayer;
use tower::{BoxError, ServiceBuilder};

use crate::cluster::requests::{BoundedRequests, Count, MAX_REQUESTS};

/// A client for everything but the lease, which must never wait for anything else. It tells `count`
/// of each request.
///
/// # Errors
/// If the configuration names no credentials that can be used.
pub fn client(config: Config, count: &Count) -> Result<Client, kube::Error> {
    if config.proxy_url.is_some() {
        // Says what this build can't do.
        return Client::try_from(config);
    }
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    // A patch of two segments would wait for the server's acknowledgment of the first.
    connector.set_nodelay(true);
    let mut connector =
        TimeoutConnector::new(config.rustls_https_connector_with_connector(connector)?);
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_read_timeout(config.read_timeout);
    connector.set_write_timeout(config.write_timeout);
    connector.set_reset_reader_on_write(config.reset_reader_on_write);
    let http: HttpClient<_, Body> =
        Builder::new(TokioExecutor::new()).pool_max_idle_per_host(MAX_REQUESTS).build(connector);
    let retry = config.default_retry.then(|| RetryLayer::new(RetryPolicy::server_retry()));
    let service = ServiceBuilder::new()
        .layer_fn(|inner| BoundedRequests::new(inner, count.clone()))
        .layer(config.base_uri_layer())
        .option_layer(retry)
        .option_layer(config.auth_layer()?)
        .layer(config.extra_headers_layer()?)
        .map_err(BoxError::from)
        .service(http);
    Ok(Client::new(service, config.default_namespace))
}
