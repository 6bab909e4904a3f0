//! Each invariant catches what it must catch, and lets a healthy rollout pass: on made-up histories.
//! A watcher that never complains would be worth nothing.

mod counts;
mod others;

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::json;
use siskin_api::annotations::{FIELD_MANAGER, primary};
use siskin_api::{CanaryRolloutStatus, Phase};

use super::{Rule, violations};
use crate::scenario::history::{Change, Entry};
use crate::scenario::seen::{Deployment, Frozen, Part, Rollout, Seen, SeenPod, TARGET};

/// A history under construction: one entry a second.
#[derive(Default)]
struct Story(Vec<Entry>);

impl Story {
    /// A fleet of three, adopted, at rest on version 1.
    fn at_rest() -> Self {
        let mut story = Self::default();
        story.rollout(Phase::Initialized, |_| {});
        story.put(Part::Target, |it| it.replicas = 0);
        story.put(Part::Primary, |it| it.replicas = 3);
        for pod in ["a", "b", "c"] {
            story.pod(pod, Part::Primary, "1", true);
        }
        story
    }

    /// A fleet at rest, then with a canary of one, under trial of version 2.
    fn on_trial() -> Self {
        let mut story = Self::at_rest();
        story.rollout(Phase::Preparing, |_| {});
        story.step(1);
        story.put(Part::Canary, |it| it.replicas = 1);
        story.pod("d", Part::Canary, "2", true);
        story.put(Part::Primary, |it| it.replicas = 2);
        story.pod_gone("c", Part::Primary);
        story
    }

    /// The trial's step allows this many canaries.
    fn step(&mut self, canary: i32) {
        self.rollout(Phase::Progressing, |status| {
            let progress = json!({
                "revision": "0000000002", "attempt": 1, "canary": canary, "step": 0,
                "since": "2026-01-01T00:00:00.000000Z",
            });
            status.progress = Some(serde_json::from_value(progress).expect("a progress"));
        });
    }

    fn rollout(&mut self, phase: Phase, change: impl FnOnce(&mut CanaryRolloutStatus)) {
        let mut status = CanaryRolloutStatus { phase: Some(phase), ..Default::default() };
        change(&mut status);
        let spec = json!({
            "targetRef": {"name": TARGET},
            "strategy": {"steps": [{"weight": 34}]},
            "analysis": {"kafka": {"bootstrapServers": ["k:9092"], "consumerGroup": "g"}},
        });
        let rollout = Rollout {
            uid: "rollout-uid".into(),
            spec: serde_json::from_value(spec).expect("a spec"),
            status,
            annotations: BTreeMap::new(),
            deleting: false,
        };
        self.add(Change::Put(TARGET.into(), Seen::Rollout(Box::new(rollout))));
    }

    /// The rollout as it was last, changed.
    fn edit(&mut self, change: impl FnOnce(&mut Rollout)) {
        let last = self.0.iter().rev().find_map(|it| match &it.change {
            Change::Put(_, Seen::Rollout(it)) => Some(it.clone()),
            Change::Put(..) | Change::Gone(..) | Change::Action { .. } | Change::Stalled(_) => None,
        });
        let mut rollout = last.expect("there is a rollout");
        change(&mut rollout);
        self.add(Change::Put(TARGET.into(), Seen::Rollout(rollout)));
    }

    /// A Deployment as Siskin writes it, changed.
    fn put(&mut self, part: Part, change: impl FnOnce(&mut Deployment)) {
        let facts = [
            (primary::OWNER_UID, "rollout-uid"),
            (primary::REPLICAS, "3"),
            (primary::ADOPTED, "true"),
        ];
        let facts = facts.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let mut deployment = Deployment {
            uid: format!("{part:?}"),
            counted_by: vec![FIELD_MANAGER.into()],
            version: Some(if part == Part::Canary { "2" } else { "1" }.into()),
            annotations: if part == Part::Primary { facts.into() } else { BTreeMap::new() },
            spec: json!({"strategy": {"rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"}}}),
            rolled: true,
            ..Deployment::default()
        };
        change(&mut deployment);
        self.add(Change::Put(part.name(), Seen::Deployment(Box::new(deployment))));
    }

    fn put_gone(&mut self, part: Part) {
        let last = Deployment { uid: format!("{part:?}"), ..Deployment::default() };
        self.add(Change::Gone(part.name(), Seen::Deployment(Box::new(last))));
    }

    fn pod(&mut self, name: &str, part: Part, version: &str, ready: bool) {
        let version = Some(version.into());
        let part = Some(part);
        let pod = SeenPod { part, version, ready, terminating: false, crashes: 0, running: true };
        self.add(Change::Put(name.into(), Seen::Pod(pod)));
    }

    fn pod_gone(&mut self, name: &str, part: Part) {
        let (version, ready) = (None, false);
        let part = Some(part);
        let pod = SeenPod { part, version, ready, terminating: true, crashes: 0, running: true };
        self.add(Change::Gone(name.into(), Seen::Pod(pod)));
    }

    fn frozen(&mut self, version: &str, rejected: Option<&str>) {
        let frozen =
            Frozen { version: Some(version.into()), rejected: rejected.map(ToOwned::to_owned) };
        self.add(Change::Put(format!("orders-{version}"), Seen::Frozen(frozen)));
    }

    fn deletes_by_hand(&mut self, part: Part) {
        self.add(Change::Action { text: "delete it".into(), deleted: Some(part.name()) });
    }

    fn seconds_pass(&mut self, seconds: u64) {
        let last = self.0.last().map_or(Duration::ZERO, |it| it.at);
        let revision = self.revision();
        let change = Change::Action { text: "wait".into(), deleted: None };
        self.0.push(Entry {
            revision,
            at: last + Duration::from_secs(seconds),
            listed: false,
            change,
        });
    }

    fn add(&mut self, change: Change) {
        let at = self.0.last().map_or(Duration::ZERO, |it| it.at) + Duration::from_secs(1);
        let revision = self.revision() + 1;
        self.0.push(Entry { revision, at, listed: false, change });
    }

    fn revision(&self) -> u64 {
        self.0.last().map_or(0, |it| it.revision)
    }

    /// The rules that this history breaks.
    fn broken(&self) -> Vec<Rule> {
        violations(&self.0).into_iter().map(|it| it.rule).collect()
    }
}
