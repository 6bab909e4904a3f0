//! `list`: one line for each rollout, those that need a person told as such.
//! Formats what the status says; judges nothing.

use jiff::Timestamp;
use kube::ResourceExt as _;
use siskin_api::conditions::{STALLED, is_true};
use siskin_api::{CanaryRollout, PrintedColumns};

use crate::clock;
use crate::cluster::Cluster;
use crate::cluster::ask_error::AskError;
use crate::live::paint::{self, Paint};
use crate::live::{ago, output, view};
use crate::options::live::ListArgs;
use crate::table::{self, Cell};

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
    let look = ListLook { everywhere: args.all_namespaces, paint: Paint::of_stdout() };
    output::print(&text(&rollouts, look, clock::now()));
    Ok(0)
}

/// How a list is shown.
#[derive(Clone, Copy, Debug)]
struct ListLook {
    /// With a column for the namespace.
    everywhere: bool,
    paint: Paint,
}

/// A table, a line each.
fn text(rollouts: &[CanaryRollout], look: ListLook, now: Timestamp) -> String {
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
    let ListLook { everywhere, paint } = look;
    if !everywhere {
        heads.remove(0);
        for row in &mut rows {
            row.remove(0);
        }
    }
    let hue = |cell: Cell| {
        let status = rollouts.get(cell.row.checked_sub(1)?)?.status.as_ref()?;
        match heads[cell.column] {
            "PHASE" => paint::of_phase(status.phase?, is_true(&status.conditions, STALLED)),
            "VERDICT" => status.summary.as_ref()?.verdict.map(paint::of_verdict),
            _ => None,
        }
    };
    rows.insert(0, heads.iter().map(|&it| it.to_owned()).collect());
    table::painted(&rows, |cell, padded| paint.maybe(hue(cell), &padded))
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

#[cfg(test)]
mod tests;
