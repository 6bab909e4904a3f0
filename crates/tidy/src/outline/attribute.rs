//! The two attributes that say where a module's text is: `cfg(test)` and `path`.
//! Every other attribute is passed over, but for paths in its strings.

use crate::lexer::{Token, TokenKind};
use crate::outline::items::PathUse;

/// What the attributes of an item say.
#[derive(Debug, Default)]
pub struct Attribute<'a> {
    /// Whether the item is compiled for tests only.
    pub test: bool,
    /// The file that `#[path]` names.
    pub path: Option<&'a str>,
}

impl<'a> Attribute<'a> {
    /// Reads the tokens between the brackets.
    pub fn read(tokens: &[Token<'a>]) -> Self {
        let word = |text| tokens.iter().any(|token| token.is_word(text));
        let first = tokens.iter().find(|token| token.kind == TokenKind::Word);
        let named = |name| first.is_some_and(|token| token.is_word(name));
        let path = tokens.iter().find(|token| token.kind == TokenKind::Quoted && named("path"));
        Self {
            test: named("cfg") && word("test") && !word("not"),
            path: path.map(|token| token.text),
        }
    }
}

/// Paths within the strings of an attribute, as `#[serde(with = "crate::time::seconds")]`.
pub fn quoted_paths<'a>(tokens: &[Token<'a>]) -> Vec<PathUse<'a>> {
    let is_name =
        |part: &&str| !part.is_empty() && part.chars().all(|c| c.is_alphanumeric() || c == '_');
    let quoted = tokens.iter().filter(|token| token.kind == TokenKind::Quoted);
    quoted
        .filter(|token| {
            token.text.contains("::") && token.text.split("::").all(|part| is_name(&part))
        })
        .map(|token| PathUse { path: token.text.split("::").collect(), line: token.line })
        .collect()
}
