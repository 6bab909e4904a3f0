//! A listener whose connections speak TLS. Who fails to is dropped, and logged; the next one is heard.

use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

/// The API server is on this machine; who takes longer is no client.
const HANDSHAKE_WITHIN: Duration = Duration::from_secs(2);

/// Pause after an error of the system, which may be out of something.
const TRY_AGAIN_IN: Duration = Duration::from_millis(200);

pub(crate) struct Listener {
    plain: TcpListener,
    acceptor: TlsAcceptor,
}

impl Listener {
    pub(crate) async fn bind(address: SocketAddr, certificate: &Path, key: &Path) -> Result<Self> {
        let chain = CertificateDer::pem_file_iter(certificate)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .with_context(|| format!("reading {}", certificate.display()))?;
        let key = PrivateKeyDer::from_pem_file(key)
            .with_context(|| format!("reading {}", key.display()))?;
        let config = ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key)?;
        let plain =
            TcpListener::bind(address).await.with_context(|| format!("listening at {address}"))?;
        Ok(Self { plain, acceptor: TlsAcceptor::from(Arc::new(config)) })
    }
}

impl axum::serve::Listener for Listener {
    type Io = TlsStream<TcpStream>;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Self::Io, Self::Addr) {
        loop {
            let (stream, from) = match self.plain.accept().await {
                Ok(accepted) => accepted,
                Err(error) => {
                    eprintln!("accepting a connection: {error}");
                    tokio::time::sleep(TRY_AGAIN_IN).await;
                    continue;
                }
            };
            match tokio::time::timeout(HANDSHAKE_WITHIN, self.acceptor.accept(stream)).await {
                Ok(Ok(stream)) => return (stream, from),
                Ok(Err(error)) => eprintln!("a handshake with {from}: {error}"),
                Err(_) => eprintln!("a handshake with {from} takes too long"),
            }
        }
    }

    fn local_addr(&self) -> io::Result<Self::Addr> {
        self.plain.local_addr()
    }
}
