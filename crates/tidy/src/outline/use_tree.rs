//! `use` trees, with nested braces, as a flat list of imports.
//! Resolves nothing.

use crate::lexer::{Token, TokenKind};
use crate::outline::items::Import;

/// Reads a tree from after `use` to its `;`. Gives its leaves and the number of tokens, the `;` among them.
pub fn read<'a>(tokens: &[Token<'a>]) -> (Vec<Import<'a>>, usize) {
    let mut tree = UseTree { tokens, at: 0, imports: Vec::new() };
    tree.branch(&[]);
    while tree.token().is_some_and(|token| !token.is_mark(";")) {
        tree.at += 1;
    }
    (tree.imports, (tree.at + 1).min(tokens.len()))
}

struct UseTree<'t, 'a> {
    tokens: &'t [Token<'a>],
    at: usize,
    imports: Vec<Import<'a>>,
}

impl<'a> UseTree<'_, 'a> {
    fn token(&self) -> Option<Token<'a>> {
        self.tokens.get(self.at).copied()
    }

    fn takes(&mut self, mark: &str) -> bool {
        let taken = self.token().is_some_and(|token| token.is_mark(mark));
        self.at += usize::from(taken);
        taken
    }

    /// One branch, whose path so far is `prefix`.
    fn branch(&mut self, prefix: &[&'a str]) {
        let mut path = prefix.to_vec();
        self.takes("::");
        while let Some(token) = self.token() {
            if token.is_mark("{") {
                self.at += 1;
                self.branches(&path);
                return;
            }
            if token.is_mark("*") {
                self.at += 1;
                self.imports.push(Import { path, name: "*", line: token.line });
                return;
            }
            if token.kind != TokenKind::Word {
                return;
            }
            self.at += 1;
            // `{self}` names the module itself.
            if token.text != "self" || path.is_empty() {
                path.push(token.text);
            }
            if !self.takes("::") {
                self.leaf(path, token);
                return;
            }
        }
    }

    fn branches(&mut self, path: &[&'a str]) {
        while self.token().is_some() && !self.takes("}") {
            let before = self.at;
            self.branch(path);
            self.takes(",");
            if self.at == before {
                self.at += 1;
            }
        }
    }

    fn leaf(&mut self, path: Vec<&'a str>, last: Token<'a>) {
        let mut name = path.last().copied().unwrap_or_default();
        if self.token().is_some_and(|token| token.is_word("as")) {
            self.at += 1;
            name = self.token().map_or(name, |token| token.text);
            self.at += 1;
        }
        self.imports.push(Import { path, name, line: last.line });
    }
}
