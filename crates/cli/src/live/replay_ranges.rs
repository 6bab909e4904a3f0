//! `replay-ranges`: what the canary of the last attempt consumed, as a table, JSON, or commands of kcat.
//! Reads the object that lists all ranges, and where it can't, what the status shows; consumes nothing.

use std::fmt::Write as _;
use std::sync::Arc;

use k8s_openapi::api::core::v1::ConfigMap;
use kube::ResourceExt as _;
use serde_json::{Value, json};
use siskin_analysis::observation::PartitionId;
use siskin_analysis::replay_ranges::{ConsumedRange, RangeKind, UnreadableRecord, parse_list};
use siskin_api::annotations::replay;
use siskin_api::{CanaryRollout, ReplayRange, ReplayRangeKind, ReplaySummary};

use crate::cluster::Cluster;
use crate::cluster::ask_error::AskError;
use crate::live::output;
use crate::options::live::{RangesForm, ReplayRangesArgs};
use crate::table;

/// Prints the ranges of a rollout.
pub(crate) async fn run(cluster: &Cluster, args: &ReplayRangesArgs) -> Result<u8, AskError> {
    let rollout = cluster.rollout(&args.subject).await?;
    let found = found(cluster, &rollout).await;
    if let Some(note) = &found.note {
        eprintln!("{note}");
    }
    if found.ranges.is_empty() && args.output != RangesForm::Json {
        eprintln!("the canary of the last attempt consumed nothing, as far as is known");
    }
    output::print(&match args.output {
        RangesForm::Table => text(&found.ranges),
        RangesForm::Json => format!("{:#}\n", object(&rollout, &found)),
        RangesForm::Kcat => commands(&rollout, &found.ranges),
    });
    Ok(0)
}

/// Ranges, and what is to be said of them.
struct FoundRanges {
    ranges: Vec<ConsumedRange>,
    summary: ReplaySummary,
    note: Option<String>,
}

/// All ranges where the object can be read, else those of the status.
async fn found(cluster: &Cluster, rollout: &CanaryRollout) -> FoundRanges {
    let status = rollout.status.clone().unwrap_or_default();
    let summary = status.replay_summary.unwrap_or_default();
    let all = match &summary.config_map {
        None => Ok(None),
        Some(name) => match cluster.config_map(name).await {
            Ok(found) => listed(found.as_ref(), rollout).map_err(|it| it.to_string()),
            Err(error) => Err(error.to_string()),
        },
    };
    let shown = || status.replay.iter().map(of_status).collect::<Vec<_>>();
    let (ranges, why) = match all {
        Ok(Some(ranges)) => (ranges, None),
        Ok(None) => (shown(), None),
        Err(why) => (shown(), Some(why)),
    };
    let count = usize::try_from(summary.ranges).unwrap_or(0);
    let missing = (ranges.len() < count).then(|| {
        let why = why.unwrap_or_else(|| "the ConfigMap with all of them is gone".to_owned());
        format!("only the first {} of {count} ranges: {why}", ranges.len())
    });
    let incomplete = (!summary.complete && !ranges.is_empty())
        .then(|| "the ranges are not complete: offsets may be missing".to_owned());
    let told: Vec<_> =
        [missing, incomplete, summary.message.clone()].into_iter().flatten().collect();
    let note = (!told.is_empty()).then(|| told.join("; "));
    FoundRanges { ranges, summary, note }
}

/// The ranges of the object, if it is of this rollout's last attempt.
fn listed(
    config_map: Option<&ConfigMap>,
    rollout: &CanaryRollout,
) -> Result<Option<Vec<ConsumedRange>>, UnreadableRecord> {
    let Some(config_map) = config_map else { return Ok(None) };
    let owners = config_map.owner_references();
    let owned = owners.iter().any(|it| Some(&it.uid) == rollout.metadata.uid.as_ref());
    let Some(data) = config_map.data.as_ref().filter(|_| owned) else { return Ok(None) };
    let mut ranges = Vec::new();
    for (key, list) in data {
        if let Some(topic) = key.strip_prefix(replay::TOPIC_KEY) {
            ranges.extend(parse_list(&Arc::from(topic), list)?);
        }
    }
    Ok(Some(ranges))
}

fn of_status(range: &ReplayRange) -> ConsumedRange {
    let kind = match range.kind {
        ReplayRangeKind::Certain => RangeKind::Certain,
        ReplayRangeKind::Possible => RangeKind::Possible,
        ReplayRangeKind::Touched => RangeKind::Touched,
    };
    let partition = PartitionId { topic: range.topic.as_str().into(), partition: range.partition };
    ConsumedRange { partition, from: range.from, to: range.to, kind }
}

fn text(ranges: &[ConsumedRange]) -> String {
    let heads = ["TOPIC", "PARTITION", "FROM", "TO", "OFFSETS", "KIND"];
    let mut rows = vec![heads.map(str::to_owned)];
    rows.extend(ranges.iter().map(|it| {
        let ConsumedRange { partition, from, to, kind } = it;
        [
            partition.topic.to_string(),
            partition.partition.to_string(),
            from.to_string(),
            to.to_string(),
            to.saturating_sub(*from).to_string(),
            kind.name().to_owned(),
        ]
    }));
    table::text(&rows)
}

fn object(rollout: &CanaryRollout, found: &FoundRanges) -> Value {
    let status = rollout.status.as_ref();
    let range = |it: &ConsumedRange| {
        json!({
            "topic": it.partition.topic,
            "partition": it.partition.partition,
            "from": it.from,
            "to": it.to,
            "kind": it.kind,
        })
    };
    json!({
        "name": rollout.name_any(),
        "namespace": rollout.namespace(),
        "rolloutId": status.and_then(|it| it.rollout_id.as_ref()),
        "complete": found.summary.complete,
        "message": found.note,
        "certainOffsets": found.summary.certain_offsets,
        "possibleOffsets": found.summary.possible_offsets,
        "touchedOffsets": found.summary.touched_offsets,
        "ranges": found.ranges.iter().map(range).collect::<Vec<_>>(),
    })
}

/// A command for each range. kcat counts records, not offsets: where a log has gaps, a command prints
/// some records that come after the range.
fn commands(rollout: &CanaryRollout, ranges: &[ConsumedRange]) -> String {
    let kafka = rollout.spec.analysis.kafka.bootstrap_servers.join(",");
    let mut text = String::new();
    for ConsumedRange { partition: PartitionId { topic, partition }, from, to, kind } in ranges {
        let count = to.saturating_sub(*from);
        // Writing into a text does not fail.
        writeln!(
            text,
            "kcat -C -q -e -b {kafka} -t {topic} -p {partition} -o {from} -c {count}  # {}",
            kind.name()
        )
        .ok();
    }
    text
}

#[cfg(test)]
mod tests;
