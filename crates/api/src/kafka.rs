//! Which consumer group a rollout is judged by, and how to reach its cluster.
//! Types only: what they may hold together is checked elsewhere.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::references::SecretRef;

/// Where the consumers get their work.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct KafkaSource {
    /// Addresses of brokers, `host:port`, 1 to 20 of them; the rest of the cluster is found through
    /// them.
    #[schemars(
        length(min = 1, max = 20),
        inner(length(min = 3, max = 260), regex(pattern = KafkaSource::SERVER_PATTERN))
    )]
    pub bootstrap_servers: Vec<String>,
    /// The consumer group of the Deployment's pods.
    #[schemars(length(min = 1, max = 255))]
    pub consumer_group: String,
    /// The topics that count, at most 100. Default: all that the group has assigned.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(
        length(min = 1, max = 100),
        inner(length(min = 1, max = 249), regex(pattern = r"^[A-Za-z0-9._-]+$"))
    )]
    pub topics: Vec<String>,
    /// A Secret of this namespace that says how to connect, by the keys `ca.crt` (TLS, by
    /// these authorities) or `tls` with the value `system` (TLS, by public authorities): without one of
    /// them there is no TLS; `tls.crt` and `tls.key` (client certificate), `sasl.mechanism` (`PLAIN`,
    /// `SCRAM-SHA-256`, `SCRAM-SHA-512`), `username` and `password`. Default: plain text, no
    /// authentication.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credentials_secret_ref: Option<SecretRef>,
}

impl KafkaSource {
    /// Pattern of a server in the schema: host name, IPv4 address or bracketed IPv6 address, and a
    /// port from 1 to 65535.
    pub const SERVER_PATTERN: &str = concat!(
        r"^([A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\])",
        r":([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}",
        r"|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])$",
    );
}
