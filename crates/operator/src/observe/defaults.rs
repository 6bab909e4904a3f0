//! An API server upgrade, or an admission policy, that adds fields to a template is no new version.
//! Asks the API server, by a dry run, what a frozen template looks like today. Writes nothing.

use std::collections::HashMap;
use std::sync::Arc;

use kube::ResourceExt;
use kube::api::{DynamicObject, PatchParams};
use parking_lot::Mutex;
use serde_json::Value;

use crate::cluster::calls::{CallFailed, Cluster, call};
use crate::cluster::patch::JsonPatch;
use crate::workloads::template::{PodTemplate, contained};

/// Answers are kept per object and generation; more than this many are forgotten together.
const MAX_ANSWERS: usize = 2_000;

/// A Deployment by UID and generation, and the key of a template.
type DefaultsQuestion = (String, i64, u64);

/// What the API server made of templates that we know.
#[derive(Clone, Default)]
pub struct Defaults {
    answers: Arc<Mutex<HashMap<DefaultsQuestion, bool>>>,
}

impl Defaults {
    /// Whether `live`'s template is what the API server makes of `template` today.
    ///
    /// Defaults only add: when `template` is not contained in the live one, nothing is asked.
    pub(crate) async fn account_for(
        &self,
        cluster: &Cluster,
        live: &DynamicObject,
        key: u64,
        template: &Value,
    ) -> Result<bool, CallFailed> {
        let current = &live.data["spec"]["template"];
        if !contained(template, current) {
            return Ok(false);
        }
        let uid = live.uid().unwrap_or_default();
        let question = (uid, live.metadata.generation.unwrap_or(0), key);
        if let Some(answer) = self.answers.lock().get(&question) {
            return Ok(*answer);
        }
        let (namespace, name) = (live.namespace().unwrap_or_default(), live.name_any());
        let patch = JsonPatch::default().set(&["spec", "template"], template.clone());
        let patch = patch.into_patch::<Value>();
        let api = cluster.deployments(&namespace);
        let dry = PatchParams { dry_run: true, ..PatchParams::default() };
        let ask = api.patch(&name, &dry, &patch);
        let today = call("try a patch on", || format!("Deployment {name}"), ask).await?;
        let answer = PodTemplate::of(&today.data["spec"]["template"]) == PodTemplate::of(current);
        let mut answers = self.answers.lock();
        if MAX_ANSWERS <= answers.len() {
            answers.clear();
        }
        answers.insert(question, answer);
        Ok(answer)
    }
}
