//! What the status remembers: finished rollouts, commands, what a bad canary consumed.
//! Records only; nothing but `commands` is read to decide what comes next.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::progress::{Cause, PromotionReason};

/// One rollout that is over.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct HistoryEntry {
    /// The attempt.
    #[schemars(length(max = 63))]
    pub rollout_id: String,
    /// The Deployment's `siskin.dev/change-id` when the attempt began.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub change_id: Option<String>,
    /// The revision that was tried.
    #[schemars(length(max = 63))]
    pub revision: String,
    /// How it ended.
    pub outcome: RolloutOutcome,
    /// Why it was not promoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Why it was promoted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promoted_by: Option<PromotionReason>,
    /// Who asked for this end by a command or a bypass: as in `commands`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub by: Option<String>,
    /// The reason in one sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub message: Option<String>,
    /// Why its rejection was lifted again, once: what it was rolled back for stayed with its partitions when they were the
    /// primary's, so that the data is at fault and not the version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub excuse: Option<String>,
    /// When the trial, or the promotion without one, began.
    pub started: Time,
    /// When it was over.
    pub finished: Time,
}

/// How a rollout ended.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    Deserialize,
    Serialize,
    JsonSchema,
    strum::IntoStaticStr,
)]
pub enum RolloutOutcome {
    /// The revision is the primary one.
    Promoted,
    /// The canary was removed and its revision rejected.
    RolledBack,
    /// A newer revision came first; nothing was rejected.
    Superseded,
    /// The Deployment went back to the promoted revision; nothing was rejected.
    Reverted,
}

/// A command that was followed or refused, so that its value is not read again.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CommandRecord {
    /// The command.
    pub command: Command,
    /// The annotation's value.
    #[schemars(length(max = 256))]
    pub value: String,
    /// What became of it.
    pub outcome: CommandOutcome,
    /// Who gave it: the user whom the annotation `siskin.dev/commanded-by` names, else `field manager` and what the program
    /// calls itself that wrote it. The first is proven where the policy of `config/stamp` is on; without it whoever commands
    /// can name somebody else. The second proves nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 256))]
    pub by: Option<String>,
    /// When it was written.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<Time>,
}

/// What a person can ask for by an annotation of the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
pub enum Command {
    /// Roll back now.
    Abort,
    /// Let a step end that requires approval.
    Approve,
    /// Skip the current hold, or all of them.
    Promote,
    /// Lift a rejection.
    Retry,
    /// Begin without the conditions of a fair trial.
    Start,
    /// Promote the next revision without a trial.
    Bypass,
}

/// What became of a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
pub enum CommandOutcome {
    /// It was followed.
    Consumed,
    /// It names a rollout or a step that is not the current one.
    Stale,
    /// It cannot be read.
    Malformed,
}

/// How sure it is that the canary consumed a range.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Deserialize, Serialize, JsonSchema)]
pub enum ReplayRangeKind {
    /// Committed while the canary owned the partition.
    Certain,
    /// Committed while the canary may have owned it.
    #[default]
    Possible,
    /// Perhaps processed by the canary, and never committed by it.
    Touched,
}

/// What of the replay ranges stands beside the first of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct ReplaySummary {
    /// Number of ranges.
    pub ranges: i32,
    /// Offsets in ranges of kind `Certain`.
    pub certain_offsets: i64,
    /// Offsets in ranges of kind `Possible`.
    pub possible_offsets: i64,
    /// Offsets in ranges of kind `Touched`.
    pub touched_offsets: i64,
    /// Whether every offset that the canary processed lies in a range. False while it runs.
    pub complete: bool,
    /// Why the ranges are not complete, or hold more than they would have to.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 1024))]
    pub message: Option<String>,
    /// `ConfigMap` of this namespace that lists all ranges, a key `t.<topic>` for each topic.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 253))]
    pub config_map: Option<String>,
}

/// Offsets of one partition that the canary consumed: from `from` up to, not including, `to`.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ReplayRange {
    /// Topic.
    #[schemars(length(max = 249))]
    pub topic: String,
    /// Partition.
    pub partition: i32,
    /// First offset consumed.
    pub from: i64,
    /// First offset not consumed.
    pub to: i64,
    /// How sure it is that the canary consumed them.
    #[serde(default)]
    pub kind: ReplayRangeKind,
}
