//! How to prove who we are to a Prometheus-like server, parsed from a Kubernetes Secret.
//! A closed set of keys; no value of a secret ever reaches an error, a log line or `Debug`.

use std::collections::BTreeMap;
use std::fmt;

use reqwest::header::HeaderValue;

const TOKEN: &str = "token";
const USERNAME: &str = "username";
const PASSWORD: &str = "password";
const TENANT: &str = "tenant";
const CA: &str = "ca.crt";
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";

/// Longest value of a Secret that is taken, in bytes: a CA bundle of a few hundred certificates.
const MAX_VALUE_BYTES: usize = 512 * 1024;

/// Longest value that is sent as a header, in bytes: servers take 8 KiB for all of them.
const MAX_HEADER_BYTES: usize = 7 * 1024;

/// Credentials, tenant and trusted authorities; by default none of them.
///
/// Equal values, with equal addresses, may share one client.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Access {
    login: Option<Login>,
    tenant: Option<Hidden>,
    tls: Tls,
    plain_http: bool,
}

/// Credentials that are sent with each question.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Login {
    /// `Authorization: Bearer`.
    Token(Hidden),
    /// `Authorization: Basic`.
    Password { username: Hidden, password: Hidden },
}

/// Trusted authorities, and optionally our own certificate.
#[derive(Clone, Default, PartialEq, Eq, Hash)]
pub(crate) struct Tls {
    /// PEM of the authorities that are trusted instead of the system's.
    pub(crate) ca_pem: Option<String>,
    /// Certificate chain and key, both PEM, one after the other.
    pub(crate) identity_pem: Option<String>,
}

/// Text that is never shown.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Hidden(pub(crate) String);

/// Error in a credentials Secret. Names keys, never values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum AccessError {
    /// None of the known keys is there.
    #[error(
        "the credentials Secret has none of the keys `token`, `username`, `password`, `tenant`, \
         `ca.crt`, `tls.crt`, `tls.key`; add some or drop the reference to it"
    )]
    NoKnownKey,
    /// Two ways to log in.
    #[error("the credentials Secret has both `token` and `{other}`; keep one of them")]
    TwoLogins {
        /// Key that is there beside `token`.
        other: &'static str,
    },
    /// A key is there that needs another one.
    #[error("the credentials Secret has `{present}` but not `{missing}`; add `{missing}`")]
    Incomplete {
        /// Key that is present.
        present: &'static str,
        /// Key that is needed beside it.
        missing: &'static str,
    },
    /// A value is unusable.
    #[error("key `{key}` of the credentials Secret is {problem}")]
    BadValue {
        /// Key with the unusable value.
        key: &'static str,
        /// Problem with the value, as the end of a sentence.
        problem: &'static str,
    },
}

impl Access {
    /// Parses the data of a Secret (already base64-decoded).
    ///
    /// Keys: `token` (bearer) or `username` with `password` (basic); `tenant` (sent as
    /// `X-Scope-OrgID`); `ca.crt` (PEM; trusted instead of the system's authorities); `tls.crt`
    /// with `tls.key` (PEM; our own certificate). Other keys are ignored.
    ///
    /// # Errors
    /// [`AccessError`] when keys are missing or contradict each other, or a value is unusable.
    pub fn from_secret(data: &BTreeMap<String, Vec<u8>>) -> Result<Self, AccessError> {
        let login = login(data)?;
        let tenant = header(data, TENANT)?.map(Hidden);
        let tls = tls(data)?;
        if login.is_none() && tenant.is_none() && !tls.is_needed() {
            return Err(AccessError::NoKnownKey);
        }
        Ok(Self { login, tenant, tls, plain_http: false })
    }

    /// Also sends token or password over http, where whoever is on the way reads them.
    #[must_use]
    pub fn over_plain_http(self) -> Self {
        Self { plain_http: true, ..self }
    }

    pub(crate) fn allows_plain_http(&self) -> bool {
        self.plain_http
    }

    pub(crate) fn login(&self) -> Option<&Login> {
        self.login.as_ref()
    }

    pub(crate) fn tenant(&self) -> Option<&str> {
        self.tenant.as_ref().map(|tenant| tenant.0.as_str())
    }

    pub(crate) fn tls(&self) -> &Tls {
        &self.tls
    }
}

impl Tls {
    /// Whether the Secret says anything about TLS.
    pub(crate) fn is_needed(&self) -> bool {
        self.ca_pem.is_some() || self.identity_pem.is_some()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("own_authority", &self.ca_pem.is_some())
            .field("client_certificate", &self.identity_pem.is_some())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Hidden {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("(hidden)")
    }
}

fn login(data: &BTreeMap<String, Vec<u8>>) -> Result<Option<Login>, AccessError> {
    let token = header(data, TOKEN)?;
    let username = line(data, USERNAME)?;
    let password = line(data, PASSWORD)?;
    match (token, username, password) {
        (Some(_), Some(_), _) => Err(AccessError::TwoLogins { other: USERNAME }),
        (Some(_), None, Some(_)) => Err(AccessError::TwoLogins { other: PASSWORD }),
        (Some(token), None, None) => Ok(Some(Login::Token(Hidden(token)))),
        (None, Some(username), Some(_)) if username.contains(':') => Err(AccessError::BadValue {
            key: USERNAME,
            problem: "a name with `:`, which basic authentication can't send",
        }),
        (None, Some(username), Some(password)) => {
            Ok(Some(Login::Password { username: Hidden(username), password: Hidden(password) }))
        }
        (None, Some(_), None) => Err(incomplete(USERNAME, PASSWORD)),
        (None, None, Some(_)) => Err(incomplete(PASSWORD, USERNAME)),
        (None, None, None) => Ok(None),
    }
}

fn tls(data: &BTreeMap<String, Vec<u8>>) -> Result<Tls, AccessError> {
    let ca_pem = pem(data, CA, "-----BEGIN CERTIFICATE-----")?;
    let certificate = pem(data, CERTIFICATE, "-----BEGIN CERTIFICATE-----")?;
    let key = pem(data, KEY, "PRIVATE KEY-----")?;
    let identity_pem = match (certificate, key) {
        (Some(certificate), Some(key)) => Some(format!("{certificate}\n{key}")),
        (Some(_), None) => return Err(incomplete(CERTIFICATE, KEY)),
        (None, Some(_)) => return Err(incomplete(KEY, CERTIFICATE)),
        (None, None) => None,
    };
    Ok(Tls { ca_pem, identity_pem })
}

type Value = Result<Option<String>, AccessError>;

fn pem(data: &BTreeMap<String, Vec<u8>>, key: &'static str, marker: &str) -> Value {
    match text(data, key)? {
        Some(value) if !value.contains(marker) => {
            Err(AccessError::BadValue { key, problem: "not PEM of the expected kind" })
        }
        value => Ok(value),
    }
}

/// One line of text that an HTTP header can carry.
fn header(data: &BTreeMap<String, Vec<u8>>, key: &'static str) -> Value {
    let bad = |problem| Err(AccessError::BadValue { key, problem });
    match line(data, key)? {
        Some(value) if value.len() > MAX_HEADER_BYTES => bad("longer than 7 KiB"),
        Some(value) if !value.is_ascii() || HeaderValue::from_str(&value).is_err() => {
            bad("not printable ASCII text, which a header needs")
        }
        value => Ok(value),
    }
}

/// One line of text. A line break at its end is nearly always an `echo` that made the Secret, and
/// the server's answer (401) would not show it.
fn line(data: &BTreeMap<String, Vec<u8>>, key: &'static str) -> Value {
    match text(data, key)? {
        Some(value) if value.contains(['\n', '\r']) => Err(AccessError::BadValue {
            key,
            problem: "more than one line, or ends in a line break (was it made with `echo`?)",
        }),
        value => Ok(value),
    }
}

fn text(data: &BTreeMap<String, Vec<u8>>, key: &'static str) -> Value {
    let bad = |problem| Err(AccessError::BadValue { key, problem });
    let Some(bytes) = data.get(key) else { return Ok(None) };
    if bytes.len() > MAX_VALUE_BYTES {
        return bad("longer than 512 KiB");
    }
    match std::str::from_utf8(bytes) {
        Ok("") => bad("empty"),
        Ok(value) => Ok(Some(value.to_owned())),
        Err(_) => bad("not UTF-8 text"),
    }
}

fn incomplete(present: &'static str, missing: &'static str) -> AccessError {
    AccessError::Incomplete { present, missing }
}

#[cfg(test)]
mod tests;
