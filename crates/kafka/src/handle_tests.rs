//! What librdkafka says of a configuration that it refuses, without the values in it.
//! Makes clients that never connect.

use std::collections::BTreeMap;

use rdkafka::error::KafkaError;
use rdkafka::types::RDKafkaConfRes;

use super::{Connection, without_values};
use crate::config::ClusterConfig;
use crate::error::SampleError;
use crate::security::Security;

#[test]
fn pem_that_only_looks_right_is_refused_by_name() {
    let pem = "-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----\n";
    let data = BTreeMap::from([("ca.crt".to_owned(), pem.as_bytes().to_vec())]);
    let security = Security::from_secret(&data).expect("the right shape");
    let cluster =
        ClusterConfig::new(["127.0.0.1:1".to_owned()], Some(security)).expect("a valid address");
    let Err(SampleError::Setup { detail }) = Connection::new(cluster) else {
        panic!("the certificate was taken");
    };
    assert!(detail.contains("ssl.ca.pem") && !detail.contains("c2VjcmV0"), "{detail}");
}

#[test]
fn a_refused_property_is_named_without_its_value() {
    let refused = KafkaError::ClientConfig(
        RDKafkaConfRes::RD_KAFKA_CONF_INVALID,
        "invalid: hunter2".to_owned(),
        "sasl.password".to_owned(),
        "hunter2".to_owned(),
    );
    let shown = without_values(&refused);
    assert!(shown.contains("sasl.password") && !shown.contains("hunter2"), "{shown}");
}
