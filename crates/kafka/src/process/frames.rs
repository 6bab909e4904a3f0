//! Frames of a pipe: a length of four bytes, big endian, then so much JSON.
//! Believes no length; knows no message.

use std::io::{self, Read};

use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Longest frame in bytes. A group of 50,000 partitions and 3,000 members takes 4 MB.
pub(super) const LONGEST: usize = 8 << 20;

const LENGTH_BYTES: usize = 4;

/// Error in what came through a pipe.
#[derive(Debug, thiserror::Error)]
pub(super) enum FrameError {
    /// More than a frame may hold.
    #[error("a message of {bytes} bytes, more than the {LONGEST} that one may have")]
    TooLong {
        /// Length of the message.
        bytes: usize,
    },
    /// The pipe ended in the middle of a frame.
    #[error("a message was cut off")]
    Cut,
    /// No message that is known.
    #[error("a message that makes no sense: {0}")]
    Malformed(#[from] serde_json::Error),
    /// The pipe failed.
    #[error("the pipe failed: {0}")]
    Pipe(#[from] io::Error),
}

/// The message as a frame.
pub(super) fn frame(message: &impl Serialize) -> Result<Vec<u8>, FrameError> {
    let mut frame = vec![0; LENGTH_BYTES];
    serde_json::to_writer(&mut frame, message)?;
    let bytes = frame.len() - LENGTH_BYTES;
    let length = u32::try_from(bytes).ok().filter(|_| bytes <= LONGEST);
    let length = length.ok_or(FrameError::TooLong { bytes })?;
    frame[..LENGTH_BYTES].copy_from_slice(&length.to_be_bytes());
    Ok(frame)
}

/// The next message, waited for by this thread; `None` at the end of the pipe.
pub(super) fn read<T: DeserializeOwned>(from: &mut impl Read) -> Result<Option<T>, FrameError> {
    let mut length = Vec::new();
    from.take(LENGTH_BYTES as u64).read_to_end(&mut length)?;
    let Some(bytes) = checked(&length)? else { return Ok(None) };
    let mut body = Vec::new();
    from.take(bytes as u64).read_to_end(&mut body)?;
    parse(&body, bytes).map(Some)
}

/// The next message; `None` at the end of the pipe. Not cancel safe.
pub(super) async fn receive<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
) -> Result<Option<T>, FrameError> {
    let mut length = Vec::new();
    from.take(LENGTH_BYTES as u64).read_to_end(&mut length).await?;
    let Some(bytes) = checked(&length)? else { return Ok(None) };
    let mut body = Vec::new();
    from.take(bytes as u64).read_to_end(&mut body).await?;
    parse(&body, bytes).map(Some)
}

/// The length that a frame begins with; `None` if there is nothing any more.
fn checked(length: &[u8]) -> Result<Option<usize>, FrameError> {
    if length.is_empty() {
        return Ok(None);
    }
    let length = length.try_into().map_err(|_| FrameError::Cut)?;
    let bytes = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if LONGEST < bytes { Err(FrameError::TooLong { bytes }) } else { Ok(Some(bytes)) }
}

fn parse<T: DeserializeOwned>(body: &[u8], bytes: usize) -> Result<T, FrameError> {
    if body.len() < bytes {
        return Err(FrameError::Cut);
    }
    Ok(serde_json::from_slice(body)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_come_as_they_went_and_the_end_is_no_error() {
        let mut pipe = frame(&"one").expect("short");
        pipe.extend(frame(&2).expect("short"));
        let mut pipe = pipe.as_slice();
        assert_eq!(read::<String>(&mut pipe).expect("a message").as_deref(), Some("one"));
        assert_eq!(read::<i32>(&mut pipe).expect("a message"), Some(2));
        assert_eq!(read::<i32>(&mut pipe).expect("no message"), None);
    }

    #[tokio::test]
    async fn no_length_is_believed() {
        let huge = u32::MAX.to_be_bytes();
        assert!(matches!(read::<i32>(&mut &huge[..]), Err(FrameError::TooLong { .. })));
        let received = receive::<i32>(&mut &huge[..]).await;
        assert!(matches!(received, Err(FrameError::TooLong { .. })));
        let whole = frame(&"a message").expect("short");
        for cut in 1..whole.len() {
            let received = receive::<String>(&mut &whole[..cut]).await;
            assert!(matches!(received, Err(FrameError::Cut)), "{cut}: {received:?}");
        }
        let other = frame(&[1, 2]).expect("short");
        assert!(matches!(read::<String>(&mut other.as_slice()), Err(FrameError::Malformed(_))));
        assert!(matches!(frame(&"x".repeat(LONGEST)), Err(FrameError::TooLong { .. })));
    }
}
