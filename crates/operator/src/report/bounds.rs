//! The status within the bounds of its schema: one text too long, and the API server would refuse
//! the whole status, again and again. Pure; cuts what people read, drops what half of would lie.

use siskin_api::conditions::MAX_MESSAGE_CHARS;
use siskin_api::{CanaryRolloutStatus, HistoryEntry};

/// Cuts every list and text to what the schema takes.
pub(super) fn fit(status: &mut CanaryRolloutStatus) {
    cut(&mut status.rollout_id, ID);
    cut(&mut status.change_id, CHANGE_ID);
    if let Some(it) = &mut status.observed_target {
        shorten(&mut it.uid, 128);
    }
    cut(&mut status.message, SENTENCE);
    // Half of a selector selects other pods, half of the accounts is no JSON: whole, or not at all.
    drop_longer(&mut status.selector, 2_048);
    if let Some(it) = &mut status.summary {
        cut(&mut it.step, 16);
        cut(&mut it.canary, 32);
        cut(&mut it.primary, 32);
        cut(&mut it.lag, 64);
        it.weight = it.weight.map(|it| it.clamp(0, 100));
    }
    if let Some(it) = &mut status.revisions {
        for name in [&mut it.desired, &mut it.promoted, &mut it.trial] {
            cut(name, ID);
        }
        it.rejected.truncate(10);
        for it in &mut it.rejected {
            shorten(&mut it.revision, ID);
            shorten(&mut it.rollout_id, ID);
        }
    }
    if let Some(it) = &mut status.autoscaler {
        shorten(&mut it.name, 253);
    }
    if let Some(it) = &mut status.analysis {
        cut(&mut it.reason, SENTENCE);
        cut(&mut it.subject, 320);
        // Evidence of 10^40 is as good as that of 10^27, and as a text too long.
        cut(&mut it.evidence, FIGURE);
        cut(&mut it.threshold, FIGURE);
        it.blind.truncate(16);
        it.blind.iter_mut().for_each(|it| shorten(it, 256));
        for role in [&mut it.canary, &mut it.primary].into_iter().flatten() {
            cut(&mut role.messages_per_second, FIGURE);
        }
        drop_longer(&mut it.accounts, 16_384);
    }
    drop_longer(&mut status.memory, 4_096);
    if let Some(it) = &mut status.progress {
        cut(&mut it.change_id, CHANGE_ID);
        cut(&mut it.obstacle, SENTENCE);
    }
    status.history.truncate(10);
    status.history.iter_mut().for_each(fit_entry);
    status.commands.truncate(20);
    for it in &mut status.commands {
        shorten(&mut it.value, 256);
        cut(&mut it.by, NAME);
    }
    if 200 < status.replay.len() {
        status.replay.truncate(200);
        status.replay_truncated = true;
    }
    if let Some(it) = &mut status.replay_summary {
        cut(&mut it.message, SENTENCE);
        drop_longer(&mut it.config_map, 253);
    }
    status.replay.iter_mut().for_each(|it| shorten(&mut it.topic, 249));
    status.conditions.truncate(16);
    for it in &mut status.conditions {
        shorten(&mut it.message, MAX_MESSAGE_CHARS);
        shorten(&mut it.reason, 1_024);
    }
}

fn fit_entry(entry: &mut HistoryEntry) {
    shorten(&mut entry.rollout_id, ID);
    cut(&mut entry.change_id, CHANGE_ID);
    shorten(&mut entry.revision, ID);
    cut(&mut entry.message, SENTENCE);
    cut(&mut entry.excuse, SENTENCE);
    cut(&mut entry.by, NAME);
}

/// A revision, or an attempt at one.
const ID: usize = 63;
/// What a pipeline names its change.
const CHANGE_ID: usize = 256;
/// Somebody's name, and how it is known.
const NAME: usize = 256;
/// One sentence, or some.
const SENTENCE: usize = 1_024;
/// A number as a text.
const FIGURE: usize = 32;

fn cut(text: &mut Option<String>, chars: usize) {
    if let Some(text) = text {
        shorten(text, chars);
    }
}

fn shorten(text: &mut String, chars: usize) {
    if let Some((end, _)) = text.char_indices().nth(chars) {
        text.truncate(end);
    }
}

fn drop_longer(text: &mut Option<String>, chars: usize) {
    if text.as_ref().is_some_and(|it| chars < it.chars().count()) {
        *text = None;
    }
}

#[cfg(test)]
mod tests;
