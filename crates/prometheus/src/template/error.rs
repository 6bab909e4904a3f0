//! Why a text is no template: the mistake, its place, and what is there instead.
//! Words only; finds no mistake.

/// Longest template in characters. Rendered, it is longer by the names of the pods.
pub(super) const MAX_CHARS: usize = 2000;

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// The query is empty.
    #[error("the query is empty")]
    Empty,
    /// The query is longer than 2000 characters.
    #[error("the query is longer than {MAX_CHARS} characters")]
    TooLong,
    /// A variable is not closed: `{{` without `}}`.
    #[error("at character {at}: `{{{{` without `}}}}`; variables are {VARIABLES}")]
    Open {
        /// Number of the first brace, from 1.
        at: usize,
    },
    /// A variable is unknown.
    #[error("at character {at}: no variable `{name}`; variables are {VARIABLES}")]
    UnknownVariable {
        /// Number of the first brace, from 1.
        at: usize,
        /// The name as written, at most 40 characters.
        name: String,
    },
    /// A string is not closed.
    #[error("at character {at}: this string is not closed")]
    OpenString {
        /// Number of the quote, from 1.
        at: usize,
    },
    /// A bracket is not closed.
    #[error("at character {at}: `{bracket}` is not closed")]
    OpenBracket {
        /// Number of the bracket, from 1.
        at: usize,
        /// The bracket without its counterpart.
        bracket: char,
    },
    /// A closing bracket has no opening one.
    #[error("at character {at}: `{character}` closes nothing")]
    UnopenedBracket {
        /// Number of the bracket, from 1.
        at: usize,
        /// The bracket without its counterpart.
        character: char,
    },
    /// A bracket is closed by one of another kind.
    #[error(
        "at character {at}: `{character}` where `{}` is needed, for the `{bracket}` at {since}",
        closing(*.bracket)
    )]
    WrongBracket {
        /// Number of the closing bracket, from 1.
        at: usize,
        /// The closing bracket.
        character: char,
        /// Number of the opening bracket, from 1.
        since: usize,
        /// The opening bracket.
        bracket: char,
    },
    /// A query that has to answer with a counter takes differences.
    #[error("{function}() is no counter; the judge takes the differences itself, so leave it out")]
    NoCounter {
        /// The function that takes differences.
        function: &'static str,
    },
}

const VARIABLES: &str = "{{pods}}, {{pod}}, {{role}}, {{namespace}}, {{revision}} and {{window}}";

/// The bracket that closes `bracket`.
pub(super) const fn closing(bracket: char) -> char {
    match bracket {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}
