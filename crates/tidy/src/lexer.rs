//! Rust text as tokens and comments, each with its line.
//! Knows no grammar: what the tokens mean is said elsewhere. Text that does not compile yields some tokens, never a panic.

#[cfg(test)]
mod tests;

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenKind {
    /// An identifier or a keyword.
    Word,
    /// A string literal of any form; the text is its content.
    Quoted,
    /// A number or a character.
    Literal,
    /// A lifetime or a label.
    Lifetime,
    /// Punctuation; `::`, `->` and `=>` are one mark each.
    Mark,
}

/// A token and the line on which it starts.
#[derive(Clone, Copy, Debug)]
pub struct Token<'a> {
    /// What it is.
    pub kind: TokenKind,
    /// Its text; for a string, what stands between the quotes.
    pub text: &'a str,
    /// Line, counted from 1.
    pub line: usize,
}

impl Token<'_> {
    /// Whether it is the identifier or keyword `text`.
    pub fn is_word(&self, text: &str) -> bool {
        self.kind == TokenKind::Word && self.text == text
    }

    /// Whether it is the mark `text`.
    pub fn is_mark(&self, text: &str) -> bool {
        self.kind == TokenKind::Mark && self.text == text
    }
}

/// Whom a comment addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommentKind {
    /// `//` or `/* */`.
    Plain,
    /// `///`: documents the next item.
    Item,
    /// `//!`: documents the file.
    File,
}

/// One line of a comment, without its slashes.
#[derive(Clone, Copy, Debug)]
pub struct Comment<'a> {
    /// Whom it addresses.
    pub kind: CommentKind,
    /// Its text, trimmed.
    pub text: &'a str,
    /// Line, counted from 1.
    pub line: usize,
}

/// A file's tokens and comments.
#[derive(Debug, Default)]
pub struct Lexed<'a> {
    /// All tokens but comments.
    pub tokens: Vec<Token<'a>>,
    /// All comments, line by line.
    pub comments: Vec<Comment<'a>>,
}

/// Splits `text`.
pub fn lex(text: &str) -> Lexed<'_> {
    let mut lexer = Lexer { text, at: 0, line: 1, lexed: Lexed::default() };
    while lexer.at < text.len() {
        lexer.step();
    }
    lexer.lexed
}

struct Lexer<'a> {
    text: &'a str,
    at: usize,
    line: usize,
    lexed: Lexed<'a>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn step(&mut self) {
        let rest = self.rest();
        let Some(first) = rest.chars().next() else { return };
        if first == '\n' {
            self.line += 1;
            self.at += 1;
        } else if first.is_whitespace() {
            self.at += first.len_utf8();
        } else if rest.starts_with("//") {
            self.line_comment();
        } else if rest.starts_with("/*") {
            self.block_comment();
        } else if let Some((quote, hashes)) = string_start(rest) {
            self.string(quote, hashes);
        } else if first.is_alphabetic() || first == '_' {
            let end = rest.find(|c: char| !is_word_char(c)).unwrap_or(rest.len());
            // `r#type`: the name without its mark.
            if &rest[..end] == "r"
                && rest[1..].starts_with('#')
                && rest[2..].starts_with(is_word_char)
            {
                self.at += 2;
            } else {
                self.push(TokenKind::Word, end);
            }
        } else if first.is_ascii_digit() {
            self.number();
        } else if first == '\'' {
            self.character_or_lifetime();
        } else {
            let pair = ["::", "->", "=>"].iter().any(|pair| rest.starts_with(pair));
            self.push(TokenKind::Mark, if pair { 2 } else { first.len_utf8() });
        }
    }

    fn push(&mut self, kind: TokenKind, length: usize) {
        self.lexed.tokens.push(Token {
            kind,
            text: &self.text[self.at..self.at + length],
            line: self.line,
        });
        self.at += length;
    }

    fn line_comment(&mut self) {
        let rest = self.rest();
        let end = rest.find('\n').unwrap_or(rest.len());
        let (kind, slashes) = match rest.as_bytes().get(2) {
            Some(b'/') if rest.as_bytes().get(3) != Some(&b'/') => (CommentKind::Item, 3),
            Some(b'!') => (CommentKind::File, 3),
            _ => (CommentKind::Plain, 2),
        };
        self.lexed.comments.push(Comment {
            kind,
            text: rest[slashes..end].trim(),
            line: self.line,
        });
        self.at += end;
    }

    fn block_comment(&mut self) {
        let rest = self.rest();
        let (mut depth, mut end) = (0usize, 0);
        while end < rest.len() {
            if rest[end..].starts_with("/*") {
                depth += 1;
                end += 2;
            } else if rest[end..].starts_with("*/") {
                depth -= 1;
                end += 2;
                if depth == 0 {
                    break;
                }
            } else {
                end += rest[end..].chars().next().map_or(1, char::len_utf8);
            }
        }
        for text in rest[..end].split('\n') {
            let text = text.trim_matches(|c: char| c.is_whitespace() || c == '*' || c == '/');
            self.lexed.comments.push(Comment { kind: CommentKind::Plain, text, line: self.line });
            self.line += 1;
        }
        self.line -= 1;
        self.at += end;
    }

    /// A string whose content starts `quote` bytes further on and which ends with a quote and `hashes`, if it is raw.
    fn string(&mut self, quote: usize, hashes: Option<usize>) {
        let content = &self.rest()[quote..];
        let end = match hashes {
            Some(hashes) => content.find(&format!("\"{}", "#".repeat(hashes))),
            None => escaped_end(content, b'"'),
        };
        let end = end.unwrap_or(content.len());
        let text = &content[..end];
        self.lexed.tokens.push(Token { kind: TokenKind::Quoted, text, line: self.line });
        self.line += text.matches('\n').count();
        self.at = (self.at + quote + end + 1 + hashes.unwrap_or(0)).min(self.text.len());
    }

    fn number(&mut self) {
        let rest = self.rest();
        let mut end = rest.find(|c: char| !is_word_char(c)).unwrap_or(rest.len());
        let fraction = &rest[end..];
        if fraction.starts_with('.') && fraction[1..].starts_with(|c: char| c.is_ascii_digit()) {
            end += 1 + fraction[1..].find(|c: char| !is_word_char(c)).unwrap_or(fraction.len() - 1);
        }
        self.push(TokenKind::Literal, end);
    }

    fn character_or_lifetime(&mut self) {
        let content = &self.rest()[1..];
        let width = content.chars().next().map_or(0, char::len_utf8);
        if content.starts_with('\\') {
            let end = escaped_end(content, b'\'').unwrap_or(width);
            self.push(TokenKind::Literal, end + 2);
        } else if content[width..].starts_with('\'') {
            self.push(TokenKind::Literal, width + 2);
        } else {
            let end = content.find(|c: char| !is_word_char(c)).unwrap_or(content.len());
            self.push(TokenKind::Lifetime, end + 1);
        }
    }
}

fn is_word_char(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// Where the first `quote` stands that no backslash escapes.
fn escaped_end(content: &str, quote: u8) -> Option<usize> {
    let mut escaped = false;
    content.bytes().position(|byte| {
        let ends = byte == quote && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

/// For text that starts with a string: where its content starts, and the number of hashes if it is raw.
fn string_start(rest: &str) -> Option<(usize, Option<usize>)> {
    let prefix = rest.find(|c: char| !matches!(c, 'b' | 'c' | 'r')).filter(|&at| at <= 2)?;
    let (prefix, after) = rest.split_at(prefix);
    if !prefix.ends_with('r') {
        return after.starts_with('"').then_some((prefix.len() + 1, None));
    }
    let hashes = after.find(|c| c != '#')?;
    after[hashes..].starts_with('"').then_some((prefix.len() + hashes + 1, Some(hashes)))
}
