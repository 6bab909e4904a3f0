//! Secrets as people make them, right and wrong; and that no value of one is ever shown.
//! The values are made up; nothing connects.

use std::collections::BTreeMap;

use super::{CredentialsError, SaslMechanism, Security};

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nsecret-one\n-----END CERTIFICATE-----\n";
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nsecret-two\n-----END PRIVATE KEY-----\n";

fn parse(data: &[(&str, &str)]) -> Result<Security, CredentialsError> {
    let data = data.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()));
    Security::from_secret(&data.collect())
}

#[test]
fn complete_sets_are_taken_and_other_keys_ignored() {
    let scram = [("sasl.mechanism", "SCRAM-SHA-512"), ("username", "u"), ("password", "p w=;")];
    let security = parse(&scram).expect("SASL alone");
    let sasl = security.sasl().expect("SASL");
    assert_eq!(sasl.mechanism, SaslMechanism::ScramSha512);
    assert_eq!((&*sasl.username, &*sasl.password), ("u", "p w=;"));
    assert!(security.tls().is_none());

    let mutual = parse(&[("ca.crt", CERTIFICATE), ("tls.crt", CERTIFICATE), ("tls.key", KEY)]);
    assert!(mutual.expect("TLS alone").tls().is_some_and(|tls| tls.identity.is_some()));

    let plain = [
        ("ca.crt", CERTIFICATE),
        ("sasl.mechanism", "PLAIN"),
        ("username", "u"),
        ("password", "p"),
        ("ssl.engine.location", "/tmp/evil.so"),
    ];
    let public = parse(&[("tls", "system"), ("tls.crt", CERTIFICATE), ("tls.key", KEY)]);
    assert!(public.expect("public authorities").tls().is_some_and(|tls| tls.identity.is_some()));

    let both = parse(&plain).expect("TLS and SASL");
    assert!(both.tls().is_some_and(|tls| tls.identity.is_none()) && both.sasl().is_some());
}

#[test]
fn incomplete_or_contradictory_sets_name_the_keys() {
    let incomplete = |present, missing| CredentialsError::Incomplete { present, missing };
    let cases: [(&[(&str, &str)], CredentialsError); 9] = [
        (&[], CredentialsError::NoKnownKey),
        (&[("other", "x")], CredentialsError::NoKnownKey),
        (&[("ca.crt", CERTIFICATE), ("tls.crt", CERTIFICATE)], incomplete("tls.crt", "tls.key")),
        (&[("ca.crt", CERTIFICATE), ("tls.key", KEY)], incomplete("tls.key", "tls.crt")),
        (&[("tls.crt", CERTIFICATE), ("tls.key", KEY)], incomplete("tls.crt", "ca.crt")),
        (&[("username", "u"), ("password", "p")], incomplete("username", "sasl.mechanism")),
        (
            &[("sasl.mechanism", "PLAIN"), ("username", "u")],
            incomplete("sasl.mechanism", "password"),
        ),
        (
            &[("sasl.mechanism", "PLAIN"), ("username", "u"), ("password", "p")],
            CredentialsError::PlainWithoutTls,
        ),
        (
            &[("sasl.mechanism", "GSSAPI"), ("username", "u"), ("password", "p")],
            CredentialsError::UnknownMechanism,
        ),
    ];
    for (data, expected) in cases {
        assert_eq!(parse(data), Err(expected), "{data:?}");
    }
}

#[test]
fn unusable_values_name_the_key() {
    for (key, value) in [
        ("password", "made-with-echo\n"),
        ("username", ""),
        ("password", "a\0b"),
        ("ca.crt", "not PEM"),
        ("ca.crt", KEY),
        ("tls", "true"),
        ("tls.key", CERTIFICATE),
    ] {
        let mut data = BTreeMap::from(
            [("sasl.mechanism", "SCRAM-SHA-256"), ("username", "u"), ("password", "p")]
                .map(|(key, value)| (key.to_owned(), value.as_bytes().to_vec())),
        );
        data.insert(key.to_owned(), value.as_bytes().to_vec());
        let Err(CredentialsError::BadValue { key: named, .. }) = Security::from_secret(&data)
        else {
            panic!("{key} = {value:?} was taken");
        };
        assert_eq!(named, key);
    }
    let both = parse(&[("ca.crt", CERTIFICATE), ("tls", "system")]);
    assert!(matches!(both, Err(CredentialsError::BadValue { key: "tls", .. })), "{both:?}");
    let not_text = BTreeMap::from([("password".to_owned(), vec![0xff, 0xfe])]);
    assert!(matches!(
        Security::from_secret(&not_text),
        Err(CredentialsError::BadValue { key: "password", .. })
    ));
    let too_long = BTreeMap::from([("ca.crt".to_owned(), vec![b'a'; 600 * 1024])]);
    assert!(matches!(
        Security::from_secret(&too_long),
        Err(CredentialsError::BadValue { key: "ca.crt", .. })
    ));
}

#[test]
fn no_value_is_ever_shown() {
    let data = [
        ("ca.crt", CERTIFICATE),
        ("tls.crt", CERTIFICATE),
        ("tls.key", KEY),
        ("sasl.mechanism", "PLAIN"),
        ("username", "secret-three"),
        ("password", "secret-four"),
    ];
    let shown = format!("{:?}", parse(&data).expect("valid credentials"));
    assert!(shown.contains("Plain") && !shown.contains("secret"), "{shown}");
    let wrong = [("sasl.mechanism", "secret-five"), ("username", "u"), ("password", "secret\n")];
    let error = parse(&wrong).expect_err("two mistakes");
    assert!(!format!("{error} {error:?}").contains("secret-"), "{error}");
}
