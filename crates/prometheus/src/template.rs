//! A user's own query, with places for the pods and the window of a rollout.
//! Strict: what is not understood is an error when it is written, not a query that finds nothing.

use std::sync::Arc;
use std::time::Duration;

use siskin_analysis::observation::Role;

use crate::promql::{alternation, escaped};
use crate::syntax;

/// Longest query that is taken, in characters. Rendered, it is as much longer as the names are.
const MAX_CHARS: usize = 2000;

/// A PromQL query with variables: `{{pods}}`, `{{pod}}`, `{{role}}`, `{{namespace}}`,
/// `{{revision}}`, `{{window}}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

/// What a template is rendered with.
#[derive(Clone, Copy, Debug)]
pub struct TemplateValues<'a> {
    /// `{{pods}}`: a regular expression that matches exactly these pods. Use it as
    /// `pod=~"{{pods}}"`.
    pub pods: &'a [Arc<str>],
    /// `{{pod}}`: one pod's name. See [`Template::is_per_pod`].
    pub pod: &'a str,
    /// `{{role}}`: `primary` or `canary`.
    pub role: Role,
    /// `{{namespace}}`: the rollout's namespace.
    pub namespace: &'a str,
    /// `{{revision}}`: the revision's template hash.
    pub revision: &'a str,
    /// `{{window}}`: a PromQL duration such as `30s`. Use it as `[{{window}}]`.
    pub window: Duration,
}

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
        syntax::closing(*.bracket)
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

#[derive(Clone, Debug, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(Variable),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Variable {
    Pods,
    Pod,
    Role,
    Namespace,
    Revision,
    Window,
}

impl Template {
    /// Parses a query of at most 2000 characters. Blanks inside the braces are ignored.
    ///
    /// # Errors
    /// [`TemplateError`] for a variable that is unknown or not closed, for brackets and strings that
    /// are not, and for an empty query.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        if text.trim().is_empty() {
            return Err(TemplateError::Empty);
        }
        if text.chars().count() > MAX_CHARS {
            return Err(TemplateError::TooLong);
        }
        let mut parts = Vec::new();
        let mut rest = text;
        while let Some(start) = rest.find("{{") {
            let at = text[..text.len() - rest.len() + start].chars().count() + 1;
            let inside = &rest[start + 2..];
            let end = inside.find("}}").ok_or(TemplateError::Open { at })?;
            let name = inside[..end].trim();
            let variable = Variable::parse(name).ok_or_else(|| TemplateError::UnknownVariable {
                at,
                name: name.chars().take(40).collect(),
            })?;
            parts.push(Part::Text(rest[..start].to_owned()));
            parts.push(Part::Variable(variable));
            rest = &inside[end + 2..];
        }
        parts.push(Part::Text(rest.to_owned()));
        syntax::check(text)?;
        Ok(Self { parts })
    }

    /// Parses a query whose answer has to be a counter: totals since the process started.
    ///
    /// # Errors
    /// Those of [`Template::parse`], and [`TemplateError::NoCounter`] for one that takes differences.
    pub fn counter(text: &str) -> Result<Self, TemplateError> {
        let template = Self::parse(text)?;
        match syntax::takes_differences(text) {
            Some(function) => Err(TemplateError::NoCounter { function }),
            None => Ok(template),
        }
    }

    /// Whether the query names one pod, so that it must be asked once for each.
    #[must_use]
    pub fn is_per_pod(&self) -> bool {
        self.parts.contains(&Part::Variable(Variable::Pod))
    }

    /// Whether the query says something of a role, so that it must be asked once for each.
    #[must_use]
    pub fn is_per_role(&self) -> bool {
        let of_role = [Variable::Role, Variable::Revision];
        of_role.iter().any(|it| self.parts.contains(&Part::Variable(*it)))
    }

    /// The query with its values. None of them can end the string that it stands in.
    #[must_use]
    pub fn render(&self, values: &TemplateValues<'_>) -> String {
        self.parts
            .iter()
            .map(|part| match part {
                Part::Text(text) => text.clone(),
                Part::Variable(variable) => variable.value(values),
            })
            .collect()
    }
}

impl Variable {
    fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "pods" => Self::Pods,
            "pod" => Self::Pod,
            "role" => Self::Role,
            "namespace" => Self::Namespace,
            "revision" => Self::Revision,
            "window" => Self::Window,
            _ => return None,
        })
    }

    fn value(self, values: &TemplateValues<'_>) -> String {
        match self {
            Self::Pods => escaped(&alternation(values.pods)),
            Self::Pod => escaped(values.pod),
            Self::Role => match values.role {
                Role::Primary => "primary".to_owned(),
                Role::Canary => "canary".to_owned(),
            },
            Self::Namespace => escaped(values.namespace),
            Self::Revision => escaped(values.revision),
            Self::Window => duration(values.window),
        }
    }
}

/// As PromQL writes it: whole seconds where they are whole. Never `0s`, which PromQL refuses.
fn duration(window: Duration) -> String {
    let millis = window.as_millis().max(1);
    if millis.is_multiple_of(1000) { format!("{}s", millis / 1000) } else { format!("{millis}ms") }
}

#[cfg(test)]
mod tests;
