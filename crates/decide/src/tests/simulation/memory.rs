//! What has happened in a world, as far as a promise or an excuse depends on it.
//! Judges nothing.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};

use super::cluster::Status;
use crate::order::Order;
use crate::revision::Revision;

/// What has to be remembered to tell whether a promise was kept.
#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent memories")]
pub(super) struct Memory {
    /// When the canary of (attempt, step) was first complete.
    pub(super) steps: Vec<((u32, usize), Timestamp)>,
    /// When (attempt, step) was first seen entered.
    pub(super) entered: Vec<((u32, usize), Timestamp)>,
    /// Revisions that were rejected, when, and how long their pods may still take to go.
    pub(super) rejected: Vec<(Revision, Timestamp, SignedDuration)>,
    /// Pods that were ready were given up with their version.
    pub(super) gave_up: bool,
    /// The target got another template while it had units of ours.
    pub(super) edited_while_shared: bool,
    /// Pods stopped being ready, and not by a write of ours.
    pub(super) accident: bool,
    /// Reasons of bypasses that were followed, and for which revision.
    pub(super) bypassed: Vec<(Arc<str>, Revision)>,
    /// Since when the target is gone.
    pub(super) target_gone: Option<Timestamp>,
    /// N as its users last asked for it; `None` when they can't expect to be understood.
    pub(super) wish: Option<u32>,
    /// Pods that were missing when there was no `CanaryRollout`: the last one may have drained first.
    pub(super) left_missing: u32,
    /// A status that a backup holds.
    pub(super) backup: Option<Status>,
    pub(super) lost_primary: bool,
    /// There was a `maxConsumers` at some time.
    pub(super) ceiling: bool,
    /// A `CanaryRollout` was removed, or its children scaled, without its operator.
    pub(super) forced: bool,
    /// A release was made while nobody could say where autoscalers point.
    pub(super) blind: bool,
    /// Commands that Git holds.
    pub(super) orders: Vec<Order>,
    pub(super) calm_since: Option<Timestamp>,
    /// Writes in calm weather.
    pub(super) writes: u32,
}

impl Memory {
    pub(super) const fn new(total: u32) -> Self {
        Self {
            steps: Vec::new(),
            entered: Vec::new(),
            rejected: Vec::new(),
            gave_up: false,
            edited_while_shared: false,
            accident: false,
            bypassed: Vec::new(),
            target_gone: None,
            wish: Some(total),
            left_missing: 0,
            backup: None,
            lost_primary: false,
            ceiling: false,
            forced: false,
            blind: false,
            orders: Vec::new(),
            calm_since: None,
            writes: 0,
        }
    }

    pub(super) fn enter(&mut self, step: (u32, usize), now: Timestamp) {
        note_first(&mut self.entered, step, now);
    }

    pub(super) fn complete(&mut self, step: (u32, usize), now: Timestamp) {
        note_first(&mut self.steps, step, now);
    }

    pub(super) fn wish_by_target(&mut self, count: u32) {
        self.wish = self.wish.map(|_| count);
    }

    /// What the target asked for before and after can't be told apart any more.
    pub(super) const fn wish_by_rollout(&mut self) {
        self.wish = None;
    }
}

fn note_first(known: &mut Vec<((u32, usize), Timestamp)>, step: (u32, usize), now: Timestamp) {
    if known.iter().all(|it| it.0 != step) {
        known.push((step, now));
    }
}
