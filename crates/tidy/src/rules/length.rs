//! A file has at most 400 lines and starts by saying what it is for and what it may not do.
//! The length of functions is Clippy's.

use crate::finding::Finding;
use crate::lexer::CommentKind;
use crate::workspace::Workspace;

/// What fits in a reader's head, and on a few screens.
const MOST_LINES: usize = 400;

/// Looks at every Rust file.
pub fn check(workspace: &Workspace<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for file in &workspace.files {
        let lines = file.text.lines().count();
        if lines > MOST_LINES {
            let what =
                format!("{lines} lines, at most {MOST_LINES}; split it by what its parts do");
            findings.push(Finding::new(file.path, 0, "length", what));
        }
        let header = file.lexed.comments.iter().filter(|comment| comment.kind == CommentKind::File);
        let header: String = header.flat_map(|comment| [comment.text, " "]).collect();
        if sentences(&header) < 2 {
            let what = "the `//!` at its head needs two sentences: what the file is for, and what it may not do";
            findings.push(Finding::new(file.path, 0, "header", what.to_owned()));
        }
    }
    findings
}

/// Sentences, and clauses after a colon or semicolon: "Reads; writes nothing." says both as well.
fn sentences(text: &str) -> usize {
    [". ", "; ", ": ", "? ", ".) "].iter().map(|end| text.matches(end).count()).sum()
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::source::Source;
    use crate::workspace::Workspace;

    fn rules(text: &str) -> Vec<&'static str> {
        let sources = [
            Source::new("a/Cargo.toml", "[package]\nname = \"a\""),
            Source::new("a/src/lib.rs", text),
        ];
        check(&Workspace::new(&sources)).iter().map(|finding| finding.rule).collect()
    }

    #[test]
    fn a_file_says_what_it_is_for_and_what_it_may_not_do() {
        assert_eq!(rules("fn f() {}"), ["header"]);
        assert_eq!(rules("//! Adds numbers."), ["header"]);
        assert_eq!(rules("//! Adds numbers.\n//! Prints nothing."), [""; 0]);
    }

    #[test]
    fn a_file_of_401_lines_is_refused() {
        let text = format!("//! Adds. Prints nothing.\n{}", "\n".repeat(399));
        assert_eq!(rules(&text), [""; 0]);
        assert_eq!(rules(&(text + "\n")), ["length"]);
    }
}
