//! Why a text is no template: the mistake, its place, and what is there instead.
//! Words only; finds no mistake.

/// Longest query that is taken, in characters. Rendered, it is as much longer as the names are.
pub(super) const MAX_CHARS: usize = 2000;

/// Why a text is no template.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// Nothing to ask.
    #[error("the query is empty")]
    Empty,
    /// Longer than 2000 characters.
    #[error("the query is longer than {MAX_CHARS} characters")]
    TooLong,
    /// `{{` without `}}`.
    #[error("at character {at}: `{{{{` without `}}}}`; variables are {VARIABLES}")]
    Open {
        /// Number of the first brace, from 1.
        at: usize,
    },
    /// A variable that there is not.
    #[error("at character {at}: no variable `{name}`; variables are {VARIABLES}")]
    UnknownVariable {
        /// Number of the first brace, from 1.
        at: usize,
        /// The name as written, at most 40 characters.
        name: String,
    },
    /// A quote without the other one.
    #[error("at character {at}: this string is not closed")]
    OpenString {
        /// Number of the quote, from 1.
        at: usize,
    },
    /// A bracket that is opened only.
    #[error("at character {at}: `{bracket}` is not closed")]
    OpenBracket {
        /// Number of the bracket, from 1.
        at: usize,
        /// The bracket.
        bracket: char,
    },
    /// A bracket that is closed only.
    #[error("at character {at}: `{character}` closes nothing")]
    UnopenedBracket {
        /// Number of the bracket, from 1.
        at: usize,
        /// The bracket.
        character: char,
    },
    /// A bracket that is closed by one of another kind.
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
    /// What should count events takes differences.
    #[error("{function}() is no counter; the judge takes the differences itself, so leave it out")]
    NoCounter {
        /// The function that does.
        function: &'static str,
    },
}

const VARIABLES: &str = "{{pods}}, {{pod}}, {{role}}, {{namespace}}, {{revision}} and {{window}}";

/// The bracket that closes this one.
pub(super) const fn closing(bracket: char) -> char {
    match bracket {
        '(' => ')',
        '[' => ']',
        _ => '}',
    }
}
