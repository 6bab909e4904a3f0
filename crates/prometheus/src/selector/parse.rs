//! From text to selector, with the place of every mistake. Accepts a subset of PromQL:
//! no quoted metric names, no functions, no ranges. Never panics, whatever the text.

use regex::{Regex, RegexBuilder};

use crate::cursor::Cursor;
use crate::selector::{Comparison, Matcher, Selector, SelectorError, SelectorProblem};

/// Largest compiled pattern in bytes: a few hundred alternatives need some
/// 100 KiB, `(a{1000}){1000}` would need gigabytes.
const PATTERN_BYTES: usize = 1024 * 1024;

impl Selector {
    /// Parses a selector of at most [`Selector::MAX_CHARS`] characters.
    ///
    /// Comparisons are `=`, `!=`, `=~` and `!~`; patterns are anchored at both ends; strings are
    /// in double quotes, single quotes or backticks, with PromQL's escapes.
    ///
    /// # Errors
    /// [`SelectorError`] with the place and the kind of the first mistake.
    pub fn parse(text: &str) -> Result<Self, SelectorError> {
        if text.chars().count() > Self::MAX_CHARS {
            return Err(SelectorError {
                at: Self::MAX_CHARS + 1,
                problem: SelectorProblem::TooLong,
            });
        }
        let mut cursor = Cursor::new(text);
        cursor.skip_blanks();
        let name = cursor.metric_name().to_owned();
        if name.is_empty() {
            return Err(wrong(&cursor, SelectorProblem::NoMetricName));
        }
        cursor.skip_blanks();
        let matchers = if cursor.take("{") { matchers(&mut cursor)? } else { Vec::new() };
        cursor.skip_blanks();
        if cursor.peek().is_some() {
            return Err(wrong(&cursor, SelectorProblem::TextAfter));
        }
        Ok(Self { name, matchers })
    }
}

fn matchers(cursor: &mut Cursor<'_>) -> Result<Vec<Matcher>, SelectorError> {
    let mut found = Vec::new();
    loop {
        cursor.skip_blanks();
        if cursor.take("}") {
            return Ok(found);
        }
        found.push(matcher(cursor)?);
        cursor.skip_blanks();
        if !cursor.take(",") && cursor.peek() != Some('}') {
            return Err(wrong(cursor, SelectorProblem::NoSeparator));
        }
    }
}

fn matcher(cursor: &mut Cursor<'_>) -> Result<Matcher, SelectorError> {
    let start = cursor.at();
    let label = cursor.label_name().to_owned();
    if label.is_empty() {
        return Err(wrong(cursor, SelectorProblem::NoLabelName));
    }
    if label == "__name__" {
        return Err(SelectorError { at: start, problem: SelectorProblem::NameAsLabel });
    }
    cursor.skip_blanks();
    let comparison = comparison(cursor)?;
    cursor.skip_blanks();
    let start = cursor.at();
    let value = string(cursor)?;
    let pattern = match comparison {
        Comparison::Equal | Comparison::NotEqual => None,
        Comparison::Matches | Comparison::DoesNotMatch => {
            Some(pattern(&value).map_err(|reason| SelectorError {
                at: start,
                problem: SelectorProblem::BadPattern(reason),
            })?)
        }
    };
    Ok(Matcher { label, comparison, value, pattern })
}

fn comparison(cursor: &mut Cursor<'_>) -> Result<Comparison, SelectorError> {
    // The longer ones first: `=` begins `=~`.
    [Comparison::Matches, Comparison::DoesNotMatch, Comparison::NotEqual, Comparison::Equal]
        .into_iter()
        .find(|comparison| cursor.take(comparison.as_str()))
        .ok_or_else(|| wrong(cursor, SelectorProblem::NoComparison))
}

/// Compiles a pattern as Prometheus does: anchored, and with `.` for line breaks too.
fn pattern(value: &str) -> Result<Regex, String> {
    RegexBuilder::new(&format!("^(?s:{value})$")).size_limit(PATTERN_BYTES).build().map_err(
        |error| {
            // The last line names the mistake; those above draw it.
            let text = error.to_string();
            text.lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned()
        },
    )
}

fn string(cursor: &mut Cursor<'_>) -> Result<String, SelectorError> {
    let start = cursor.at();
    let open = || SelectorError { at: start, problem: SelectorProblem::OpenString };
    let Some(quote @ ('"' | '\'' | '`')) = cursor.peek() else {
        return Err(wrong(cursor, SelectorProblem::NoString));
    };
    cursor.next();
    let mut value = String::new();
    loop {
        let place = cursor.at();
        match cursor.next().ok_or_else(open)? {
            end if end == quote => return Ok(value),
            '\\' if quote != '`' => value.push(
                escape(cursor)
                    .ok_or(SelectorError { at: place, problem: SelectorProblem::BadEscape })?,
            ),
            // As in Go: a line break ends the line, not the string.
            '\n' if quote != '`' => return Err(open()),
            character => value.push(character),
        }
    }
}

/// Reads one escape of a Go string, after its backslash. Single bytes above 127 are refused: they
/// are no character.
fn escape(cursor: &mut Cursor<'_>) -> Option<char> {
    let code = match cursor.next()? {
        'a' => return Some('\u{7}'),
        'b' => return Some('\u{8}'),
        'f' => return Some('\u{c}'),
        'n' => return Some('\n'),
        'r' => return Some('\r'),
        't' => return Some('\t'),
        'v' => return Some('\u{b}'),
        same @ ('\\' | '\'' | '"') => return Some(same),
        'x' => digits(cursor, 2, 16).filter(|code| *code < 128)?,
        'u' => digits(cursor, 4, 16)?,
        'U' => digits(cursor, 8, 16)?,
        first @ '0'..='7' => {
            let first = first.to_digit(8)?;
            digits(cursor, 2, 8).map(|rest| first * 64 + rest).filter(|code| *code < 128)?
        }
        _ => return None,
    };
    char::from_u32(code)
}

fn digits(cursor: &mut Cursor<'_>, count: usize, radix: u32) -> Option<u32> {
    (0..count).try_fold(0_u32, |code, _| {
        code.checked_mul(radix)?.checked_add(cursor.next()?.to_digit(radix)?)
    })
}

fn wrong(cursor: &Cursor<'_>, problem: SelectorProblem) -> SelectorError {
    SelectorError { at: cursor.at(), problem }
}
