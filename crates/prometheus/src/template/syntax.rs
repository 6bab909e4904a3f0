//! What is wrong with a query whatever is asked: brackets, strings, functions that spoil a counter.
//! Not PromQL's grammar: what passes here may still be refused by the server, which says so itself.

use crate::template::error::{TemplateError, closing};

/// Checks that strings end and brackets match. Variables are skipped: each stands for a part of a
/// string or for a word.
///
/// # Errors
/// The first mistake, with its place.
pub(crate) fn check(query: &str) -> Result<(), TemplateError> {
    let mut open: Vec<(usize, char)> = Vec::new();
    let mut rest = Unread::new(query);
    while let Some((at, character)) = rest.next() {
        match character {
            '"' | '\'' | '`' => {
                rest.skip_string(character).ok_or(TemplateError::OpenString { at })?;
            }
            '#' => while rest.next().is_some_and(|(_, it)| it != '\n') {},
            '(' | '[' | '{' => open.push((at, character)),
            ')' | ']' | '}' => match open.pop() {
                Some((_, bracket)) if closing(bracket) == character => {}
                Some((since, bracket)) => {
                    return Err(TemplateError::WrongBracket { at, character, since, bracket });
                }
                None => return Err(TemplateError::UnopenedBracket { at, character }),
            },
            _ => {}
        }
    }
    match open.pop() {
        Some((at, bracket)) => Err(TemplateError::OpenBracket { at, bracket }),
        None => Ok(()),
    }
}

/// The function in a query, if any, that turns a counter into differences.
pub(crate) fn takes_differences(query: &str) -> Option<&'static str> {
    const FUNCTIONS: [&str; 7] =
        ["rate", "irate", "increase", "delta", "idelta", "deriv", "resets"];
    let is_word = |it: char| it.is_ascii_alphanumeric() || it == '_' || it == ':';
    FUNCTIONS.into_iter().find(|function| {
        query.match_indices(function).any(|(at, _)| {
            let before = query[..at].chars().next_back();
            let after = query[at + function.len()..].trim_start();
            !before.is_some_and(is_word) && after.starts_with('(')
        })
    })
}

/// The characters of a query without its variables, each with its number from 1.
struct Unread<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Unread<'a> {
    const fn new(text: &'a str) -> Self {
        Self { text, at: 1 }
    }

    fn next(&mut self) -> Option<(usize, char)> {
        while let Some(inside) = self.text.strip_prefix("{{") {
            // A template is parsed before: its variables are closed.
            let end = inside.find("}}")? + 4;
            self.at += self.text[..end].chars().count();
            self.text = &self.text[end..];
        }
        let character = self.text.chars().next()?;
        let at = self.at;
        self.text = &self.text[character.len_utf8()..];
        self.at += 1;
        Some((at, character))
    }

    /// Skips the rest of a string, past the next `quote`; `None` if there is none.
    fn skip_string(&mut self, quote: char) -> Option<()> {
        loop {
            match self.next()?.1 {
                end if end == quote => return Some(()),
                '\\' if quote != '`' => {
                    self.next()?;
                }
                // As in Go: a line break ends the line, not the string.
                '\n' if quote != '`' => return None,
                _ => {}
            }
        }
    }
}

#[cfg(test)]
mod tests;
