//! Reads a trace line by line, never more than one of them in memory.
//! Anything unreadable is an error with its line; nothing is guessed, repaired or judged.

use std::io::{self, BufRead, Read};

use siskin_analysis::observation::Millis;

use crate::checks::{Nonsense, check_gap};
use crate::form::{HeaderForm, LineForm, LineKind, MarkForm, VersionForm};
use crate::line::{Header, LONGEST_LINE, Line, Mark, VERSION};

/// Why a trace can't be read (on). Lines are counted from 1; the header is one.
#[derive(Debug, thiserror::Error)]
pub enum TraceError {
    /// The source failed.
    #[error("line {line}: {source}")]
    Source {
        /// The line that was being read.
        line: u64,
        /// What happened.
        source: io::Error,
    },
    /// There is no line at all.
    #[error("the trace is empty: want a header, {{\"siskinTrace\":{VERSION},…}}")]
    Empty,
    /// The header is of another version.
    #[error("line 1: the trace has version {found}, this build reads {VERSION}")]
    Version {
        /// The version found.
        found: u32,
    },
    /// The line is longer than [`LONGEST_LINE`].
    #[error("line {line}: is longer than {LONGEST_LINE} bytes")]
    TooLong {
        /// The line.
        line: u64,
    },
    /// The line is no JSON, or a field has another type.
    #[error("line {line}, column {column}: {problem}")]
    Unreadable {
        /// The line.
        line: u64,
        /// The column of the problem, from 1; 0 if there is none.
        column: usize,
        /// What is wrong.
        problem: String,
    },
    /// The line says something that can't be.
    #[error("line {line}: {problem}")]
    Nonsense {
        /// The line.
        line: u64,
        /// What.
        problem: Nonsense,
    },
}

/// Reads a trace. An iterator over the lines after the header; it ends after the first error.
#[derive(Debug)]
pub struct Reader<R> {
    source: R,
    header: Header,
    buffer: Vec<u8>,
    line: u64,
    latest: Option<Millis>,
    has_trial: bool,
    ended: bool,
}

impl<R: BufRead> Reader<R> {
    /// Reads the header.
    ///
    /// # Errors
    /// When there is none, or it is unreadable, or of another version, or its settings are out of
    /// range.
    pub fn new(mut source: R) -> Result<Self, TraceError> {
        let mut buffer = Vec::new();
        if !next_line(&mut source, &mut buffer, 1)? {
            return Err(TraceError::Empty);
        }
        let VersionForm { version: found } = parse(&buffer, 1)?;
        if found != VERSION {
            return Err(TraceError::Version { found });
        }
        let form: HeaderForm = parse(&buffer, 1)?;
        let header = form.header().map_err(|problem| TraceError::Nonsense { line: 1, problem })?;
        Ok(Self { source, header, buffer, line: 1, latest: None, has_trial: false, ended: false })
    }

    /// The header.
    pub const fn header(&self) -> &Header {
        &self.header
    }

    /// The next line that says something to this version; `None` at the end.
    fn read(&mut self) -> Result<Option<Line>, TraceError> {
        loop {
            self.line += 1;
            if !next_line(&mut self.source, &mut self.buffer, self.line)? {
                return Ok(None);
            }
            if self.buffer.iter().all(u8::is_ascii_whitespace) {
                continue;
            }
            let form: LineForm = parse(&self.buffer, self.line)?;
            let line = self.line;
            let wrong = |problem| TraceError::Nonsense { line, problem };
            let read = match form.kind().map_err(wrong)? {
                LineKind::Seen(seen) => Line::Seen(seen),
                LineKind::Mark => parse::<MarkForm>(&self.buffer, line)?.line(),
                LineKind::UnknownMark => continue,
            };
            self.check(&read).map_err(wrong)?;
            return Ok(Some(read));
        }
    }

    /// Checks a line against those before it.
    fn check(&mut self, line: &Line) -> Result<(), Nonsense> {
        let begins = match line {
            Line::Mark { mark: Mark::TrialStarted | Mark::Resumed { .. }, .. } => true,
            Line::Mark { .. } | Line::Seen(_) => false,
        };
        if begins && std::mem::replace(&mut self.has_trial, true) {
            return Err(Nonsense::SecondTrial);
        }
        check_gap(self.latest, line.at())?;
        self.latest = Some(line.at());
        Ok(())
    }
}

impl<R: BufRead> Iterator for Reader<R> {
    type Item = Result<Line, TraceError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ended {
            return None;
        }
        let next = self.read().transpose();
        self.ended = !matches!(next, Some(Ok(_)));
        next
    }
}

/// Reads up to the next end of a line; whether there was anything.
fn next_line(
    source: &mut impl BufRead,
    buffer: &mut Vec<u8>,
    line: u64,
) -> Result<bool, TraceError> {
    buffer.clear();
    // One byte for the end of the line, one to tell that it is longer.
    let most = u64::try_from(LONGEST_LINE + 2).unwrap_or(u64::MAX);
    source
        .take(most)
        .read_until(b'\n', buffer)
        .map_err(|source| TraceError::Source { line, source })?;
    if buffer.is_empty() {
        return Ok(false);
    }
    if buffer.last() == Some(&b'\n') {
        buffer.pop();
    }
    if buffer.len() > LONGEST_LINE {
        return Err(TraceError::TooLong { line });
    }
    Ok(true)
}

fn parse<'a, T: serde::Deserialize<'a>>(text: &'a [u8], line: u64) -> Result<T, TraceError> {
    serde_json::from_slice(text).map_err(|error| {
        let place = format!(" at line {} column {}", error.line(), error.column());
        let text = error.to_string();
        let problem = text.strip_suffix(&place).unwrap_or(&text).to_owned();
        TraceError::Unreadable { line, column: error.column(), problem }
    })
}
