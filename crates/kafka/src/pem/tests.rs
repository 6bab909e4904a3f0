//! Certificates and keys that are good, cut, exchanged or only look right.
//! Made anew for each test; nothing connects.

use std::collections::BTreeMap;

use rcgen::{CertificateParams, KeyPair};

use super::{BadPem, check};
use crate::security::Security;

/// A certificate and its key.
fn pair() -> [String; 2] {
    let key = KeyPair::generate().expect("a key");
    let parameters = CertificateParams::new(["kafka".to_owned()]).expect("a name");
    let certificate = parameters.self_signed(&key).expect("a certificate");
    [certificate.pem(), key.serialize_pem()]
}

fn checked(ca: &str, identity: Option<[&str; 2]>) -> Result<(), BadPem> {
    let mut data = BTreeMap::from([("ca.crt".to_owned(), ca.as_bytes().to_vec())]);
    if let Some([certificate, key]) = identity {
        data.insert("tls.crt".to_owned(), certificate.as_bytes().to_vec());
        data.insert("tls.key".to_owned(), key.as_bytes().to_vec());
    }
    check(&Security::from_secret(&data).expect("the right shape"))
}

fn refused(key: &str, outcome: Result<(), BadPem>) {
    let error = outcome.expect_err("it is no good");
    assert_eq!(error.key, key, "{error}");
}

#[test]
fn what_openssl_can_read_is_taken() {
    let [[first, key], [second, _]] = [pair(), pair()];
    let bundle = format!("# ours\n{first}\n# and theirs\n{second}\n# the end\n");
    assert_eq!(checked(&bundle, None), Ok(()));
    assert_eq!(checked(&second, Some([&first, &key])), Ok(()));
    let chain = format!("{first}{second}");
    assert_eq!(checked(&bundle, Some([&chain, &key])), Ok(()));
}

#[test]
fn what_only_looks_right_is_refused_by_name() {
    let [[first, key], [second, other]] = [pair(), pair()];
    let shape = "-----BEGIN CERTIFICATE-----\nc2VjcmV0\n-----END CERTIFICATE-----\n";
    refused("ca.crt", checked(shape, None));
    refused("ca.crt", checked(&format!("{first}{shape}"), None));
    let cut = &first[..first.len() / 2];
    refused("ca.crt", checked(&format!("{second}{cut}"), None));
    refused("tls.crt", checked(&first, Some([shape, &key])));
    let no_key = "-----BEGIN PRIVATE KEY-----\nc2VjcmV0\n-----END PRIVATE KEY-----\n";
    refused("tls.key", checked(&first, Some([&first, no_key])));
    refused("tls.key", checked(&first, Some([&first, &other])));
}
