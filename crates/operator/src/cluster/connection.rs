//! The client of the API server: how it connects, how many requests are under way, what is counted.
//! Knows no object and makes no call of its own.

use std::time::Duration;

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

/// A connection on which something is waited for and nothing comes for so long is given up. A watch says something every
/// minute or so (a bookmark, by a timer of the API server with a quarter of jitter), and a write takes 40 s at the longest;
/// without it a server that is gone without a word, behind a balancer or a firewall, is believed in for minutes.
const SILENT_FOR: Duration = Duration::from_secs(90);

/// A connection on which nothing is said is probed after so long, and then three times.
const PROBED_AFTER: Duration = Duration::from_secs(30);
const PROBED_EVERY: Duration = Duration::from_secs(10);

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
    connector.set_keepalive(Some(PROBED_AFTER));
    connector.set_keepalive_interval(Some(PROBED_EVERY));
    connector.set_keepalive_retries(Some(3));
    let mut connector =
        TimeoutConnector::new(config.rustls_https_connector_with_connector(connector)?);
    connector.set_connect_timeout(config.connect_timeout);
    connector.set_read_timeout(Some(config.read_timeout.unwrap_or(SILENT_FOR)));
    connector.set_write_timeout(config.write_timeout);
    // One that was idle in the pool is asked anew: what it did not say before is not held against it.
    connector.set_reset_reader_on_write(true);
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

#[cfg(test)]
mod tests {
    use kube::api::ListParams;
    use kube::{Api, api::DynamicObject, discovery::ApiResource};
    use tokio::net::TcpListener;

    use super::*;

    /// As one API server of several that takes connections and is stuck.
    #[tokio::test(start_paused = true)]
    async fn a_server_that_takes_the_connection_and_never_answers_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let silent = tokio::spawn(async move {
            let mut held = Vec::new();
            while let Ok((stream, _)) = listener.accept().await {
                held.push(stream);
            }
        });
        let config = Config::new(format!("http://{address}").parse().expect("an address"));
        let count: Count = std::sync::Arc::new(|_, _| ());
        let client = client(config, &count).expect("a client");
        let kind = ApiResource::erase::<k8s_openapi::api::core::v1::Pod>(&());
        let pods: Api<DynamicObject> = Api::all_with(client, &kind);
        let listed = tokio::time::timeout(SILENT_FOR * 2, pods.list(&ListParams::default())).await;
        assert!(listed.expect("in time").is_err());
        silent.abort();
    }
}
