//! Which series of a pod make one number: a metric name with label matchers, as PromQL has it.
//! Used as PromQL and on scraped text alike, so both sources answer one selector the same way.

mod parse;

use std::fmt;

use regex::Regex;

use crate::quoting::quoted;

/// A metric name with label matchers: `app_errors_total{kind="terminal",topic=~"a|b"}`.
///
/// Series that match are summed per pod.
#[derive(Clone, Debug, PartialEq)]
pub struct Selector {
    pub(crate) name: String,
    pub(crate) matchers: Vec<Matcher>,
}

/// One condition on one label. A series without the label has the empty value, as in PromQL.
#[derive(Clone, Debug)]
pub(crate) struct Matcher {
    pub(crate) label: String,
    pub(crate) comparison: Comparison,
    pub(crate) value: String,
    /// Compiled from `value`, for the two comparisons that need it.
    pub(crate) pattern: Option<Regex>,
}

/// How a label is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comparison {
    Equal,
    NotEqual,
    Matches,
    DoesNotMatch,
}

/// Why a text is no selector, and where.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {problem}")]
pub struct SelectorError {
    /// Number of the character, from 1.
    pub at: usize,
    /// The mistake at that character.
    pub problem: SelectorProblem,
}

/// Mistakes in a selector.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SelectorProblem {
    /// The text is longer than [`Selector::MAX_CHARS`].
    #[error("longer than {} characters", Selector::MAX_CHARS)]
    TooLong,
    /// The metric name is missing.
    #[error("a metric name is needed here: letters, digits, `_` and `:`, no digit first")]
    NoMetricName,
    /// A label name is missing.
    #[error("a label name is needed here: letters, digits and `_`, no digit first")]
    NoLabelName,
    /// `__name__` stands as a label.
    #[error("`__name__` can't be used as a label: write the metric's name before the `{{`")]
    NameAsLabel,
    /// The comparison after a label is missing.
    #[error("one of `=`, `!=`, `=~`, `!~` is needed here")]
    NoComparison,
    /// The string after a comparison is missing.
    #[error("a string in quotes is needed here")]
    NoString,
    /// A string is not closed.
    #[error("this string is not closed")]
    OpenString,
    /// An escape is unknown to PromQL.
    #[error("this escape is not one of PromQL's, such as `\\\\`, `\\\"`, `\\n`, `\\u00e9`")]
    BadEscape,
    /// A value is no regular expression.
    #[error("this string is not a regular expression ({0})")]
    BadPattern(String),
    /// Neither a further matcher nor the end of the matchers follows.
    #[error("`,` or `}}` is needed here")]
    NoSeparator,
    /// Something follows the selector.
    #[error("nothing may follow a selector: functions and ranges belong into a query")]
    TextAfter,
}

impl Selector {
    /// Longest text that is parsed, in characters. Ten label matchers fit; a reading asks up to
    /// eight of them.
    pub const MAX_CHARS: usize = 500;

    /// The metric's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether it says something of this label.
    pub(crate) fn names(&self, label: &str) -> bool {
        self.matchers.iter().any(|it| it.label == label)
    }

    /// The classic buckets of the histogram with this base name.
    pub(crate) fn buckets(&self) -> Self {
        Self { name: format!("{}_bucket", self.name), matchers: self.matchers.clone() }
    }

    /// Whether all matchers accept these labels. The metric's name is not looked at.
    pub(crate) fn accepts(&self, labels: &[(String, String)]) -> bool {
        self.matchers.iter().all(|matcher| {
            let value = labels.iter().find(|(label, _)| *label == matcher.label);
            matcher.accepts(value.map_or("", |(_, value)| value))
        })
    }
}

impl Matcher {
    fn accepts(&self, value: &str) -> bool {
        let pattern = self.pattern.as_ref().is_some_and(|pattern| pattern.is_match(value));
        match self.comparison {
            Comparison::Equal => value == self.value,
            Comparison::NotEqual => value != self.value,
            Comparison::Matches => pattern,
            Comparison::DoesNotMatch => !pattern,
        }
    }
}

impl Comparison {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Matches => "=~",
            Self::DoesNotMatch => "!~",
        }
    }
}

/// Compares all but the compiled pattern, which follows from the value.
impl PartialEq for Matcher {
    fn eq(&self, other: &Self) -> bool {
        (&self.label, self.comparison, &self.value)
            == (&other.label, other.comparison, &other.value)
    }
}

/// PromQL without the scope of a namespace and pods.
impl fmt::Display for Selector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        if self.matchers.is_empty() {
            return Ok(());
        }
        let matchers: Vec<String> = self.matchers.iter().map(ToString::to_string).collect();
        write!(f, "{{{}}}", matchers.join(","))
    }
}

impl fmt::Display for Matcher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}{}", self.label, self.comparison.as_str(), quoted(&self.value))
    }
}

#[cfg(test)]
mod tests;
