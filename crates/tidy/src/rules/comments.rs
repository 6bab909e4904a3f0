//! Comments that outlive what they speak of, or that need their neighbor to be understood.
//! Looks at first words and at file names; whether a comment is true, only a reader can say.

#[cfg(test)]
mod tests;

use std::collections::HashSet;

use crate::finding::Finding;
use crate::lexer::{Comment, CommentKind};
use crate::source::Source;
use crate::workspace::Workspace;

/// First words that point at something outside the comment.
const LEANING: [&str; 3] = ["That ", "The same ", "Of "];

/// Its comments are descriptions in the CRD, whose bytes change with the API and not for style.
const WIRE: &str = "crates/api/src/status.rs";

/// Looks at the comments of every file.
pub fn check(workspace: &Workspace<'_>) -> Vec<Finding> {
    let known = known_names(workspace.sources);
    let mut findings = Vec::new();
    for file in &workspace.files {
        let mut before: Option<&Comment<'_>> = None;
        for comment in &file.lexed.comments {
            for name in file_names(comment.text).filter(|name| !known.contains(*name)) {
                let what = format!("the comment names `{name}`, which is not in the tree");
                findings.push(Finding::new(file.path, comment.line, "comments", what));
            }
            let goes_on =
                before.is_some_and(|it| it.kind == comment.kind && it.line + 1 == comment.line);
            let leaning = LEANING.iter().find(|first| comment.text.starts_with(*first));
            if let Some(first) = leaning
                .filter(|_| !goes_on && comment.kind != CommentKind::Plain && file.path != WIRE)
            {
                let what = format!(
                    "a doc comment that starts with \"{}\" leans on its neighbor; start with its subject",
                    first.trim()
                );
                findings.push(Finding::new(file.path, comment.line, "comments", what));
            }
            before = Some(comment);
        }
    }
    findings
}

/// Every way to name a file from some folder on: `a/b/c`, `b/c`, `c`.
fn known_names(sources: &[Source]) -> HashSet<&str> {
    let mut known = HashSet::new();
    for source in sources.iter().filter(|source| has_checked_ending(&source.path)) {
        known.insert(source.path.as_str());
        known.extend(source.path.match_indices('/').map(|(at, _)| &source.path[at + 1..]));
    }
    known
}

fn has_checked_ending(name: &str) -> bool {
    [".rs", ".md"].iter().any(|ending| name.len() > ending.len() && name.ends_with(ending))
}

/// Names of Rust and Markdown files in a comment; addresses on the web are none.
fn file_names(text: &str) -> impl Iterator<Item = &str> {
    let words = text.split_whitespace().filter(|word| !word.contains("://"));
    let names =
        words.flat_map(|word| word.split(|c: char| !(c.is_alphanumeric() || "_-./".contains(c))));
    let names = names
        .map(|name| name.trim_end_matches('.').trim_start_matches("../").trim_start_matches('/'));
    names.filter(|name| has_checked_ending(name))
}
