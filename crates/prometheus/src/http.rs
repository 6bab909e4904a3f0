//! HTTP clients and bodies, both bounded. No redirects, no proxies, no compression: what is
//! sent and taken is what the caller sees, and a small answer can't grow.

use std::error::Error;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Client, ClientBuilder, Identity, Response};

use crate::address::Address;
use crate::error::{Fault, bounded};
use crate::in_flight::{self, Room};
use crate::security::{Access, Hidden, Login};
use crate::withheld::Resolver;

/// Error that leaves no client.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The Secret has TLS keys that would not be used.
    #[error(
        "the credentials Secret has `ca.crt` or `tls.crt`, but {address} is plain http; use an \
         https address or drop those keys"
    )]
    TlsWithoutHttps {
        /// The server's address.
        address: Address,
    },
    /// Whoever is on the way would read the credentials.
    #[error(
        "the credentials Secret has `token` or `password`, but {address} is plain http, which anybody on the way can read; use \
         an https address, or say that this is wanted: spec.analysis.prometheus.allowPlainHttp"
    )]
    LoginWithoutHttps {
        /// The server's address.
        address: Address,
    },
    /// The TLS library refused what it was given.
    #[error(
        "cannot set up a client for {address} ({detail}); check the PEM data in the credentials \
         Secret; without `ca.crt`, the image must hold the system's certificates"
    )]
    Refused {
        /// The server's address.
        address: Address,
        /// The TLS library's reason.
        detail: String,
    },
}

/// A client for one server, with its credentials.
pub(crate) fn client_for(address: &Address, access: &Access) -> Result<Client, SetupError> {
    let tls = access.tls();
    if tls.is_needed() && !address.is_https() {
        return Err(SetupError::TlsWithoutHttps { address: address.clone() });
    }
    if access.login().is_some() && !address.is_https() && !access.allows_plain_http() {
        return Err(SetupError::LoginWithoutHttps { address: address.clone() });
    }
    let refused = |error: reqwest::Error| SetupError::Refused {
        address: address.clone(),
        detail: bounded(&reason(&error)),
    };
    let mut builder = plain().default_headers(headers(access));
    if !address.is_https() {
        // Trusts nobody, and so needs no certificates in the image.
        builder = builder.tls_certs_only([]);
    } else if let Some(ca) = &tls.ca_pem {
        let trusted = Certificate::from_pem_bundle(ca.as_bytes()).map_err(refused)?;
        builder = builder.tls_certs_only(trusted);
    }
    if let Some(identity) = &tls.identity_pem {
        builder = builder.identity(Identity::from_pem(identity.as_bytes()).map_err(refused)?);
    }
    builder.build().map_err(refused)
}

/// A client without credentials and without TLS, for endpoints of pods.
pub(crate) fn client_for_pods() -> Result<Client, reqwest::Error> {
    plain().tls_certs_only([]).build()
}

/// A body, with the room that it takes while it is there.
pub(crate) struct Body {
    pub(crate) bytes: Vec<u8>,
    _room: Room,
}

/// The whole body, or a fault as soon as it is longer than `limit` bytes. Waits for room where many
/// are read at one time.
pub(crate) async fn body(mut response: Response, limit: usize) -> Result<Body, Fault> {
    let too_large = || Fault::TooLarge { limit, unit: "bytes" };
    if response.content_length().is_some_and(|length| length > limit as u64) {
        return Err(too_large());
    }
    let mut room = Room::small().await;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| broken(&error))? {
        if body.len() + chunk.len() > limit {
            return Err(too_large());
        }
        if in_flight::SMALL < body.len() + chunk.len() {
            room = room.grown().await;
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Body { bytes: body, _room: room })
}

/// Fault behind a failed exchange.
pub(crate) fn broken(error: &reqwest::Error) -> Fault {
    Fault::unreachable(reason(error))
}

fn plain() -> ClientBuilder {
    // reqwest panics without a provider. The process has installed ring already, or this is a
    // test; there is no other provider in the build, so it does not matter who is first.
    let _ = rustls::crypto::ring::default_provider().install_default();
    Client::builder().redirect(Policy::none()).no_proxy().dns_resolver(Resolver)
}

fn headers(access: &Access) -> HeaderMap {
    let mut headers = HeaderMap::new();
    let login = access.login().map(|login| match login {
        Login::Token(Hidden(token)) => format!("Bearer {token}"),
        Login::Password { username, password } => {
            format!("Basic {}", STANDARD.encode(format!("{}:{}", username.0, password.0)))
        }
    });
    let secret = |text: &str| {
        // Access has checked the characters already.
        HeaderValue::from_str(text).ok().map(|mut value| {
            value.set_sensitive(true);
            value
        })
    };
    if let Some(value) = login.and_then(|login| secret(&login)) {
        headers.insert(AUTHORIZATION, value);
    }
    if let Some(value) = access.tenant().and_then(secret) {
        headers.insert("x-scope-orgid", value);
    }
    headers
}

/// The innermost reason. The layers above repeat the URL and say little more than "failed".
fn reason(error: &reqwest::Error) -> String {
    let mut innermost: &dyn Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    // Without the URL, which a reader has already.
    innermost.to_string().split(" for url").next().unwrap_or_default().to_owned()
}
