//! No tuple pattern in a parameter list, and at most five parameters: what belongs together has a type with a name.
//! Closures may take tuples apart.

#[cfg(test)]
mod tests;

use crate::finding::Finding;
use crate::lexer::{Token, TokenKind};
use crate::outline::closing;
use crate::workspace::{RustFile, Workspace};

/// `self` counts, as it does for Clippy.
const MOST: usize = 5;

/// Looks at every function of every file.
pub fn check(workspace: &Workspace<'_>) -> Vec<Finding> {
    workspace.files.iter().flat_map(check_file).collect()
}

fn check_file(file: &RustFile<'_>) -> Vec<Finding> {
    let tokens = &file.lexed.tokens;
    let functions = (0..tokens.len()).filter(|at| tokens[*at].is_word("fn"));
    functions.flat_map(|at| check_function(file.path, &tokens[at + 1..])).collect()
}

/// Looks at the function whose name stands first in `tokens`; a type `fn(…)` has none.
fn check_function(path: &str, tokens: &[Token<'_>]) -> Vec<Finding> {
    let Some(name) = tokens.first().filter(|token| token.kind == TokenKind::Word) else {
        return Vec::new();
    };
    let Some(open) = parameter_list(tokens) else { return Vec::new() };
    let parameters = split(&tokens[open + 1..closing(tokens, open).saturating_sub(1)]);
    let mut findings = Vec::new();
    if parameters.len() > MOST {
        let what = format!(
            "`{}` takes {}, at most {MOST}; give those that belong together a type",
            name.text,
            parameters.len()
        );
        findings.push(Finding::new(path, name.line, "parameters", what));
    }
    for parameter in parameters.iter().filter(|parameter| is_tuple_pattern(parameter)) {
        let what = format!(
            "`{}` takes a tuple apart in its parameter list; name its parts, as a type or as parameters",
            name.text
        );
        findings.push(Finding::new(path, parameter[0].line, "parameters", what));
    }
    findings
}

/// Index of the `(` after the name and its generics.
fn parameter_list(tokens: &[Token<'_>]) -> Option<usize> {
    let mut angles = 0usize;
    for (at, token) in
        tokens.iter().enumerate().skip(1).filter(|(_, token)| token.kind == TokenKind::Mark)
    {
        match token.text {
            "<" => angles += 1,
            ">" => angles = angles.saturating_sub(1),
            "(" if angles == 0 => return Some(at),
            ";" | "{" | "}" if angles == 0 => return None,
            _ => {}
        }
    }
    None
}

/// Parameters between the parentheses.
fn split<'t, 'a>(tokens: &'t [Token<'a>]) -> Vec<&'t [Token<'a>]> {
    let (mut parts, mut start, mut at, mut angles) = (Vec::new(), 0, 0, 0usize);
    while let Some(token) = tokens.get(at) {
        let mark = if token.kind == TokenKind::Mark { token.text } else { "" };
        match mark {
            "(" | "[" | "{" => {
                at = closing(tokens, at);
                continue;
            }
            "<" => angles += 1,
            ">" => angles = angles.saturating_sub(1),
            "," if angles == 0 => {
                parts.push(&tokens[start..at]);
                start = at + 1;
            }
            _ => {}
        }
        at += 1;
    }
    parts.push(&tokens[start..]);
    parts.retain(|part| !part.is_empty());
    parts
}

/// Whether a parameter's pattern is a tuple, also behind `&`, `mut` or an attribute.
fn is_tuple_pattern(parameter: &[Token<'_>]) -> bool {
    let mut at = 0;
    while parameter.get(at).is_some_and(|token| token.is_mark("#")) {
        at = closing(parameter, at + 1);
    }
    let pattern = parameter.get(at..).unwrap_or_default();
    let first = pattern.iter().find(|token| !token.is_mark("&") && !token.is_word("mut"));
    first.is_some_and(|token| token.is_mark("("))
}
