//! Which addresses are taken, and which librdkafka settings follow from the credentials.
//! Nothing connects.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{ClusterConfig, ClusterConfigError};
use crate::security::Security;

const PEM: &str = "-----BEGIN CERTIFICATE-----\nx\n-----END CERTIFICATE-----\n";

fn servers(servers: &[&str]) -> Result<ClusterConfig, ClusterConfigError> {
    ClusterConfig::new(servers.iter().map(|server| (*server).to_owned()), None)
}

#[test]
fn only_host_and_port_is_taken() {
    for good in ["kafka:9092", "b-0.kafka.ns.svc:1", "10.0.0.1:65535", "[fd00::1]:9092"] {
        assert!(servers(&[good]).is_ok(), "{good}");
    }
    for bad in [
        "kafka",
        "kafka:",
        ":9092",
        "kafka:0",
        "kafka:65536",
        "kafka:+92",
        "SSL://kafka:9092",
        "a:1,b:2",
        "fd00::1:9092",
        "[kafka]:9092",
        "ka fka:9092",
        "kafka\0:9092",
        &format!("{}:9092", "k".repeat(300)),
    ] {
        assert!(matches!(servers(&[bad]), Err(ClusterConfigError::BadServer { .. })), "{bad:?}");
    }
}

#[test]
fn the_number_of_servers_is_bounded() {
    let many: Vec<String> = (1..=33).map(|port| format!("kafka:{port}")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(servers(&[]), Err(ClusterConfigError::ServerCount { count: 0 }));
    assert_eq!(servers(&many), Err(ClusterConfigError::ServerCount { count: 33 }));
    assert!(servers(&many[..32]).is_ok());
}

#[test]
fn order_and_repetition_make_no_other_cluster() {
    assert_eq!(servers(&["b:1", "a:1", "b:1"]), servers(&["a:1", "b:1"]));
    assert_ne!(servers(&["a:1"]), servers(&["b:1"]));
}

#[test]
fn the_protocol_follows_from_the_credentials() {
    type Part<'a> = &'a [(&'a str, &'a str)];
    let sasl = [("sasl.mechanism", "SCRAM-SHA-256"), ("username", "u"), ("password", "p")];
    let (tls, public) = ([("ca.crt", PEM)], [("tls", "system")]);
    let cases: [(&[Part<'_>], &str); 5] = [
        (&[], "plaintext"),
        (&[&tls], "ssl"),
        (&[&sasl], "sasl_plaintext"),
        (&[&tls, &sasl], "sasl_ssl"),
        (&[&public, &sasl], "sasl_ssl"),
    ];
    for (parts, protocol) in cases {
        let data: BTreeMap<String, Vec<u8>> = parts
            .iter()
            .flat_map(|part| part.iter())
            .map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()))
            .collect();
        let security =
            (!data.is_empty()).then(|| Security::from_secret(&data).expect("valid credentials"));
        let cluster = ClusterConfig::new(["k:1".to_owned()], security).expect("a valid address");
        let config = cluster.to_librdkafka(Duration::from_secs(10));
        assert_eq!(config.get("security.protocol"), Some(protocol));
        // Without a mechanism librdkafka falls back to one that is not built in.
        assert_eq!(config.get("sasl.mechanism").is_some(), protocol.starts_with("sasl"));
        assert_eq!(config.get("ssl.ca.pem").is_some(), parts.contains(&&tls[..]));
        assert_eq!(config.get("ssl.ca.location").is_some(), parts.contains(&&public[..]));
    }
}

#[test]
fn the_client_takes_the_public_authorities_of_the_system() {
    let data = BTreeMap::from([("tls".to_owned(), b"system".to_vec())]);
    let security = Security::from_secret(&data).expect("valid credentials");
    let cluster =
        ClusterConfig::new(["127.0.0.1:1".to_owned()], Some(security)).expect("an address");
    let config = cluster.to_librdkafka(Duration::from_secs(10));
    // TLS is set up as the client is made; nobody is asked by then.
    let made = config.create::<rdkafka::producer::BaseProducer>();
    assert!(made.is_ok(), "{:?}", made.err());
}
