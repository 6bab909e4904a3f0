//! What the evidence says of one rollout at one moment.
//! Values only: nothing is asked here.

use jiff::Timestamp;
use siskin_analysis::{Assessment, Finding, GroupSummary};
use siskin_decide::{Evidence, Membership, Unbroken};

use crate::evidence::after_rollback::StayedFault;
use crate::evidence::concern::Concern;
use crate::evidence::replay_ranges::ReplayView;
use crate::evidence::streams::StreamsDelay;

/// Everything that one weighing found.
#[derive(Clone, Debug)]
pub struct EvidenceView {
    /// Whether the sources deliver, or what is wrong with one.
    pub delivery: Delivery,
    /// What keeps a trial from beginning, the gravest first.
    pub concerns: Vec<Concern>,
    /// Partitions that stand still under the primary before a trial begins, in a sentence.
    pub stuck: Option<String>,
    /// The judge's assessment, if an attempt is judged.
    pub assessment: Option<Assessment>,
    /// What the guards found, from the pods alone.
    pub guard: Option<Finding>,
    /// What judge and guards come to, for `decide`.
    pub evidence: Evidence,
    /// Whether the canary's pods have joined the group.
    pub membership: Membership,
    /// Canary pods that are members of the group.
    pub canary_joined: u32,
    /// What Kafka Streams does while its canary is late; `None`: it is no application of it, or none of
    /// that keeps it.
    pub streams: Option<StreamsDelay>,
    /// Since when this process has watched the attempt.
    pub watched_since: Option<Timestamp>,
    /// The latest time without a gap in which every source answered.
    pub unbroken: Option<Unbroken>,
    /// Lag, throughput and shares by role.
    pub figures: GroupSummary,
    /// The judge's accounts, to be persisted.
    pub accounts: Option<String>,
    /// What the latest attempt was rolled back for, if it stayed with the data.
    pub stayed: Option<StayedFault>,
    /// Ranges of offsets that the canary consumed.
    pub replay: Option<ReplayView>,
    /// What the status should keep of the primary's memory; `None`: what it has.
    pub memory: Option<String>,
}

impl EvidenceView {
    /// What is found where no source has answered yet.
    pub(crate) fn silent() -> Self {
        Self {
            delivery: Delivery::Silent,
            concerns: Vec::new(),
            stuck: None,
            assessment: None,
            guard: None,
            evidence: Evidence::Inconclusive { delivered: false },
            membership: Membership::Unknown,
            canary_joined: 0,
            streams: None,
            watched_since: None,
            unbroken: None,
            figures: GroupSummary::default(),
            accounts: None,
            stayed: None,
            replay: None,
            memory: None,
        }
    }
}

/// Whether the sources of a rollout's evidence deliver.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Delivery {
    /// Every source answered in the last window.
    Answered,
    /// A source gave no answer lately.
    Silent,
    /// A source failed: its next answer tells when it is well again.
    Failed(Concern),
    /// A source can't be asked, for want of its Secret or for its query: nobody tells when it can.
    CannotAsk(Concern),
}

impl Delivery {
    /// What is wrong with a source.
    pub(crate) const fn concern(&self) -> Option<&Concern> {
        match self {
            Self::Failed(concern) | Self::CannotAsk(concern) => Some(concern),
            Self::Answered | Self::Silent => None,
        }
    }
}
