//! A TCP proxy to a server that all scenarios share: shut, it cuts off the clients of one scenario only.
//! Passes bytes on and knows no protocol. It ends with the runtime of its scenario.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use anyhow::{Context, Result};
use rustix::net::{Shutdown, shutdown};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Connections that wait to be taken: those of a fleet that comes back all at once.
const BACKLOG: u32 = 128;

/// A server that a scenario can lose.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// Kafka, for operator, consumers and producer of the scenario.
    Kafka,
    /// Prometheus, for the operator of the scenario.
    Prometheus,
}

/// A proxy, open or shut.
#[derive(Debug)]
pub(super) struct Proxy {
    at: SocketAddr,
    leads_to: String,
    passage: Option<Passage>,
}

/// What an open proxy holds, until it is shut.
#[derive(Debug)]
struct Passage {
    listener: Arc<TcpListener>,
    connections: JoinHandle<()>,
}

impl Proxy {
    /// Opens a proxy at this address; at a port of the machine's choice if that is 0.
    pub(super) fn open(at: &str, leads_to: String) -> Result<Self> {
        let mut proxy = Self { at: at.parse().context("an address")?, leads_to, passage: None };
        proxy.reopen()?;
        Ok(proxy)
    }

    /// Address at which clients connect.
    pub(super) fn address(&self) -> SocketAddr {
        self.at
    }

    /// Both ends, for whoever has it next.
    pub(super) async fn close(mut self) -> (String, String) {
        self.shut().await;
        (self.at.to_string(), self.leads_to)
    }

    /// Ends every connection through it, and refuses new ones.
    pub(super) async fn shut(&mut self) {
        if let Some(passage) = self.passage.take() {
            passage.connections.abort();
            // An aborted task says so; its connections have ended with it.
            passage.connections.await.ok();
            // To close it would not do: a process that is just being started holds a copy until its program begins.
            // Only now, since to accept from it is an error from here on.
            shutdown(&*passage.listener, Shutdown::Both).ok();
        }
    }

    /// Lets clients through again.
    pub(super) fn reopen(&mut self) -> Result<()> {
        let listener = listen(self.at).with_context(|| format!("listening at {}", self.at))?;
        self.at = listener.local_addr()?;
        let listener = Arc::new(listener);
        let connections = tokio::spawn(pass(Arc::clone(&listener), self.leads_to.clone()));
        self.passage = Some(Passage { listener, connections });
        Ok(())
    }
}

/// Listens, also while the kernel still remembers the connections that were cut.
fn listen(at: SocketAddr) -> io::Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(at)?;
    socket.listen(BACKLOG)
}

async fn pass(listener: Arc<TcpListener>, to: String) {
    let mut connections = JoinSet::new();
    loop {
        tokio::select! {
            Ok((client, _)) = listener.accept() => {
                connections.spawn(connect(client, to.clone()));
            }
            // So that those that ended are not kept.
            Some(_) = connections.join_next() => {}
        }
    }
}

/// Passes bytes on until one side ends; the client sees its connection end, whichever it is.
async fn connect(mut client: TcpStream, to: String) {
    if let Ok(mut server) = TcpStream::connect(&to).await {
        // Kafka's requests are small, and answered one by one.
        client.set_nodelay(true).ok();
        server.set_nodelay(true).ok();
        tokio::io::copy_bidirectional(&mut client, &mut server).await.ok();
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};

    use super::*;

    /// Answers each byte with the same byte.
    async fn echo() -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        tokio::spawn(async move {
            while let Ok((mut client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    let (mut from, mut to) = client.split();
                    tokio::io::copy(&mut from, &mut to).await.ok();
                });
            }
        });
        address
    }

    async fn answered(client: &mut TcpStream) -> io::Result<u8> {
        client.write_all(b"x").await?;
        client.read_u8().await
    }

    #[tokio::test]
    async fn a_shut_proxy_ends_what_is_under_way_and_refuses_what_comes() {
        let mut proxy = Proxy::open("127.0.0.1:0", echo().await).unwrap();
        let mut client = TcpStream::connect(proxy.address()).await.unwrap();
        assert_eq!(answered(&mut client).await.unwrap(), b'x');
        // As another test's new process has it, for a moment.
        let listener = &proxy.passage.as_ref().unwrap().listener;
        let _inherited = listener.as_fd().try_clone_to_owned().unwrap();
        proxy.shut().await;
        assert!(answered(&mut client).await.is_err());
        assert!(TcpStream::connect(proxy.address()).await.is_err());
        let before = proxy.address();
        proxy.reopen().unwrap();
        assert_eq!(proxy.address(), before);
        let mut client = TcpStream::connect(before).await.unwrap();
        assert_eq!(answered(&mut client).await.unwrap(), b'x');
    }
}
