//! Where a Prometheus-like server is. Holds no credentials: those live in a Secret, and an
//! address is shown in conditions, Events and logs.

use std::fmt;
use std::sync::Arc;

use reqwest::Url;

use crate::withheld::is_withheld;

/// Longest address in bytes; a DNS name has at most 253.
const MAX_BYTES: usize = 500;

/// Base URL of a server that speaks Prometheus' HTTP API: what comes before `/api/v1`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Address {
    text: Arc<str>,
    https: bool,
}

/// Error in an address. Never repeats the address: it may hold a password.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AddressError {
    /// Not a URL.
    #[error("not a URL of at most {MAX_BYTES} bytes, such as https://prometheus.monitoring:9090")]
    NotAUrl,
    /// Neither http nor https.
    #[error("neither an http nor an https URL")]
    Scheme,
    /// User name or password inside.
    #[error("holds credentials, which everybody would see; put them into a Secret")]
    Credentials,
    /// `?` or `#`.
    #[error("has a query or a fragment; only scheme, host, port and path prefix are used")]
    Query,
    /// A link-local address, or a cloud's metadata service.
    #[error(
        "is a link-local or metadata address, where a node's own credentials are; it is not asked"
    )]
    Withheld,
    /// Ends in the API's own path.
    #[error("names the API's own path; leave out `/api/v1` and what follows")]
    ApiPath,
}

impl Address {
    /// Parses an http or https URL with an optional path prefix (Mimir: `/prometheus`,
    /// VictoriaMetrics cluster: `/select/0/prometheus`).
    ///
    /// # Errors
    /// [`AddressError`] for anything else.
    pub fn parse(text: &str) -> Result<Self, AddressError> {
        if text.len() > MAX_BYTES {
            return Err(AddressError::NotAUrl);
        }
        let url = Url::parse(text.trim()).map_err(|_| AddressError::NotAUrl)?;
        let https = match url.scheme() {
            "http" => false,
            "https" => true,
            _ => return Err(AddressError::Scheme),
        };
        if !url.username().is_empty() || url.password().is_some() {
            return Err(AddressError::Credentials);
        }
        if url.host_str().is_some_and(is_withheld) {
            return Err(AddressError::Withheld);
        }
        if url.query().is_some() || url.fragment().is_some() {
            return Err(AddressError::Query);
        }
        if format!("{}/", url.path()).contains("/api/v1/") {
            return Err(AddressError::ApiPath);
        }
        Ok(Self { text: url.as_str().trim_end_matches('/').into(), https })
    }

    /// Whether connections use TLS.
    #[must_use]
    pub fn is_https(&self) -> bool {
        self.https
    }

    /// The address, without a slash at its end.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }

    pub(crate) fn shared(&self) -> &Arc<str> {
        &self.text
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text)
    }
}

#[cfg(test)]
mod tests {
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
            ("http://169.254.169.254/latest", AddressError::Withheld),
            ("http://2852039166", AddressError::Withheld),
            ("http://0xa9.0xfe.43518", AddressError::Withheld),
            ("https://[fe80::1]:9090", AddressError::Withheld),
            ("http://metadata.google.internal", AddressError::Withheld),
            ("http://a/api/v1", AddressError::ApiPath),
            ("http://a/p/api/v1/query", AddressError::ApiPath),
        ];
        for (text, error) in cases {
            assert_eq!(Address::parse(text), Err(error), "{text}");
            assert!(!error.to_string().contains("hunter2"));
        }
        assert_eq!(
            Address::parse(&format!("http://{}", "a".repeat(500))),
            Err(AddressError::NotAUrl)
        );
    }
}
