//! A user's own query, with places for the pods and the window of a rollout.
//! Strict: what is not understood is an error when it is written, not a query that finds nothing.

mod error;
mod syntax;

use std::sync::Arc;
use std::time::Duration;

use siskin_analysis::observation::Role;

use crate::quoting::{alternation, escaped};
use crate::template::error::MAX_CHARS;

pub use crate::template::error::TemplateError;

/// A PromQL query with variables: `{{pods}}`, `{{pod}}`, `{{role}}`, `{{namespace}}`,
/// `{{revision}}`, `{{window}}`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Template {
    parts: Vec<Part>,
}

/// Values of the variables of a template.
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

/// A piece of a query: text as it stands, or a variable.
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
    /// As [`Template::parse`], and [`TemplateError::NoCounter`] for a query that takes differences.
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

    /// Whether the query depends on a role, so that it must be asked once for each.
    #[must_use]
    pub fn is_per_role(&self) -> bool {
        let of_role = [Variable::Role, Variable::Revision];
        of_role.iter().any(|it| self.parts.contains(&Part::Variable(*it)))
    }

    /// The query with the values in place. No value can end the string that it stands in.
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

/// A PromQL duration, in whole seconds where they are whole. Never `0s`, which PromQL refuses.
fn duration(window: Duration) -> String {
    let millis = window.as_millis().max(1);
    if millis.is_multiple_of(1000) { format!("{}s", millis / 1000) } else { format!("{millis}ms") }
}

#[cfg(test)]
mod tests;
