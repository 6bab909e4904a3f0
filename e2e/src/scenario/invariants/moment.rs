//! One moment of a scenario as a rule sees it: the state before and after an entry, and what came before that.
//! It judges nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::scenario::history::{Change, Entry, State};
use crate::scenario::seen::{Deployment, Part, Seen};

/// One entry, with the world before and after it.
pub(super) struct Moment<'a> {
    pub(super) before: &'a State,
    pub(super) entry: &'a Entry,
    pub(super) after: &'a State,
    pub(super) past: &'a Past,
}

/// What a rule must remember beyond the latest state.
#[derive(Default)]
pub(super) struct Past {
    /// Pods that were Ready and are not any more, since when.
    pub(super) unready: BTreeMap<String, Duration>,
    /// Children whose pods are being replaced by those of another template.
    pub(super) rolling: BTreeSet<Part>,
    /// Versions with a rejected revision, since when, and why.
    pub(super) rejected: BTreeMap<String, (Duration, String)>,
    /// Every rejection of the whole history, those to come among them.
    pub(super) verdicts: Vec<Rejection>,
    /// Deployments that are gone, as they were last.
    pub(super) gone: BTreeMap<String, Former>,
    /// Objects that the scenario deleted by hand.
    pub(super) deleted: BTreeSet<String>,
}

/// A version that was marked as rejected.
pub(super) struct Rejection {
    pub(super) version: String,
    pub(super) at: Duration,
    pub(super) cause: String,
}

/// A Deployment that is gone.
pub(super) struct Former {
    pub(super) uid: String,
    /// UID of the rollout that it was part of.
    pub(super) life: Option<String>,
}

impl Past {
    /// What is known before the first entry.
    pub(super) fn of(history: &[&Entry]) -> Self {
        let rejection = |entry: &&Entry| match &entry.change {
            Change::Put(_, Seen::Frozen(it)) => {
                let (version, cause) = it.version.clone().zip(it.rejected.clone())?;
                Some(Rejection { version, at: entry.at, cause })
            }
            Change::Put(..) | Change::Gone(..) | Change::Action { .. } | Change::Stalled(_) => None,
        };
        Self { verdicts: history.iter().filter_map(rejection).collect(), ..Self::default() }
    }

    pub(super) fn note(&mut self, before: &State, entry: &Entry, after: &State) {
        match &entry.change {
            Change::Put(name, Seen::Pod(now)) => {
                let was = before.pods.get(name).is_some_and(|it| it.ready);
                if was && !now.ready {
                    self.unready.insert(name.clone(), entry.at);
                }
                if now.ready {
                    self.unready.remove(name);
                }
            }
            Change::Put(name, Seen::Deployment(now)) => self.note_template(before, name, now),
            Change::Put(_, Seen::Frozen(_)) | Change::Gone(_, Seen::Frozen(_)) => {
                self.note_rejections(entry.at, after);
            }
            Change::Gone(name, Seen::Deployment(it)) => {
                let life = before.rollout().map(|it| it.uid.clone());
                self.gone.insert(name.clone(), Former { uid: it.uid.clone(), life });
            }
            Change::Action { deleted, .. } => self.deleted.extend(deleted.clone()),
            Change::Put(..) | Change::Gone(..) | Change::Stalled(_) => {}
        }
    }

    /// A child rolls from the write of another template until its controller has seen it through: one that is only
    /// scaled does not.
    fn note_template(&mut self, before: &State, name: &str, now: &Deployment) {
        let Some(part) = Part::of(name) else { return };
        let was = before.parts.get(&part);
        if now.rolled {
            self.rolling.remove(&part);
        } else if was.is_some_and(|it| it.spec["template"] != now.spec["template"]) {
            self.rolling.insert(part);
        }
    }

    fn note_rejections(&mut self, at: Duration, after: &State) {
        let now =
            after.frozen.values().filter_map(|it| it.version.clone().zip(it.rejected.clone()));
        let now: BTreeMap<_, _> = now.collect();
        self.rejected.retain(|version, _| now.contains_key(version));
        for (version, cause) in now {
            self.rejected.entry(version).or_insert((at, cause));
        }
    }
}
