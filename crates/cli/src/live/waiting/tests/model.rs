//! A Deployment, its CanaryRollout, and an operator that sees each change late.
//! Writes statuses by the rules of the state table, and remembers what became of each change.

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::apps::v1::Deployment;
use proptest::prelude::*;
use serde_json::{Value, json};
use siskin_api::CanaryRollout;

/// What the operator finds at a look, where it has a choice.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Stays,
    Pauses,
    Passes,
    Fails,
}

/// What somebody does.
#[derive(Clone, Copy, Debug)]
pub(super) enum Act {
    /// A pipeline applies this template with a change-id of its own.
    Apply(u32),
    /// Somebody changes the template and not the change-id.
    Edit(u32),
    /// The count of the Deployment is written, its template is not.
    Drain,
    /// The operator reads the Deployment and writes the status.
    Look(Change),
    ReadDeployment,
    ReadRollout,
}

pub(super) fn act() -> impl Strategy<Value = Act> {
    let found = prop_oneof![
        4 => Just(Change::Stays),
        1 => Just(Change::Pauses),
        5 => Just(Change::Passes),
        2 => Just(Change::Fails),
    ];
    prop_oneof![
        1 => (0..4_u32).prop_map(Act::Apply),
        1 => (0..4_u32).prop_map(Act::Edit),
        2 => Just(Act::Drain),
        6 => found.prop_map(Act::Look),
        3 => Just(Act::ReadDeployment),
        3 => Just(Act::ReadRollout),
    ]
}

/// What became of a change.
#[derive(Clone, Debug, Default)]
pub(super) struct Fate {
    pub(super) promoted: bool,
    /// Those of its own attempts that promoted it, which history remembers.
    pub(super) promoted_by: Vec<String>,
    pub(super) rejected: bool,
    pub(super) paused: bool,
}

/// An attempt under way.
#[derive(Clone, Debug)]
struct Attempt {
    template: u32,
    number: u32,
    /// The change that it began for.
    change: String,
    /// Those that came while it was under way and asked for the same template.
    joined: BTreeSet<String>,
}

impl Attempt {
    fn id(&self) -> String {
        format!("{}-{}", revision(self.template), self.number)
    }
}

#[derive(Clone, Debug)]
enum Stage {
    Rest,
    Trial(Attempt),
    Paused(Attempt),
    Promoting(Attempt),
    RollingBack { attempt: Attempt, rejects: bool },
}

pub(super) struct Model {
    template: u32,
    generation: i64,
    changes: u32,
    stage: Stage,
    promoted: u32,
    rejected: BTreeSet<u32>,
    attempts: u32,
    history: Vec<Value>,
    status: Value,
    fates: BTreeMap<String, Fate>,
    /// Changes under whose id somebody has given the Deployment another template.
    edited: BTreeSet<String>,
    /// What the operator has seen each change ask for.
    seen: BTreeSet<(String, u32)>,
}

/// Name of a template among the Deployment's.
pub(super) fn revision(template: u32) -> String {
    format!("{template:010x}")
}

/// The template of a Deployment that was read.
pub(super) fn template_of(deployment: &Deployment) -> Option<u32> {
    deployment.metadata.labels.as_ref()?.get("template")?.parse().ok()
}

impl Model {
    pub(super) fn new() -> Self {
        let mut model = Self {
            template: 0,
            generation: 1,
            changes: 0,
            stage: Stage::Rest,
            promoted: 0,
            rejected: BTreeSet::new(),
            attempts: 0,
            history: Vec::new(),
            status: json!({}),
            fates: BTreeMap::new(),
            edited: BTreeSet::new(),
            seen: BTreeSet::new(),
        };
        model.look(Change::Stays);
        model
    }

    pub(super) fn play(&mut self, act: Act) {
        match act {
            Act::Apply(template) => {
                self.changes += 1;
                self.write(template);
            }
            Act::Edit(template) => {
                if template != self.template {
                    self.edited.insert(self.id());
                }
                self.write(template);
            }
            Act::Drain => self.generation += 1,
            Act::Look(found) => self.look(found),
            Act::ReadDeployment | Act::ReadRollout => {}
        }
    }

    /// Id of the change that is applied next.
    pub(super) fn next_id(&self) -> String {
        format!("change-{}", self.changes + 1)
    }

    pub(super) fn fate(&self, id: &str) -> Fate {
        self.fates.get(id).cloned().unwrap_or_default()
    }

    /// Whether the Deployment has got another id, or another template under this one.
    pub(super) fn is_replaced(&self, id: &str) -> bool {
        self.id() != id || self.is_edited(id)
    }

    /// Whether the Deployment has got another template under this id.
    pub(super) fn is_edited(&self, id: &str) -> bool {
        self.edited.contains(id)
    }

    fn id(&self) -> String {
        format!("change-{}", self.changes)
    }

    fn write(&mut self, template: u32) {
        if template != self.template {
            self.generation += 1;
        }
        self.template = template;
    }

    pub(super) fn deployment(&self) -> Deployment {
        let object = json!({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {
            "name": "orders", "uid": "it", "generation": self.generation,
            "annotations": {"siskin.dev/change-id": self.id()},
            "labels": {"template": self.template.to_string()},
        }});
        serde_json::from_value(object).expect("a Deployment")
    }

    pub(super) fn rollout(&self) -> CanaryRollout {
        let object = json!({
            "apiVersion": "siskin.dev/v1alpha1", "kind": "CanaryRollout",
            "metadata": {"name": "orders", "namespace": "shop", "generation": 1},
            "spec": {
                "targetRef": {"name": "orders"}, "strategy": {"steps": [{"weight": 10}]},
                "analysis": {"kafka": {"bootstrapServers": ["k:9092"], "consumerGroup": "orders"}},
            },
            "status": self.status,
        });
        serde_json::from_value(object).expect("a CanaryRollout")
    }

    fn look(&mut self, found: Change) {
        let (desired, id) = (self.template, self.id());
        let mut stage = self.stage.clone();
        if let Stage::Trial(it) | Stage::Paused(it) | Stage::Promoting(it) = &mut stage
            && it.template == desired
        {
            it.joined.insert(id);
        }
        self.stage = match stage {
            Stage::Rest => self.at_rest(),
            Stage::Trial(it) | Stage::Paused(it) if it.template != desired => {
                Stage::RollingBack { attempt: it, rejects: false }
            }
            Stage::Trial(it) | Stage::Paused(it) => match found {
                Change::Stays => Stage::Trial(it),
                Change::Pauses => Stage::Paused(it),
                Change::Passes => Stage::Promoting(it),
                Change::Fails => {
                    self.rejected.insert(it.template);
                    Stage::RollingBack { attempt: it, rejects: true }
                }
            },
            Stage::Promoting(it) => {
                self.promoted = it.template;
                self.fates.entry(it.change.clone()).or_default().promoted_by.push(it.id());
                for change in &it.joined {
                    self.fates.entry(change.clone()).or_default().promoted = true;
                }
                self.end(&it, "Promoted");
                Stage::Rest
            }
            Stage::RollingBack { attempt, rejects } => {
                let outcome = if rejects { "RolledBack" } else { "Superseded" };
                for change in attempt.joined.iter().filter(|_| rejects) {
                    self.fates.entry(change.clone()).or_default().rejected = true;
                }
                self.end(&attempt, outcome);
                Stage::Rest
            }
        };
        self.tell();
    }

    fn at_rest(&mut self) -> Stage {
        if self.template == self.promoted || self.rejected.contains(&self.template) {
            return Stage::Rest;
        }
        self.attempts += 1;
        let (template, number, change) = (self.template, self.attempts, self.id());
        let joined = BTreeSet::from([change.clone()]);
        Stage::Trial(Attempt { template, number, change, joined })
    }

    fn end(&mut self, attempt: &Attempt, outcome: &str) {
        let entry = json!({
            "rolloutId": attempt.id(),
            "changeId": attempt.change, "revision": revision(attempt.template), "outcome": outcome,
            "started": "2026-01-01T00:00:00Z", "finished": "2026-01-01T00:00:01Z",
        });
        self.history.insert(0, entry);
        self.history.truncate(10);
    }

    /// Writes the status of this look, and what the changes that were seen come to by it.
    fn tell(&mut self) {
        let promoted = self.template == self.promoted;
        let settled = matches!(self.stage, Stage::Rest)
            && (promoted || self.rejected.contains(&self.template));
        self.seen.insert((self.id(), self.template));
        // What they have asked for serves, whatever the Deployment asks for by now.
        for (change, _) in self.seen.iter().filter(|it| it.1 == self.promoted) {
            self.fates.entry(change.clone()).or_default().promoted = true;
        }
        let fate = self.fates.entry(format!("change-{}", self.changes)).or_default();
        fate.rejected |= settled && !promoted;
        fate.paused |= matches!(self.stage, Stage::Paused(_));
        let (phase, attempt) = match &self.stage {
            Stage::Rest if promoted || !settled => ("Succeeded", None),
            Stage::Rest => ("Failed", None),
            Stage::Trial(it) => ("Progressing", Some(it)),
            Stage::Paused(it) => ("Paused", Some(it)),
            Stage::Promoting(it) => ("Promoting", Some(it)),
            Stage::RollingBack { attempt, .. } => ("RollingBack", Some(attempt)),
        };
        let is = |it: bool| if it { "True" } else { "False" };
        let condition = |name: &str, status: &str| {
            json!({
                "type": name, "status": status, "reason": phase, "message": "", "observedGeneration": 1,
                "lastTransitionTime": "2026-01-01T00:00:00Z",
            })
        };
        let mut conditions = vec![
            condition("Completed", is(settled)),
            condition("Promoted", is(settled && promoted)),
        ];
        if settled && !promoted {
            conditions.push(condition("Stalled", "True"));
        }
        let progress = attempt.map(|it| {
            json!({
                "revision": revision(it.template), "attempt": it.number, "changeId": it.change,
                "since": "2026-01-01T00:00:00.000000Z",
            })
        });
        self.status = json!({
            "observedGeneration": 1, "phase": phase, "changeId": self.id(),
            "observedTarget": {"uid": "it", "generation": self.generation},
            "message": format!("it was {}", phase.to_lowercase()),
            "selector": self.template.to_string(), "progress": progress,
            "revisions": {"desired": revision(self.template), "promoted": revision(self.promoted)},
            "conditions": conditions, "history": self.history,
        });
    }
}
