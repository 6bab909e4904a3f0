//! Opens a trace: a file or standard input, gzip or plain.
//! Told apart by the first two bytes, never by a name; reads as a stream.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Cursor, Read};
use std::path::Path;

use flate2::bufread::MultiGzDecoder;

/// What gzip begins with; no JSON does.
const GZIP: [u8; 2] = [0x1f, 0x8b];

/// The text of a trace; `-` is standard input.
///
/// # Errors
/// When it can't be opened, or its first bytes can't be read.
pub(crate) fn open(file: &Path) -> io::Result<Box<dyn BufRead>> {
    let raw: Box<dyn Read> =
        if file == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(file)?) };
    text(raw)
}

fn text(mut raw: Box<dyn Read>) -> io::Result<Box<dyn BufRead>> {
    let mut head = Vec::with_capacity(GZIP.len());
    // Two bytes and no less: a pipe may bring them one by one.
    raw.by_ref().take(2).read_to_end(&mut head)?;
    let is_gzip = head == GZIP;
    let whole = BufReader::new(Cursor::new(head).chain(raw));
    // A trace is many members, one after the other.
    Ok(if is_gzip { Box::new(BufReader::new(MultiGzDecoder::new(whole))) } else { Box::new(whole) })
}
