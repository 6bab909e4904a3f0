//! `list`: one line for each rollout, those that need a person told as such.
//! Formats what the status says; judges nothing.

use jiff::Timestamp;
use kube::ResourceExt as _;
use siskin_api::conditions::{STALLED, is_true};
use siskin_api::{CanaryRollout, PrintedColumns};

use crate::cluster::Cluster;
use crate::cluster::ask_error::AskError;
use crate::live::{ago, output, view};
use crate::options::live::ListArgs;
use crate::{clock, table};

/// Prints the rollouts of a namespace, or of all.
pub(crate) async fn run(cluster: &Cluster, args: &ListArgs) -> Result<u8, AskError> {
    let rollouts = cluster.rollouts(args.all_namespaces).await?;
    if let Some(form) = args.output {
        output::print(&output::many(&rollouts, form));
        return Ok(0);
    }
    if rollouts.is_empty() {
        let place = if args.all_namespaces { "any namespace" } else { &cluster.namespace };
        eprintln!("no CanaryRollout in {place}");
        return Ok(0);
    }
    output::print(&text(&rollouts, args.all_namespaces, clock::now()));
    Ok(0)
}

/// A table, a line each.
pub(crate) fn text(rollouts: &[CanaryRollout], everywhere: bool, now: Timestamp) -> String {
    let mut heads = vec![
        "NAMESPACE",
        "NAME",
        "PHASE",
        "STEP",
        "CANARY",
        "PRIMARY",
        "LAG",
        "VERDICT",
        "AGE",
        "MESSAGE",
    ];
    let mut rows: Vec<Vec<String>> = rollouts.iter().map(|it| row(it, now)).collect();
    if !everywhere {
        heads.remove(0);
        for row in &mut rows {
            row.remove(0);
        }
    }
    rows.insert(0, heads.into_iter().map(str::to_owned).collect());
    table::text(&rows)
}

fn row(rollout: &CanaryRollout, now: Timestamp) -> Vec<String> {
    let status = rollout.status.clone().unwrap_or_default();
    let columns = status.summary.unwrap_or_default();
    let PrintedColumns { step, canary, primary, lag, verdict, weight: _ } = columns;
    let stalled = is_true(&status.conditions, STALLED);
    let phase = status.phase.map_or("-", view::phase);
    let age = rollout.creation_timestamp().map(|it| ago::since(it.0, now));
    let or_none = |it: Option<String>| it.unwrap_or_else(|| "-".to_owned());
    vec![
        rollout.namespace().unwrap_or_default(),
        rollout.name_any(),
        if stalled { format!("{phase} (needs you)") } else { phase.to_owned() },
        or_none(step),
        or_none(canary),
        or_none(primary),
        or_none(lag),
        or_none(verdict.map(|it| view::verdict(it).to_owned())),
        or_none(age),
        status.message.unwrap_or_else(|| "the operator has not seen it yet".to_owned()),
    ]
}
