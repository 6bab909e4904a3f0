//! An API server upgrade, or an admission policy, that adds fields to a template is no new version.
//! Asks the API server, by a dry run, what a frozen template looks like today. Writes nothing.

use std::collections::HashMap;
use std::sync::Arc;

use kube::ResourceExt;
use kube::api::{DynamicObject, PatchParams};
use parking_lot::Mutex;
use serde_json::Value;

use crate::cluster::calls::{CallFailed, Cluster, admitted};
use crate::cluster::patch::JsonPatch;
use crate::cluster::refusal::RefusalReason;
use crate::observe::asked::as_asked;
use crate::observe::parse;
use crate::workloads::children::Child;
use crate::workloads::template::{PodTemplate, contained, same};

/// Answers are kept per object and generation; more than this many are forgotten together.
const MAX_ANSWERS: usize = 2_000;

/// A Deployment by UID and generation, and the key of a template.
type DefaultsQuestion = (String, i64, u64);

/// A template that may be what a live one was before the API server had it.
#[derive(Clone, Copy)]
pub(crate) struct KnownTemplate<'a> {
    /// Its content key.
    pub(crate) key: u64,
    pub(crate) template: &'a Value,
    /// Whether values of it may have been changed, and not only fields been added.
    pub(crate) rewritten: bool,
}

/// What the API server made of templates that we know.
#[derive(Clone, Default)]
pub struct Defaults {
    answers: Arc<Mutex<HashMap<DefaultsQuestion, bool>>>,
}

impl Defaults {
    /// Whether a child is what the cluster makes of what was asked for: policies may rewrite an image,
    /// inject a container, change a field. Asked once for each content of the two; what it made of a
    /// write of ours it has answered with that. So nothing is repaired, and restarted, for ever.
    pub(crate) async fn accounts_for(
        &self,
        cluster: &Cluster,
        live: &DynamicObject,
        child: &Child,
    ) -> bool {
        let whole = parse::whole(live);
        let question = child.made_of(&whole);
        if let Some(answer) = cluster.taken.answer(question) {
            return answer;
        }
        let (namespace, name) = (live.namespace().unwrap_or_default(), live.name_any());
        let api = cluster.deployments(&namespace);
        let dry = PatchParams { dry_run: true, ..PatchParams::default() };
        let patch = as_asked(live, child).into_patch::<Value>();
        let ask = api.patch(&name, &dry, &patch);
        match admitted("try a patch on", || format!("Deployment {name}"), ask).await {
            Ok(today) => {
                let answer = same(&child.shape(&parse::whole(&today)), &child.shape(&whole));
                cluster.taken.note(question, answer);
                answer
            }
            // What it would not take, it has not made.
            Err(error) if error.is_refused() && !is_silence(&error) => false,
            // Nothing is written again, and no pod restarted, because nobody answered.
            Err(_) => true,
        }
    }

    /// Whether `live`'s template is what the API server makes of `template` today.
    ///
    /// Defaults only add: a `template` that is not contained in the live one is asked about only if
    /// `rewritten`, as policies rewrite.
    pub(crate) async fn account_for(
        &self,
        cluster: &Cluster,
        live: &DynamicObject,
        known: KnownTemplate<'_>,
    ) -> Result<bool, CallFailed> {
        if let Some(answer) = self.remembered(live, known) {
            return Ok(answer);
        }
        let KnownTemplate { template, .. } = known;
        let (current, question) = (&live.data["spec"]["template"], question(live, known));
        let (namespace, name) = (live.namespace().unwrap_or_default(), live.name_any());
        let patch = JsonPatch::default().set(&["spec", "template"], template.clone());
        let patch = patch.into_patch::<Value>();
        let api = cluster.deployments(&namespace);
        let dry = PatchParams { dry_run: true, ..PatchParams::default() };
        let ask = api.patch(&name, &dry, &patch);
        let today = match admitted("try a patch on", || format!("Deployment {name}"), ask).await {
            Ok(today) => today,
            // What it would not take, it has not made; asked again when the object changes.
            Err(error) if error.is_refused() => {
                tracing::debug!(error = error.told(), "a dry run was refused");
                if !is_silence(&error) {
                    self.remember(question, false);
                }
                return Ok(false);
            }
            Err(error) => return Err(error),
        };
        let answer = PodTemplate::of(&today.data["spec"]["template"]) == PodTemplate::of(current);
        self.remember(question, answer);
        Ok(answer)
    }

    /// The answer where none has to be asked for; `None`: a dry run will tell.
    pub(crate) fn remembered(
        &self,
        live: &DynamicObject,
        known: KnownTemplate<'_>,
    ) -> Option<bool> {
        if !known.rewritten && !contained(known.template, &live.data["spec"]["template"]) {
            return Some(false);
        }
        self.answers.lock().get(&question(live, known)).copied()
    }

    fn remember(&self, question: DefaultsQuestion, answer: bool) {
        let mut answers = self.answers.lock();
        if MAX_ANSWERS <= answers.len() {
            answers.clear();
        }
        answers.insert(question, answer);
    }
}

/// Whether a webhook that must be asked was away: nobody has said what the template would be, and once it is back it will
/// be said.
fn is_silence(error: &CallFailed) -> bool {
    error.refusal() == Some(RefusalReason::WebhookUnavailable)
}

fn question(live: &DynamicObject, known: KnownTemplate<'_>) -> DefaultsQuestion {
    (live.uid().unwrap_or_default(), live.metadata.generation.unwrap_or(0), known.key)
}

#[cfg(test)]
mod tests;
