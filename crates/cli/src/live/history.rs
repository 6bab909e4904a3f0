//! `history`: the rollouts that are over, latest first.
//! Formats what the status remembers; the cluster keeps no more than that.

use jiff::Timestamp;
use siskin_api::{HistoryEntry, RolloutOutcome};

use crate::cluster::Cluster;
use crate::cluster::ask_error::AskError;
use crate::live::{ago, output};
use crate::options::live::HistoryArgs;
use crate::{clock, table};

/// Prints the history of a rollout.
pub(crate) async fn run(cluster: &Cluster, args: &HistoryArgs) -> Result<u8, AskError> {
    let rollout = cluster.rollout(&args.subject).await?;
    let history = rollout.status.map(|it| it.history).unwrap_or_default();
    if history.is_empty() {
        eprintln!("no rollout is over yet");
        return Ok(0);
    }
    output::print(&text(&history, clock::now()));
    Ok(0)
}

fn text(history: &[HistoryEntry], now: Timestamp) -> String {
    let heads = ["ENDED", "TOOK", "OUTCOME", "ROLLOUT", "CHANGE", "BY", "WHY"];
    let mut rows = vec![heads.map(str::to_owned)];
    rows.extend(history.iter().map(|it| row(it, now)));
    table::text(&rows)
}

fn row(entry: &HistoryEntry, now: Timestamp) -> [String; 7] {
    let outcome = match entry.outcome {
        RolloutOutcome::Promoted => "promoted",
        RolloutOutcome::RolledBack => "rolled back",
        RolloutOutcome::Superseded => "superseded",
        RolloutOutcome::Reverted => "reverted",
    };
    [
        format!("{} ago", ago::since(entry.finished.0, now)),
        ago::since(entry.started.0, entry.finished.0),
        outcome.to_owned(),
        entry.rollout_id.clone(),
        entry.change_id.clone().unwrap_or_else(|| "-".to_owned()),
        entry.by.clone().unwrap_or_else(|| "-".to_owned()),
        entry.message.clone().unwrap_or_else(|| "-".to_owned()),
    ]
}
