//! A text read character by character: names and blanks, which selectors and the text format share.
//! Knows neither of the two; reports where it stands and never fails.

/// A position in a text.
pub(crate) struct Cursor<'a> {
    text: &'a str,
    byte: usize,
}

impl<'a> Cursor<'a> {
    /// A cursor at the start of a text.
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, byte: 0 }
    }

    /// Number of the next character, from 1.
    pub(crate) fn at(&self) -> usize {
        self.text[..self.byte].chars().count() + 1
    }

    /// The text that has not been read yet.
    pub(crate) fn rest(&self) -> &'a str {
        &self.text[self.byte..]
    }

    /// The next character, not taken.
    pub(crate) fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    /// Takes the next character.
    pub(crate) fn next(&mut self) -> Option<char> {
        let next = self.peek()?;
        self.byte += next.len_utf8();
        Some(next)
    }

    /// Takes `expected` if it is next.
    pub(crate) fn take(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.byte += expected.len();
        }
        found
    }

    /// Takes blanks.
    pub(crate) fn skip_blanks(&mut self) {
        self.take_while(|c| c.is_ascii_whitespace());
    }

    /// Takes a metric name, `[a-zA-Z_:][a-zA-Z0-9_:]*`; empty if there is none.
    pub(crate) fn metric_name(&mut self) -> &'a str {
        self.name(|c| c == ':')
    }

    /// Takes a label name, `[a-zA-Z_][a-zA-Z0-9_]*`; empty if there is none.
    pub(crate) fn label_name(&mut self) -> &'a str {
        self.name(|_| false)
    }

    fn name(&mut self, also: impl Fn(char) -> bool) -> &'a str {
        if self.peek().is_some_and(|c| c.is_ascii_digit()) {
            return "";
        }
        self.take_while(|c| c.is_ascii_alphanumeric() || c == '_' || also(c))
    }

    fn take_while(&mut self, accept: impl Fn(char) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest.find(|c| !accept(c)).unwrap_or(rest.len());
        self.byte += end;
        &rest[..end]
    }
}
