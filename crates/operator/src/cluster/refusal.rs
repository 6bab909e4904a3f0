//! What the API server means by an error: a no, with a reason and words for people, or no answer.
//! Pure. Its words may hold what a pod template holds: they are cut, and values are taken out.

use kube::core::Status;

use crate::cluster::answers::{is_denial, is_leaving};
use crate::cluster::calls::{CallError, CallFailed};

/// Characters of the server's words that are told: three or four sentences.
const MAX_WORDS: usize = 600;

/// Characters of a quoted value that is told: a name, not a template.
const MAX_QUOTED: usize = 80;

/// Why a write was refused: the reason of a condition and of an Event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, strum::IntoStaticStr)]
#[cfg_attr(test, derive(strum::EnumIter))]
pub enum RefusalReason {
    /// RBAC: the `ServiceAccount` lacks a right.
    NotPermitted,
    /// A `ResourceQuota` is used up.
    QuotaExceeded,
    /// A policy, a webhook or validation says no.
    WriteRefused,
    /// A webhook that must be asked did not answer.
    WebhookUnavailable,
    /// An object of the name that is to be made is being deleted, and not gone.
    BeingDeleted,
    /// The API server did not answer: whether the write was made is unknown.
    Unanswered,
    /// The frozen template of a revision is gone, and nothing runs it any more.
    TemplateLost,
    /// The API server does not keep a field of the status.
    DefinitionOutdated,
}

impl RefusalReason {
    /// What a person can do about it.
    #[must_use]
    pub const fn remedy(self) -> &'static str {
        match self {
            Self::NotPermitted => {
                "give the operator's ServiceAccount this right: apply config/rbac of this version, or where each tenant lets it in, kubectl create rolebinding siskin-tenant --clusterrole=siskin-tenant --serviceaccount=siskin-system:siskin -n NAMESPACE"
            }
            Self::QuotaExceeded => "raise the ResourceQuota, or make room in the namespace",
            Self::WriteRefused => {
                "change the policy, exempt this object from it, or change the Deployment so that it passes"
            }
            Self::WebhookUnavailable => {
                "bring the webhook back, or let its failurePolicy be Ignore"
            }
            Self::BeingDeleted => {
                "it was deleted in the foreground and waits for its pods or for a finalizer: look at both; it is made again once it is gone"
            }
            Self::Unanswered => "look at the API server and at webhooks that take long",
            Self::TemplateLost => {
                "its ControllerRevision was deleted; restore it, or ship another version with siskin.dev/bypass"
            }
            Self::DefinitionOutdated => {
                "apply the CustomResourceDefinition of this version of the operator"
            }
        }
    }
}

impl CallFailed {
    /// Why the API server did not do it; `None` where somebody else was faster, which is no
    /// refusal: look again.
    pub(crate) fn refusal(&self) -> Option<RefusalReason> {
        if self.is_conflict() {
            return None;
        }
        Some(match &self.source {
            CallError::Api(kube::Error::Api(status)) => reason_of(status),
            CallError::Api(_) | CallError::Deadline(_) => RefusalReason::Unanswered,
        })
    }

    /// Whether the API server answered, and said no.
    pub(crate) fn is_refused(&self) -> bool {
        self.refusal().is_some_and(|it| it != RefusalReason::Unanswered)
    }

    /// What was tried, and the server's words: one line, bounded, without values.
    pub(crate) fn told(&self) -> String {
        let words = match &self.source {
            CallError::Api(kube::Error::Api(status)) => words(&status.message),
            CallError::Api(error) => words(&error.to_string()),
            CallError::Deadline(_) => self.source.to_string(),
        };
        format!("could not {} {}: {words}", self.verb, self.what)
    }
}

fn reason_of(status: &Status) -> RefusalReason {
    let says = |text: &str| status.message.contains(text);
    if says("failed calling webhook") || says("failed to call webhook") {
        return RefusalReason::WebhookUnavailable;
    }
    if says("exceeded quota") {
        return RefusalReason::QuotaExceeded;
    }
    // A webhook chooses its code: Kyverno says 400, Gatekeeper 403, others 500.
    if is_denial(status) {
        return RefusalReason::WriteRefused;
    }
    if is_leaving(status) {
        return RefusalReason::BeingDeleted;
    }
    match status.code {
        403 if says(" cannot ") && says("resource") => RefusalReason::NotPermitted,
        401 => RefusalReason::NotPermitted,
        408 | 429 | 500.. => RefusalReason::Unanswered,
        _ => RefusalReason::WriteRefused,
    }
}

/// A server's words for a condition: one line, bounded; braces, long quotations and credentials of
/// addresses are left out, since a validation error repeats whole templates.
pub(crate) fn words(text: &str) -> String {
    let mut kept = String::new();
    let mut rest = text.chars().peekable();
    while let Some(it) = rest.next() {
        match it {
            '{' => {
                skip_braces(&mut rest);
                kept.push_str("{…}");
            }
            '"' => {
                let quoted = quotation(&mut rest);
                let short = quoted.chars().count() <= MAX_QUOTED && !quoted.contains('{');
                kept.push('"');
                kept.push_str(if short { &quoted } else { "…" });
                kept.push('"');
            }
            it if it.is_control() => kept.push(' '),
            it => kept.push(it),
        }
    }
    let line = kept.split_whitespace().map(without_credentials).collect::<Vec<_>>().join(" ");
    let mut cut: String = line.chars().take(MAX_WORDS).collect();
    if cut.len() < line.len() {
        cut.push('…');
    }
    cut
}

/// Passes over what belongs to an opened brace; all that is left if it is never closed.
fn skip_braces(rest: &mut impl Iterator<Item = char>) {
    let mut open = 1_u32;
    for it in rest {
        match it {
            '{' => open += 1,
            '}' => open -= 1,
            _ => {}
        }
        if open == 0 {
            return;
        }
    }
}

/// What stands up to the closing quotation mark, as the server escaped it.
fn quotation(rest: &mut impl Iterator<Item = char>) -> String {
    let (mut quoted, mut escaped) = (String::new(), false);
    for it in rest {
        if it == '"' && !escaped {
            break;
        }
        escaped = it == '\\' && !escaped;
        quoted.push(if it.is_control() { ' ' } else { it });
    }
    quoted
}

/// `scheme://user:password@host` without the user and the password.
fn without_credentials(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else { return word.to_owned() };
    let end = rest.find(['/', '?', '"']).unwrap_or(rest.len());
    match rest[..end].rfind('@') {
        Some(at) => format!("{scheme}://{}", &rest[at + 1..]),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests;
