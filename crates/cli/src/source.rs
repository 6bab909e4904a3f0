//! Opens a trace: a file or standard input, gzip or plain, as a stream.
//! Reads no line of it.

use std::fs::File;
use std::io::{self, BufRead, Read};
use std::path::Path;

use siskin_trace::gzip;

/// The text of a trace; `-` is standard input.
///
/// # Errors
/// When it can't be opened, or its first bytes can't be read.
pub(crate) fn open(file: &Path) -> io::Result<Box<dyn BufRead>> {
    let raw: Box<dyn Read> =
        if file == Path::new("-") { Box::new(io::stdin()) } else { Box::new(File::open(file)?) };
    gzip::text(raw)
}
