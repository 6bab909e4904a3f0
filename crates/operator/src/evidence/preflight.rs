//! Whether a trial may begin: every check with the reason why it failed and what to do. Pure.
//! A failed preflight holds a trial and goes on by itself; it never rejects a revision.

use jiff::Timestamp;
use siskin_analysis::{Unsteady, primary_steady};
use siskin_kafka::{GroupSnapshot, SampleError};
use siskin_prometheus::{Fault, ReadError};

use crate::evidence::rollout_evidence::Ledger;
use siskin_decide::Workload;

/// Something that keeps a trial from beginning.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Concern {
    /// CamelCase, one of a closed set: condition reason.
    pub reason: &'static str,
    /// What is wrong and what to do.
    pub message: String,
}

impl Concern {
    /// From its parts.
    pub fn new(reason: &'static str, message: impl Into<String>) -> Self {
        Self { reason, message: message.into() }
    }
}

/// Everything that keeps a trial from beginning, the gravest first.
#[must_use]
pub fn concerns(
    primary: Option<&Workload>,
    total: u32,
    source: Option<&Concern>,
    ledger: Option<&Ledger>,
    now: Timestamp,
) -> Vec<Concern> {
    let mut found: Vec<_> = primary_available(primary, total).into_iter().collect();
    if let Some(source) = source {
        found.push(source.clone());
        return found;
    }
    let Some(ledger) = ledger else {
        found.push(Concern::new("NoObservation", "Kafka has not been asked yet"));
        return found;
    };
    match ledger.latest().map(AsRef::as_ref) {
        Some(Err(error)) => found.push(of_source(error)),
        Some(Ok(snapshot)) => {
            found.extend(static_members(snapshot));
            found.extend(steady(ledger, now));
            found.extend(ledger.unread().map(of_metrics));
        }
        None => found.push(Concern::new("NoObservation", "Kafka has not answered yet")),
    }
    found
}

/// A source that can't be read, as a condition says it.
#[must_use]
pub fn of_source(error: &SampleError) -> Concern {
    Concern::new(error.name(), error.to_string())
}

/// Metrics that can't be read, as a condition says it.
#[must_use]
pub fn of_metrics(error: &ReadError) -> Concern {
    let reason = match error.fault {
        Fault::Unreachable { .. } => "MetricsUnreachable",
        Fault::Unauthorized { .. } => "MetricsUnauthorized",
        Fault::TimedOut { .. } => "MetricsTimedOut",
        Fault::BadQuery { .. } => "MetricsBadQuery",
        Fault::TooLarge { .. } => "MetricsTooLarge",
        Fault::Partial { .. } => "MetricsPartial",
        Fault::Unsupported { .. } => "MetricsUnsupported",
        Fault::Malformed { .. } => "MetricsMalformed",
    };
    Concern::new(reason, error.to_string())
}

fn primary_available(primary: Option<&Workload>, total: u32) -> Option<Concern> {
    let ready = primary.map_or(0, |it| it.ready);
    let serves = primary.is_some_and(|it| it.rolled && it.replicas == total) && total <= ready;
    (!serves).then(|| {
        Concern::new(
            "PrimaryUnavailable",
            format!("the primary has {ready} of {total} pods ready; a canary needs a healthy primary to be compared with"),
        )
    })
}

fn steady(ledger: &Ledger, now: Timestamp) -> Option<Concern> {
    let unsteady = primary_steady(ledger.record(), now.as_millisecond()).err()?;
    let reason = match unsteady {
        Unsteady::NoObservation => "NoObservation",
        Unsteady::NotStable => "GroupNotStable",
        Unsteady::PrimaryNotInGroup => "PrimaryNotInGroup",
        Unsteady::Behind { .. } => "PrimaryBehind",
    };
    let remedy = match unsteady {
        Unsteady::PrimaryNotInGroup => {
            "; check spec.analysis.kafka.consumerGroup, and that client.id holds the pod's name where pods share an address (a consumer that assigns partitions itself is no member)"
        }
        Unsteady::NoObservation | Unsteady::NotStable | Unsteady::Behind { .. } => "",
    };
    Some(Concern::new(reason, format!("{unsteady}{remedy}")))
}

/// A static id that is in the template is the same in both roles: the old member would be fenced.
fn static_members(snapshot: &GroupSnapshot) -> Option<Concern> {
    let shared = snapshot.members.iter().find_map(|member| {
        let id = member.instance_id.as_deref()?;
        let own = member.client_id.contains(id) || id.contains(&member.client_id);
        (snapshot.members.len() == 1 && !own).then_some(id)
    })?;
    Some(Concern::new(
        "StaticMemberClash",
        format!(
            "group.instance.id {shared:?} does not depend on the pod: a canary with the same id would fence the primary out; set it from POD_NAME"
        ),
    ))
}
