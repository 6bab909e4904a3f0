//! How to prove who we are to a Kafka cluster, parsed from a Kubernetes Secret.
//! A closed set of keys; no value of a secret ever reaches an error, a log line or `Debug`.

use std::collections::BTreeMap;
use std::fmt;

const CA: &str = "ca.crt";
const TLS: &str = "tls";
/// The only value of [`TLS`].
const SYSTEM: &str = "system";
const CERTIFICATE: &str = "tls.crt";
const KEY: &str = "tls.key";
const MECHANISM: &str = "sasl.mechanism";
const USERNAME: &str = "username";
const PASSWORD: &str = "password";

/// Longest value taken, in bytes: a CA bundle of a few hundred certificates. A Secret may hold
/// 1 MiB, and every handle keeps its own copy.
const MAX_VALUE_BYTES: usize = 512 * 1024;

/// TLS, SASL or both.
///
/// Arbitrary librdkafka properties are never taken: some of them load code or read files in this
/// process.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Security {
    tls: Option<Tls>,
    sasl: Option<Sasl>,
}

/// Trusted authorities, and optionally our own certificate.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Tls {
    pub(crate) authorities: Authorities,
    pub(crate) identity: Option<Identity>,
}

/// Whose certificates of brokers are believed.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) enum Authorities {
    /// Those of this PEM text.
    Pem(String),
    /// The public ones, as the image or the machine has them.
    System,
}

/// A client certificate with its key, both PEM.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Identity {
    pub(crate) certificate_pem: String,
    pub(crate) key_pem: String,
}

/// User name and password, and how they are proven.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Sasl {
    pub(crate) mechanism: SaslMechanism,
    pub(crate) username: String,
    pub(crate) password: String,
}

/// SASL mechanisms that are supported, by the names that Kafka uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::EnumString, strum::IntoStaticStr)]
pub(crate) enum SaslMechanism {
    /// The password itself is sent: only over TLS.
    #[strum(serialize = "PLAIN")]
    Plain,
    /// Salted challenge and response, SHA-256 (RFC 7677).
    #[strum(serialize = "SCRAM-SHA-256")]
    ScramSha256,
    /// Salted challenge and response, SHA-512.
    #[strum(serialize = "SCRAM-SHA-512")]
    ScramSha512,
}

/// Error in a credentials Secret. Names keys, never values.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CredentialsError {
    /// None of the known keys is there.
    #[error(
        "the credentials Secret has none of the keys `ca.crt`, `tls`, `tls.crt`, \
         `tls.key`, `sasl.mechanism`, `username`, `password`; add some or drop the reference to it"
    )]
    NoKnownKey,
    /// A key is there that needs another one.
    #[error("the credentials Secret has `{present}` but not `{missing}`; add `{missing}`")]
    Incomplete {
        /// Key that is present.
        present: &'static str,
        /// Key that is needed beside it.
        missing: &'static str,
    },
    /// `PLAIN` without TLS would send the password in clear text.
    #[error(
        "the credentials Secret asks for `sasl.mechanism` PLAIN without TLS: the password would \
         cross the network in clear text; add `ca.crt`, or `tls: system` where the brokers' \
         certificates are of a public authority, or use SCRAM-SHA-512"
    )]
    PlainWithoutTls,
    /// The mechanism is none of the supported ones.
    #[error(
        "key `sasl.mechanism` of the credentials Secret is none of PLAIN, SCRAM-SHA-256, \
         SCRAM-SHA-512"
    )]
    UnknownMechanism,
    /// A value is not text, or is empty.
    #[error("key `{key}` of the credentials Secret is {problem}")]
    BadValue {
        /// Key with the unusable value.
        key: &'static str,
        /// Problem with the value, as the end of a sentence.
        problem: &'static str,
    },
}

impl Security {
    /// Parses the data of a Secret (already base64-decoded).
    ///
    /// Keys: `ca.crt` (PEM) or `tls` with the value `system` (public authorities): one of them
    /// means TLS; `tls.crt` with `tls.key` (PEM; our client certificate, only with TLS);
    /// `sasl.mechanism` (`PLAIN`, `SCRAM-SHA-256` or `SCRAM-SHA-512`) with `username` and
    /// `password`. Other keys are ignored.
    ///
    /// # Errors
    /// [`CredentialsError`] when keys are missing or contradict each other, or a value is
    /// unusable.
    pub fn from_secret(data: &BTreeMap<String, Vec<u8>>) -> Result<Self, CredentialsError> {
        let tls = parse_tls(data)?;
        let sasl = parse_sasl(data)?;
        if tls.is_none() && sasl.is_none() {
            return Err(CredentialsError::NoKnownKey);
        }
        let plain = sasl.as_ref().is_some_and(|sasl| sasl.mechanism == SaslMechanism::Plain);
        if plain && tls.is_none() {
            return Err(CredentialsError::PlainWithoutTls);
        }
        Ok(Self { tls, sasl })
    }

    /// The data of a Secret that parses to this.
    pub(crate) fn to_secret(&self) -> BTreeMap<String, String> {
        let Self { tls, sasl } = self;
        let mut data = Vec::new();
        if let Some(Tls { authorities, identity }) = tls {
            data.push(match authorities {
                Authorities::Pem(text) => (CA, &**text),
                Authorities::System => (TLS, SYSTEM),
            });
            if let Some(Identity { certificate_pem, key_pem }) = identity {
                data.extend([(CERTIFICATE, &**certificate_pem), (KEY, &**key_pem)]);
            }
        }
        if let Some(Sasl { mechanism, username, password }) = sasl {
            let mechanism: &str = (*mechanism).into();
            data.extend([(MECHANISM, mechanism), (USERNAME, &**username), (PASSWORD, &**password)]);
        }
        data.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    /// The TLS part, if any.
    pub(crate) fn tls(&self) -> Option<&Tls> {
        self.tls.as_ref()
    }

    /// The SASL part, if any.
    pub(crate) fn sasl(&self) -> Option<&Sasl> {
        self.sasl.as_ref()
    }
}

impl fmt::Debug for Tls {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tls")
            .field("client_certificate", &self.identity.is_some())
            .finish_non_exhaustive()
    }
}

/// Hides the user name too: some clouds put an API key there.
impl fmt::Debug for Sasl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sasl").field("mechanism", &self.mechanism).finish_non_exhaustive()
    }
}

fn parse_tls(data: &BTreeMap<String, Vec<u8>>) -> Result<Option<Tls>, CredentialsError> {
    let authorities = parse_authorities(data)?;
    let certificate = pem(data, CERTIFICATE, "-----BEGIN CERTIFICATE-----")?;
    let key = pem(data, KEY, "PRIVATE KEY-----")?;
    let identity = match (certificate, key) {
        (Some(certificate_pem), Some(key_pem)) => Some(Identity { certificate_pem, key_pem }),
        (Some(_), None) => return Err(incomplete(CERTIFICATE, KEY)),
        (None, Some(_)) => return Err(incomplete(KEY, CERTIFICATE)),
        (None, None) => None,
    };
    match (authorities, identity) {
        (Some(authorities), identity) => Ok(Some(Tls { authorities, identity })),
        (None, Some(_)) => Err(incomplete(CERTIFICATE, CA)),
        (None, None) => Ok(None),
    }
}

fn parse_authorities(
    data: &BTreeMap<String, Vec<u8>>,
) -> Result<Option<Authorities>, CredentialsError> {
    let bad = |problem| Err(CredentialsError::BadValue { key: TLS, problem });
    let own = pem(data, CA, "-----BEGIN CERTIFICATE-----")?;
    match (own, line(data, TLS)?.as_deref()) {
        (own, None) => Ok(own.map(Authorities::Pem)),
        (None, Some(SYSTEM)) => Ok(Some(Authorities::System)),
        (Some(_), Some(SYSTEM)) => bad("there beside `ca.crt`: keep the one that is meant"),
        (_, Some(_)) => bad("not `system`, its only value; authorities of your own go to `ca.crt`"),
    }
}

fn parse_sasl(data: &BTreeMap<String, Vec<u8>>) -> Result<Option<Sasl>, CredentialsError> {
    let mechanism = line(data, MECHANISM)?;
    let username = line(data, USERNAME)?;
    let password = line(data, PASSWORD)?;
    let present = match (&mechanism, &username, &password) {
        (None, None, None) => return Ok(None),
        (Some(_), _, _) => MECHANISM,
        (None, Some(_), _) => USERNAME,
        (None, None, Some(_)) => PASSWORD,
    };
    let need = |value: Option<String>, missing| value.ok_or_else(|| incomplete(present, missing));
    let mechanism = need(mechanism, MECHANISM)?;
    let username = need(username, USERNAME)?;
    let password = need(password, PASSWORD)?;
    let mechanism = mechanism.parse().map_err(|_| CredentialsError::UnknownMechanism)?;
    Ok(Some(Sasl { mechanism, username, password }))
}

fn pem(
    data: &BTreeMap<String, Vec<u8>>,
    key: &'static str,
    marker: &str,
) -> Result<Option<String>, CredentialsError> {
    match text(data, key)? {
        Some(value) if !value.contains(marker) => {
            Err(CredentialsError::BadValue { key, problem: "not PEM of the expected kind" })
        }
        value => Ok(value),
    }
}

/// One line of text. A line break at its end is nearly always an `echo` that made the Secret, and
/// Kafka's answer ("invalid credentials") would not show it.
fn line(
    data: &BTreeMap<String, Vec<u8>>,
    key: &'static str,
) -> Result<Option<String>, CredentialsError> {
    match text(data, key)? {
        Some(value) if value.contains(['\n', '\r']) => Err(CredentialsError::BadValue {
            key,
            problem: "more than one line, or ends in a line break (was it made with `echo`?)",
        }),
        value => Ok(value),
    }
}

fn text(
    data: &BTreeMap<String, Vec<u8>>,
    key: &'static str,
) -> Result<Option<String>, CredentialsError> {
    let bad = |problem| Err(CredentialsError::BadValue { key, problem });
    let Some(bytes) = data.get(key) else { return Ok(None) };
    if bytes.len() > MAX_VALUE_BYTES {
        return bad("longer than 512 KiB");
    }
    match std::str::from_utf8(bytes) {
        Ok("") => bad("empty"),
        // C strings end there: what follows would be lost without a word.
        Ok(value) if value.contains('\0') => bad("not text: it holds a NUL byte"),
        Ok(value) => Ok(Some(value.to_owned())),
        Err(_) => bad("not UTF-8 text"),
    }
}

fn incomplete(present: &'static str, missing: &'static str) -> CredentialsError {
    CredentialsError::Incomplete { present, missing }
}

#[cfg(test)]
mod tests;
