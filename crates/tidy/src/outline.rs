//! What a file declares and what it imports: modules, items, `use` trees and paths.
//! Looks at one file alone; to which file a path leads is said by `graph`. Test code is left out.

mod attribute;
pub mod items;
mod use_tree;

#[cfg(test)]
mod tests;

use crate::lexer::{Token, TokenKind};
use crate::outline::attribute::Attribute;
use crate::outline::items::{InlineTests, ModuleFile, Outline, PathUse, Scope};

/// Reads the tokens of one file.
pub fn outline<'a>(tokens: &[Token<'a>]) -> Outline<'a> {
    let mut reader = Reader { tokens, at: 0, outline: Outline::default() };
    reader.outline.scopes.push(Scope::default());
    reader.scope(0);
    reader.outline
}

const ITEM_KEYWORDS: [&str; 8] =
    ["struct", "enum", "union", "trait", "type", "fn", "const", "static"];

struct Reader<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: usize,
    outline: Outline<'a>,
}

impl<'a> Reader<'_, 'a> {
    fn token(&self, ahead: usize) -> Option<Token<'a>> {
        self.tokens.get(self.at + ahead).copied()
    }

    fn mark_ahead(&self, ahead: usize, mark: &str) -> bool {
        self.token(ahead).is_some_and(|token| token.is_mark(mark))
    }

    fn word_ahead(&self, ahead: usize) -> Option<Token<'a>> {
        self.token(ahead).filter(|token| token.kind == TokenKind::Word)
    }

    /// Reads to the closing brace of `scope`, or to the end of the file.
    fn scope(&mut self, scope: usize) {
        let mut depth = 0usize;
        let mut attribute = Attribute::default();
        while let Some(token) = self.token(0) {
            if token.is_mark("#") && (self.mark_ahead(1, "[") || self.mark_ahead(2, "[")) {
                self.attribute(scope, &mut attribute);
                continue;
            }
            if token.is_word("pub") {
                let within = self.mark_ahead(1, "(");
                self.at = if within { closing(self.tokens, self.at + 1) } else { self.at + 1 };
                continue;
            }
            if token.kind == TokenKind::Mark && "{[(".contains(token.text) {
                depth += 1;
            } else if token.kind == TokenKind::Mark && "}])".contains(token.text) {
                if depth == 0 {
                    self.at += 1;
                    return;
                }
                depth -= 1;
            } else if self.module(scope, &attribute) {
                attribute = Attribute::default();
                continue;
            } else if attribute.test {
                attribute = Attribute::default();
                self.skip_item();
                continue;
            } else if token.is_word("use") && !self.mark_ahead(1, "<") {
                self.at += 1;
                let (imports, length) = use_tree::read(&self.tokens[self.at..]);
                self.outline.scopes[scope].imports.extend(imports);
                self.at += length;
                continue;
            } else if token.kind == TokenKind::Word {
                if depth == 0 {
                    self.item(scope);
                }
                self.path(scope);
                continue;
            }
            attribute = Attribute::default();
            self.at += 1;
        }
    }

    /// Reads `#[…]` or `#![…]`; paths in its strings, as serde takes them, are paths of the scope.
    fn attribute(&mut self, scope: usize, attribute: &mut Attribute<'a>) {
        let whole_file = self.mark_ahead(1, "!");
        self.at += if whole_file { 2 } else { 1 };
        let end = closing(self.tokens, self.at);
        let inside = &self.tokens[self.at..end];
        let read = Attribute::read(inside);
        self.outline.scopes[scope].paths.extend(attribute::quoted_paths(inside));
        if whole_file {
            self.outline.test |= read.test && scope == 0;
        } else {
            attribute.test |= read.test;
            attribute.path = attribute.path.or(read.path);
        }
        self.at = end;
    }

    /// Reads `mod name;` or `mod name { … }`, if that is what comes.
    fn module(&mut self, scope: usize, attribute: &Attribute<'a>) -> bool {
        let Some(name) =
            self.word_ahead(1).filter(|_| self.token(0).is_some_and(|t| t.is_word("mod")))
        else {
            return false;
        };
        if self.mark_ahead(2, ";") {
            let module = ModuleFile { name: name.text, path: attribute.path, test: attribute.test };
            self.outline.scopes[scope].modules.push(module);
            self.at += 3;
        } else if !self.mark_ahead(2, "{") {
            return false;
        } else if attribute.test {
            let end = closing(self.tokens, self.at + 2);
            let last = self.tokens.get(end.saturating_sub(1)).map_or(name.line, |token| token.line);
            let length = last + 1 - name.line;
            self.outline.inline_tests.push(InlineTests { line: name.line, length });
            self.at = end;
        } else {
            let inner = self.outline.scopes.len();
            let parent = Some(scope);
            self.outline.scopes.push(Scope { name: name.text, parent, ..Scope::default() });
            self.at += 3;
            self.scope(inner);
        }
        true
    }

    /// Notes the name of an item that starts here.
    fn item(&mut self, scope: usize) {
        let Some(token) = self.token(0) else { return };
        let name = if token.is_word("macro_rules") {
            self.word_ahead(2)
        } else if ITEM_KEYWORDS.contains(&token.text) {
            self.word_ahead(1).filter(|name| !ITEM_KEYWORDS.contains(&name.text))
        } else {
            None
        };
        self.outline.scopes[scope].items.extend(name.map(|name| name.text));
    }

    /// Reads a word and, if it starts a path, the whole path.
    fn path(&mut self, scope: usize) {
        let Some(first) = self.token(0) else { return };
        let mut path = vec![first.text];
        self.at += 1;
        while let Some(next) = self.word_ahead(1).filter(|_| self.mark_ahead(0, "::")) {
            path.push(next.text);
            self.at += 2;
        }
        if path.len() > 1 {
            self.outline.scopes[scope].paths.push(PathUse { path, line: first.line });
        }
    }

    /// Passes over test code: to a `;`, to a `,` outside brackets, or past the first `{ … }`.
    fn skip_item(&mut self) {
        let mut angles = 0usize;
        while let Some(token) = self.token(0) {
            match token.text {
                "}" | "]" | ")" if token.kind == TokenKind::Mark => return,
                "<" => angles += 1,
                ">" => angles = angles.saturating_sub(1),
                _ => {}
            }
            let opens = token.kind == TokenKind::Mark && "{[(".contains(token.text);
            self.at = if opens { closing(self.tokens, self.at) } else { self.at + 1 };
            if token.is_mark(";") || token.is_mark("{") || (token.is_mark(",") && angles == 0) {
                return;
            }
        }
    }
}

/// Index after the bracket that closes the one at `open`.
pub fn closing(tokens: &[Token<'_>], open: usize) -> usize {
    let mut depth = 0usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if token.kind != TokenKind::Mark {
            continue;
        }
        match token.text {
            "{" | "[" | "(" => depth += 1,
            "}" | "]" | ")" => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return at + 1;
                }
            }
            _ => {}
        }
    }
    tokens.len()
}
