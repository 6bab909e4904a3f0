//! Gzip: text compressed as one member of a file, and files of one member or of many read again.
//! Opens no file; whether something is compressed is told by its first two bytes, never by a name.

use std::io::{self, BufRead, BufReader, Cursor, Read, Write};

use flate2::Compression;
use flate2::bufread::MultiGzDecoder;
use flate2::write::GzEncoder;

/// First bytes of gzip; no JSON begins with them.
const MAGIC: [u8; 2] = [0x1f, 0x8b];

/// Text as one member. Members one after the other are a file.
#[must_use]
pub fn member(text: &[u8]) -> Vec<u8> {
    // The fastest: the lines of a trace repeat each other, and the slower levels save a fifth.
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    // Memory takes everything: there is no error to come.
    let written = encoder.write_all(text).and_then(|()| encoder.finish());
    written.unwrap_or_default()
}

/// The text of a trace, whether it is compressed or not.
///
/// # Errors
/// When the first bytes can't be read.
pub fn text<'a>(mut raw: impl Read + 'a) -> io::Result<Box<dyn BufRead + 'a>> {
    let mut head = Vec::with_capacity(MAGIC.len());
    // Two bytes and no less: a pipe may bring them one by one.
    raw.by_ref().take(2).read_to_end(&mut head)?;
    let is_gzip = head == MAGIC;
    let whole = BufReader::new(Cursor::new(head).chain(raw));
    Ok(if is_gzip { Box::new(BufReader::new(MultiGzDecoder::new(whole))) } else { Box::new(whole) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn members_one_after_the_other_and_plain_text_are_read_alike() {
        for raw in [[member(b"ab\n"), member(b"c\n")].concat(), b"ab\nc\n".to_vec()] {
            let mut read = String::new();
            text(&raw[..]).and_then(|mut it| it.read_to_string(&mut read)).expect("readable");
            assert_eq!(read, "ab\nc\n");
        }
    }
}
