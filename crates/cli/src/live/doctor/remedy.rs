//! What the runbook says about a reason: the page itself is compiled in, so that both say the same.
//! Reads its tables; adds no advice of its own.

use std::fmt::Write as _;

/// The page for whoever is called.
const RUNBOOK: &str = include_str!("../../../../../docs/runbook.md");

/// A list of reasons in the runbook.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ReasonTable {
    Stalled,
    WritesAccepted,
    SourcesReachable,
    Causes,
}

impl ReasonTable {
    /// Line above the table.
    const fn begins(self) -> &'static str {
        match self {
            Self::Stalled => "### Reasons of `Stalled`",
            Self::WritesAccepted => "### Reasons of `WritesAccepted`",
            Self::SourcesReachable => "### Reasons of `SourcesReachable`",
            Self::Causes => "Causes of a rollback:",
        }
    }
}

/// The rollout that a remedy is for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct RemedyFor<'a> {
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    pub(crate) target: &'a str,
}

/// The runbook's remedy for a reason, with the names of this rollout; `None` if it has none.
pub(crate) fn of(table: ReasonTable, reason: &str, rollout: RemedyFor<'_>) -> Option<String> {
    let told = cells(table).find(|it| it.0.split(", ").any(|it| it.trim_matches('`') == reason))?.1;
    Some(with_names(&without_links(told), rollout))
}

/// First and last cell of each row.
fn cells(table: ReasonTable) -> impl Iterator<Item = (&'static str, &'static str)> {
    let lines = RUNBOOK.lines().skip_while(move |it| *it != table.begins()).skip(1);
    let rows = lines.skip_while(|it| !it.starts_with('|')).take_while(|it| it.starts_with('|'));
    rows.skip(2).filter_map(|row| {
        let row = row.trim_matches('|');
        Some((row.split_once('|')?.0.trim(), row.rsplit_once('|')?.1.trim()))
    })
}

/// A link to a page beside the runbook as its text with the page behind it, and a link within the page as its text.
fn without_links(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('[') {
        let link =
            after.split_once("](").and_then(|(word, end)| Some((word, end.split_once(')')?)));
        let Some((word, (page, after))) = link else { break };
        let page = page.split('#').next().unwrap_or_default();
        out += before;
        let _ = match page {
            "" => write!(out, "{word}"),
            page if word == page => write!(out, "docs/{page}"),
            page => write!(out, "{word} (docs/{page})"),
        };
        rest = after;
    }
    out + rest
}

/// `X` is the Deployment there, and `NAME` the CanaryRollout.
fn with_names(text: &str, rollout: RemedyFor<'_>) -> String {
    let RemedyFor { namespace, name, target } = rollout;
    let named =
        text.replace("NAMESPACE", namespace).replace("NAME", &format!("{name} -n {namespace}"));
    let mut out = String::new();
    let mut before = ' ';
    let mut letters = named.chars().peekable();
    while let Some(letter) = letters.next() {
        let alone = letter == 'X'
            && !before.is_alphanumeric()
            && letters.peek().is_none_or(|it| !it.is_alphanumeric());
        if alone {
            out += target;
        } else {
            out.push(letter);
        }
        before = letter;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remedies_are_those_of_the_runbook_with_the_names_of_the_rollout() {
        let rollout = RemedyFor { namespace: "shop", name: "orders", target: "worker" };
        let remedy = |table, reason| of(table, reason, rollout).expect(reason);
        for (table, reason, told) in [
            (ReasonTable::Stalled, "PrimaryLost", "set worker's replicas, remove its annotation"),
            (ReasonTable::Stalled, "NameTaken", "worker, worker-primary or worker-canary belongs"),
            (ReasonTable::Stalled, "RevisionRejected", "`kubectl siskin retry orders -n shop`"),
            (ReasonTable::Stalled, "AutoscalerOnTarget", "not taken over (docs/autoscaling.md)"),
            (ReasonTable::WritesAccepted, "WebhookUnavailable", "let its `failurePolicy` be"),
            (ReasonTable::SourcesReachable, "Timeout", "the brokers can't be reached, or are late"),
            (ReasonTable::SourcesReachable, "SecretForbidden", "beside it (docs/install.md)"),
            (ReasonTable::Causes, "Inconclusive", "metrics (docs/metrics-sources.md)"),
        ] {
            assert!(remedy(table, reason).contains(told), "{reason}: {}", remedy(table, reason));
        }
        assert_eq!(of(ReasonTable::Stalled, "Unheard", rollout), None);
        for table in [
            ReasonTable::Stalled,
            ReasonTable::WritesAccepted,
            ReasonTable::SourcesReachable,
            ReasonTable::Causes,
        ] {
            assert!(7 < cells(table).count(), "{table:?}");
            assert!(cells(table).all(|it| !without_links(it.1).contains("](")), "{table:?}");
        }
    }
}
