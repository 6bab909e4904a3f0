//! TLS with an authority of the tests' own: trusted, not trusted, and unusable.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;

use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use rustls::RootCertStore;
use rustls::pki_types::PrivateKeyDer;
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use crate::address::Address;
use crate::error::ReadError;
use crate::gather::Measured;
use crate::http::SetupError;
use crate::prometheus::Prometheus;
use crate::promql::TargetLabels;
use crate::security::Access;
use crate::test_server::vector;

type Issuer = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Issuer {
    let mut params = CertificateParams::new(Vec::new()).expect("parameters");
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().expect("a key")).expect("an authority")
}

/// A certificate for 127.0.0.1 and its key, both as rustls takes them.
fn leaf(authority: &Issuer) -> (rcgen::Certificate, KeyPair) {
    let key = KeyPair::generate().expect("a key");
    let params = CertificateParams::new(vec!["127.0.0.1".to_owned()]).expect("parameters");
    (params.signed_by(&key, authority).expect("a certificate"), key)
}

/// Answers every connection of a client with a certificate of ours with one number; ends when the
/// set is dropped.
async fn serve(authority: &Issuer) -> (SocketAddr, JoinSet<()>) {
    let (leaf, key) = leaf(authority);
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).expect("a root");
    let verifier =
        WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_client_cert_verifier(verifier.build().expect("a verifier"))
        .with_single_cert(
            vec![leaf.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).expect("a key"),
        )
        .expect("a configuration");
    let acceptor = TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let socket = listener.local_addr().expect("its address");
    let mut task = JoinSet::new();
    task.spawn(async move {
        while let Ok((connection, _)) = listener.accept().await {
            // A client that does not trust us ends the handshake.
            let Ok(mut tls) = acceptor.accept(connection).await else { continue };
            let mut head = [0; 4096];
            let _ = tls.read(&mut head).await;
            let body = vector(&[("{}", "3")]);
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
            tls.write_all(format!("{head}{body}").as_bytes()).await.expect("to answer");
            let _ = tls.shutdown().await;
        }
    });
    (socket, task)
}

fn access(data: &[(&str, String)]) -> Access {
    let data: BTreeMap<String, Vec<u8>> =
        data.iter().map(|(key, value)| ((*key).to_owned(), value.clone().into_bytes())).collect();
    Access::from_secret(&data).expect("a Secret")
}

fn https(socket: SocketAddr) -> Address {
    Address::parse(&format!("https://{socket}")).expect("an address")
}

async fn ask(socket: SocketAddr, data: &[(&str, String)]) -> Result<Measured, ReadError> {
    let client = Prometheus::new(https(socket), &access(data)).expect("a client");
    client.query(&"mine".into(), "up", &TargetLabels::default().pod, 0).await
}

#[tokio::test]
async fn only_the_authority_of_the_secret_is_trusted_and_our_certificate_is_shown() {
    let (ours, other) = (authority(), authority());
    let (socket, _task) = serve(&ours).await;
    let (certificate, key) = leaf(&ours);
    let identity = [("tls.crt", certificate.pem()), ("tls.key", key.serialize_pem())];
    let with = |authority: &Issuer| [&identity[..], &[("ca.crt", authority.pem())]].concat();
    assert_eq!(ask(socket, &with(&ours)).await, Ok(Measured::One(3.0)));

    let failure = ask(socket, &with(&other)).await.expect_err("the server is not trusted");
    assert_eq!(failure.name(), "Unreachable");
    let shown = failure.to_string();
    assert!(shown.contains("certificate") && shown.contains("`ca.crt`"), "{shown}");

    let nameless = ask(socket, &[("ca.crt", ours.pem())]).await.expect_err("nobody is shown");
    assert_eq!(nameless.name(), "Unreachable");
}

#[test]
fn certificates_that_cannot_be_used_are_refused_at_once() {
    let address = Address::parse("https://a").expect("an address");
    let broken = "-----BEGIN CERTIFICATE-----\nhunter2\n-----END CERTIFICATE-----\n".to_owned();
    let error = Prometheus::new(address, &access(&[("ca.crt", broken)])).expect_err("broken");
    assert!(matches!(error, SetupError::Refused { .. }));
    assert!(!error.to_string().contains("hunter2"), "{error}");
    let plain = Address::parse("http://a").expect("an address");
    let trusted = access(&[("ca.crt", authority().pem())]);
    let error = Prometheus::new(plain, &trusted).expect_err("plain");
    assert!(matches!(error, SetupError::TlsWithoutHttps { .. }), "{error}");
}

#[test]
fn what_logs_in_goes_over_https_unless_plain_http_is_allowed() {
    let plain = || Address::parse("http://a").expect("an address");
    for login in [vec![("token", "hunter2")], vec![("username", "me"), ("password", "hunter2")]] {
        let login: Vec<_> = login.into_iter().map(|(key, value)| (key, value.to_owned())).collect();
        let error = Prometheus::new(plain(), &access(&login)).expect_err("it would be read");
        assert!(matches!(error, SetupError::LoginWithoutHttps { .. }), "{error}");
        assert!(!error.to_string().contains("hunter2"), "{error}");
        let https = Address::parse("https://a").expect("an address");
        Prometheus::new(https, &access(&login)).expect("nobody reads it");
        Prometheus::new(plain(), &access(&login).over_plain_http()).expect("it is wanted");
    }
    let tenant = access(&[("tenant", "shop".to_owned())]);
    Prometheus::new(plain(), &tenant).expect("a tenant is no secret");
}
