//! PromQL text for one namespace and some pods, so written that no value can leave its string.
//! Pure; asks nothing.

use std::fmt;
use std::fmt::Write as _;
use std::sync::Arc;

use crate::cursor::Cursor;
use crate::quoting::{alternation, quoted};
use crate::selector::Selector;

/// Name of a Prometheus label.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct LabelName(String);

/// Error for a text that is no label name.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a label name has 1 to 63 letters, digits and `_`, no digit first")]
pub struct LabelNameError;

/// The labels that Prometheus puts on what it scrapes from a pod.
///
/// `namespace` and `pod` unless relabeling says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TargetLabels {
    /// Label with the pod's namespace.
    pub namespace: LabelName,
    /// Label with the pod's name.
    pub pod: LabelName,
}

/// Namespace and pods whose series are looked for.
pub(crate) struct Scope<'a> {
    pub(crate) namespace: &'a str,
    /// Not empty: an empty pattern would match series without a pod.
    pub(crate) pods: &'a [Arc<str>],
    pub(crate) labels: &'a TargetLabels,
}

impl LabelName {
    /// Takes a label name of at most 63 characters, `[a-zA-Z_][a-zA-Z0-9_]*`.
    ///
    /// # Errors
    /// [`LabelNameError`] when it is not one.
    pub fn parse(text: &str) -> Result<Self, LabelNameError> {
        let whole = Cursor::new(text).label_name().len() == text.len();
        if text.is_empty() || text.len() > 63 || !whole {
            return Err(LabelNameError);
        }
        Ok(Self(text.to_owned()))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LabelName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Default for TargetLabels {
    fn default() -> Self {
        Self { namespace: LabelName("namespace".to_owned()), pod: LabelName("pod".to_owned()) }
    }
}

impl Scope<'_> {
    /// Query for the sum of the selector's series, per pod.
    pub(crate) fn sum(&self, selector: &Selector) -> String {
        format!("sum by ({}) ({})", self.labels.pod, self.select(selector))
    }

    /// Query for the sum of the selector's series, per pod and these labels.
    pub(crate) fn sum_by(&self, selector: &Selector, labels: &[&str]) -> String {
        format!("sum by ({}) ({})", self.and(labels), self.select(selector))
    }

    /// Query for the time of the newest sample, in seconds, per pod and these labels.
    pub(crate) fn newest_by(&self, selector: &Selector, labels: &[&str]) -> String {
        format!("max by ({}) (timestamp({}))", self.and(labels), self.select(selector))
    }

    fn and(&self, labels: &[&str]) -> String {
        let pod = self.labels.pod.as_str();
        [&[pod], labels].concat().join(", ")
    }

    /// Query for the classic buckets of a histogram, per pod and edge.
    pub(crate) fn buckets(&self, selector: &Selector) -> String {
        format!("sum by ({}, le) ({})", self.labels.pod, self.select(&selector.buckets()))
    }

    /// Query for the time of the newest sample of the selector's series, in seconds, per pod.
    pub(crate) fn newest(&self, selector: &Selector) -> String {
        format!("max by ({}) (timestamp({}))", self.labels.pod, self.select(selector))
    }

    fn select(&self, selector: &Selector) -> String {
        let mut text = format!("{}{{", selector.name);
        for matcher in &selector.matchers {
            let _ = write!(text, "{matcher},");
        }
        let (namespace, pod) = (&self.labels.namespace, &self.labels.pod);
        let pods = quoted(&alternation(self.pods));
        let _ = write!(text, "{namespace}={},{pod}=~{pods}}}", quoted(self.namespace));
        text
    }
}

#[cfg(test)]
mod tests;
