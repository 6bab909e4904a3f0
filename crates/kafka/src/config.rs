//! Which cluster to talk to and as whom, and the librdkafka settings that follow from it.
//! The only place that names librdkafka properties; none of them comes from a user.

use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::config::RDKafkaLogLevel;

use crate::security::{Authorities, Security};

/// Most bootstrap servers. A client asks a further one only when one fails: more are a mistake.
const MAX_SERVERS: usize = 32;
/// Longest `host:port` in bytes: a DNS name has at most 253, a colon and a port take 6 more.
const MAX_SERVER_BYTES: usize = 259;

/// Longest answer of a broker in bytes. 2 MiB for what is not counted by partitions: the members of a
/// group, the brokers of a cluster. And the commits of 1,000 partitions, as many as are asked for at
/// a time: each may carry 4 KiB of metadata and, at worst, a topic's name of its own.
const LONGEST_ANSWER: usize = (2 << 20) + 1_000 * (4_096 + 249 + 64);

/// One Kafka cluster and the credentials to use: equal values share one connection.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ClusterConfig {
    bootstrap_servers: Vec<String>,
    security: Option<Security>,
}

/// Error in a list of bootstrap servers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClusterConfigError {
    /// The list is empty or too long.
    #[error("{count} bootstrap servers given; give 1 to 32")]
    ServerCount {
        /// Number of servers given.
        count: usize,
    },
    /// An entry is not `host:port`.
    #[error("bootstrap server {server:?} is not of the form host:port")]
    BadServer {
        /// The malformed entry, cut to 80 characters.
        server: String,
    },
}

impl ClusterConfig {
    /// Checks and normalizes the servers: order and duplicates make no other cluster.
    ///
    /// # Errors
    /// [`ClusterConfigError`] unless there are 1 to 32 servers, each `host:port` (an IPv6 address
    /// in brackets).
    pub fn new(
        bootstrap_servers: impl IntoIterator<Item = String>,
        security: Option<Security>,
    ) -> Result<Self, ClusterConfigError> {
        let mut servers: Vec<String> =
            bootstrap_servers.into_iter().take(MAX_SERVERS + 1).collect();
        servers.sort_unstable();
        servers.dedup();
        if servers.is_empty() || servers.len() > MAX_SERVERS {
            return Err(ClusterConfigError::ServerCount { count: servers.len() });
        }
        if let Some(bad) = servers.iter().find(|server| !is_host_and_port(server)) {
            let server = bad.chars().take(80).collect();
            return Err(ClusterConfigError::BadServer { server });
        }
        Ok(Self { bootstrap_servers: servers, security })
    }

    /// The bootstrap servers, sorted and joined by commas.
    #[must_use]
    pub fn servers(&self) -> String {
        self.bootstrap_servers.join(",")
    }

    /// TLS and SASL, if the cluster asks for them.
    #[must_use]
    pub fn security(&self) -> Option<&Security> {
        self.security.as_ref()
    }

    /// The librdkafka settings; metadata is asked for again after `metadata`. Holds secrets: never
    /// print it, nor an error made from it.
    pub(crate) fn to_librdkafka(&self, metadata: Duration) -> ClientConfig {
        let mut config = ClientConfig::new();
        config
            // Whatever our own log shows: why a broker hangs up is said at this level only.
            .set_log_level(RDKafkaLogLevel::Info)
            .set("bootstrap.servers", self.servers())
            .set("client.id", "siskin")
            .set("socket.keepalive.enable", "true")
            // Within the 10 s that a call waits, so that it hears why; the default is 30 s. TLS and
            // SASL take half a second, some seconds with a broker that has just started.
            .set("socket.connection.setup.timeout.ms", "9000")
            // By default leaders are remembered for 900 s, and a lost one is asked for so long.
            .set("topic.metadata.refresh.interval.ms", metadata.as_millis().to_string())
            // The longest answer that is waited for; by default 100 MB, which is most of the operator's.
            .set("receive.message.max.bytes", LONGEST_ANSWER.to_string())
            .set("metadata.max.age.ms", (metadata * 3).as_millis().to_string())
            // A broker may otherwise ask this client for its metrics (KIP-714).
            .set("enable.metrics.push", "false");
        let tls = self.security.as_ref().and_then(Security::tls);
        let sasl = self.security.as_ref().and_then(Security::sasl);
        let protocol = match (tls.is_some(), sasl.is_some()) {
            (false, false) => "plaintext",
            (true, false) => "ssl",
            (false, true) => "sasl_plaintext",
            (true, true) => "sasl_ssl",
        };
        config.set("security.protocol", protocol);
        if let Some(tls) = tls {
            match &tls.authorities {
                Authorities::Pem(text) => config.set("ssl.ca.pem", text),
                // Wherever this system keeps them: the client is linked with an OpenSSL of its own, which does not know.
                Authorities::System => config.set("ssl.ca.location", "probe"),
            };
            config.set("ssl.endpoint.identification.algorithm", "https");
            if let Some(identity) = &tls.identity {
                config
                    .set("ssl.certificate.pem", &identity.certificate_pem)
                    .set("ssl.key.pem", &identity.key_pem);
            }
        }
        if let Some(sasl) = sasl {
            // Always with a mechanism: the default is GSSAPI, which is not built in.
            config
                .set("sasl.mechanism", <&str>::from(sasl.mechanism))
                .set("sasl.username", &sasl.username)
                .set("sasl.password", &sasl.password)
                // Each attempt is a login, and some companies lock an account after a few: a broker
                // that refuses is asked after 5 s, 10 s, 20 s, and then every 30 s.
                .set("reconnect.backoff.ms", "5000")
                .set("reconnect.backoff.max.ms", "30000");
        }
        config
    }
}

/// Whether the text is `host:port` and no more: librdkafka also reads `protocol://` and commas.
fn is_host_and_port(server: &str) -> bool {
    let Some((host, port)) = server.rsplit_once(':') else { return false };
    let bracketed = host.strip_prefix('[').and_then(|host| host.strip_suffix(']'));
    let host_ok = match bracketed {
        Some(address) => address.parse::<std::net::Ipv6Addr>().is_ok(),
        None => {
            !host.is_empty()
                && host.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_'))
        }
    };
    let port_ok =
        port.parse::<u16>().is_ok_and(|port| port > 0) && port.chars().all(|c| c.is_ascii_digit());
    host_ok && port_ok && server.len() <= MAX_SERVER_BYTES
}

#[cfg(test)]
mod tests;
