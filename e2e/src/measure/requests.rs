//! Requests that one client of Kafka makes, counted on their way by a proxy that passes everything on.
//! Knows of the protocol that a request begins with its length and the number of its kind.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context as _, Result, ensure};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _, copy};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// Longest request that is passed on, in bytes; those of a sampler have some kilobytes.
const LONGEST: usize = 16 << 20;

/// Requests so far, by the number of their kind.
#[derive(Clone, Debug, Default)]
pub(super) struct Counted(Arc<Mutex<BTreeMap<i16, u64>>>);

impl Counted {
    /// Passes on what comes to this address, until the tasks are dropped, and counts it.
    pub(super) async fn listen(at: &str, to: String, tasks: &mut JoinSet<()>) -> Result<Self> {
        let listener = TcpListener::bind(at).await.with_context(|| format!("listening at {at}"))?;
        let counted = Self::default();
        tasks.spawn(accept(listener, to, counted.clone()));
        Ok(counted)
    }

    /// The requests so far.
    pub(super) fn so_far(&self) -> BTreeMap<i16, u64> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn note(&self, kind: i16) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner).entry(kind).or_default() += 1;
    }
}

/// Name of a kind of request that a sampler makes.
pub(super) fn name(kind: i16) -> String {
    let known = match kind {
        2 => "ListOffsets",
        3 => "Metadata",
        9 => "OffsetFetch",
        10 => "FindCoordinator",
        15 => "DescribeGroups",
        18 => "ApiVersions",
        69 => "ConsumerGroupDescribe",
        75 => "DescribeTopicPartitions",
        other => return format!("kind {other}"),
    };
    known.to_owned()
}

async fn accept(listener: TcpListener, to: String, counted: Counted) {
    let mut connections = JoinSet::new();
    while let Ok((client, _)) = listener.accept().await {
        let (to, counted) = (to.clone(), counted.clone());
        connections.spawn(async move {
            let Ok(server) = TcpStream::connect(&to).await else { return };
            client.set_nodelay(true).ok();
            server.set_nodelay(true).ok();
            let (mut from_server, mut to_server) = server.into_split();
            let (from_client, mut to_client) = client.into_split();
            tokio::select! {
                _ = copy(&mut from_server, &mut to_client) => {}
                _ = pass(from_client, &mut to_server, &counted) => {}
            }
        });
    }
}

/// Passes requests on, one by one.
async fn pass(mut from: OwnedReadHalf, to: &mut OwnedWriteHalf, counted: &Counted) -> Result<()> {
    loop {
        let length = usize::try_from(from.read_u32().await?)?;
        ensure!((2..=LONGEST).contains(&length), "a request of {length} bytes");
        let mut request = vec![0; 4 + length];
        request[..4].copy_from_slice(&u32::try_from(length)?.to_be_bytes());
        from.read_exact(&mut request[4..]).await?;
        counted.note(i16::from_be_bytes([request[4], request[5]]));
        to.write_all(&request).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn requests_are_passed_on_and_counted_by_kind() {
        let server = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let to = server.local_addr().unwrap().to_string();
        // A port that was free a moment ago.
        let at = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().to_string();
        let mut tasks = JoinSet::new();
        let counted = Counted::listen(&at, to, &mut tasks).await.unwrap();
        let mut client = TcpStream::connect(&at).await.unwrap();
        let request = [0, 0, 0, 3, 0, 9, 1];
        client.write_all(&[request, request].concat()).await.unwrap();
        let (mut answering, _) = server.accept().await.unwrap();
        let mut got = [0; 14];
        answering.read_exact(&mut got).await.unwrap();
        assert_eq!(got[7..], request);
        answering.write_all(b"y").await.unwrap();
        assert_eq!(client.read_u8().await.unwrap(), b'y');
        assert_eq!(counted.so_far(), BTreeMap::from([(9, 2)]));
    }
}
