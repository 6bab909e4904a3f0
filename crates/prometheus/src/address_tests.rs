//! Addresses, right and wrong.

use super::{Address, AddressError};

#[test]
fn addresses_keep_their_prefix_and_lose_the_last_slash() {
    for (text, kept, https) in [
        ("http://prometheus:9090", "http://prometheus:9090", false),
        ("https://mimir.example/prometheus/", "https://mimir.example/prometheus", true),
        (" http://vm:8481/select/0/prometheus", "http://vm:8481/select/0/prometheus", false),
        ("http://[::1]:9090/", "http://[::1]:9090", false),
    ] {
        let address = Address::parse(text).expect(text);
        assert_eq!((address.to_string().as_str(), address.is_https()), (kept, https));
    }
    assert_eq!(Address::parse("http://a/"), Address::parse("http://a"));
}

#[test]
fn what_does_not_belong_into_an_address_is_refused_without_repeating_it() {
    let cases = [
        ("", AddressError::NotAUrl),
        ("prometheus", AddressError::NotAUrl),
        ("prometheus:9090", AddressError::Scheme),
        ("ftp://a", AddressError::Scheme),
        ("http://user:hunter2@a", AddressError::Credentials),
        ("http://user@a", AddressError::Credentials),
        ("http://a?token=hunter2", AddressError::Query),
        ("http://a#b", AddressError::Query),
        ("http://a/api/v1", AddressError::ApiPath),
        ("http://a/p/api/v1/query", AddressError::ApiPath),
    ];
    for (text, error) in cases {
        assert_eq!(Address::parse(text), Err(error), "{text}");
        assert!(!error.to_string().contains("hunter2"));
    }
    assert_eq!(Address::parse(&format!("http://{}", "a".repeat(500))), Err(AddressError::NotAUrl));
}
