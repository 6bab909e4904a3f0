//! Secrets as people make them, right and wrong; and that no value of one is ever shown.

use std::collections::BTreeMap;

use super::{Access, AccessError, Login};

const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nsecret-one\n-----END CERTIFICATE-----\n";
const KEY: &str = "-----BEGIN PRIVATE KEY-----\nsecret-two\n-----END PRIVATE KEY-----\n";

fn parse(data: &[(&str, &str)]) -> Result<Access, AccessError> {
    let data = data.iter().map(|(key, value)| ((*key).to_owned(), value.as_bytes().to_vec()));
    Access::from_secret(&data.collect())
}

#[test]
fn complete_sets_are_taken_and_other_keys_ignored() {
    let access = parse(&[("token", "t.o-k"), ("other", "\n"), ("tenant", "a|b")]).expect("a token");
    assert!(matches!(access.login(), Some(Login::Token(token)) if token.0 == "t.o-k"));
    assert_eq!(access.tenant(), Some("a|b"));
    assert!(!access.tls().is_needed());
    let access = parse(&[("username", "u"), ("password", "p:w é")]).expect("a password");
    assert!(matches!(access.login(), Some(Login::Password { .. })));
    let access = parse(&[("ca.crt", CERTIFICATE), ("tls.crt", CERTIFICATE), ("tls.key", KEY)]);
    assert!(access.expect("certificates").tls().is_needed());
}

#[test]
fn wrong_sets_name_the_keys() {
    let incomplete = |present, missing| AccessError::Incomplete { present, missing };
    let cases: [(&[(&str, &str)], AccessError); 7] = [
        (&[], AccessError::NoKnownKey),
        (&[("Token", "t")], AccessError::NoKnownKey),
        (&[("token", "t"), ("username", "u")], AccessError::TwoLogins { other: "username" }),
        (&[("token", "t"), ("password", "p")], AccessError::TwoLogins { other: "password" }),
        (&[("username", "u")], incomplete("username", "password")),
        (&[("password", "p")], incomplete("password", "username")),
        (&[("tls.crt", CERTIFICATE)], incomplete("tls.crt", "tls.key")),
    ];
    for (data, error) in cases {
        assert_eq!(parse(data), Err(error), "{data:?}");
    }
    for (key, value) in [
        ("token", ""),
        ("token", "hunter2\n"),
        ("token", "hunter2\u{7f}"),
        ("tenant", "hunter2é"),
        ("ca.crt", "hunter2"),
        ("tls.key", CERTIFICATE),
    ] {
        let error = parse(&[(key, value)]).expect_err(key);
        assert!(matches!(error, AccessError::BadValue { key: named, .. } if named == key));
        assert!(!error.to_string().contains("hunter2"), "{error}");
    }
    assert!(parse(&[("username", "a:b"), ("password", "p")]).is_err());
    assert!(parse(&[("token", &"t".repeat(8000))]).is_err());
    let binary = BTreeMap::from([("token".to_owned(), vec![0xff])]);
    assert!(Access::from_secret(&binary).is_err());
}

#[test]
fn nothing_secret_is_shown_and_equal_ones_are_equal() {
    let token = parse(&[("token", "hunter2"), ("tenant", "hunter3")]).expect("a token");
    let login = parse(&[
        ("username", "hunter4"),
        ("password", "hunter5"),
        ("ca.crt", CERTIFICATE),
        ("tls.crt", CERTIFICATE),
        ("tls.key", KEY),
    ])
    .expect("a login");
    let shown = format!("{token:?} {login:?}");
    assert!(!shown.contains("hunter") && !shown.contains("secret"), "{shown}");
    assert_eq!(parse(&[("token", "hunter2"), ("tenant", "hunter3")]), Ok(token.clone()));
    assert_ne!(parse(&[("token", "hunter2")]), Ok(token));
}
