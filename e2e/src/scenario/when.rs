//! When: what the scenario's user does. Each action is noted before it is done.

use anyhow::{Context, Result};
use kube::ResourceExt as _;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PropagationPolicy};
use serde_json::{Value, json};

use super::fleet::Version;
use super::objects::ObjectKind;
use super::proxy::{Proxy, Source};
use super::run::{ROLLOUT, Scenario};
use super::seen::{Part, TARGET};
use super::test_run;

/// An action of the scenario. It fails with the complaint of the API server, be it a conflict.
pub struct When<'a>(pub(super) &'a mut Scenario);

impl Scenario {
    /// What happens.
    pub fn when(&mut self) -> When<'_> {
        self.cursor = self.log.length();
        When(self)
    }
}

impl When<'_> {
    /// A version is shipped as `kubectl set image` does: the template changes, nothing else.
    pub async fn ships(&mut self, version: &Version) -> Result<()> {
        self.0.log.note(format!("ship version {}", version.name));
        let fields = json!({"spec": {"template": self.0.fleet.template(version)}});
        self.0.objects.merge(ObjectKind::Deployment, TARGET, &fields).await
    }

    /// The whole manifest is applied, `replicas` in it, as a GitOps tool does.
    pub async fn applies(&mut self, version: &Version, pods: u32) -> Result<()> {
        let manager = &self.0.fleet.manager;
        self.0.log.note(format!("{manager} applies version {} x{pods}", version.name));
        let manifest = self.0.fleet.deployment(version, Some(pods));
        self.0.objects.apply_as(ObjectKind::Deployment, &manifest, manager).await
    }

    /// Fields of the target change.
    pub async fn edits_target(&mut self, fields: &Value) -> Result<()> {
        self.edits(ObjectKind::Deployment, TARGET, fields).await
    }

    /// Fields of the rollout change.
    pub async fn edits_rollout(&mut self, fields: &Value) -> Result<()> {
        self.edits(ObjectKind::CanaryRollout, ROLLOUT, fields).await
    }

    /// Fields of a child change by hand.
    pub async fn edits_child(&mut self, part: Part, fields: &Value) -> Result<()> {
        self.edits(ObjectKind::Deployment, &part.name(), fields).await
    }

    /// The rollout's scale subresource is set, as an autoscaler does.
    pub async fn scales_rollout(&mut self, pods: u32) -> Result<()> {
        self.0.log.note(format!("scale the rollout to {pods}"));
        let patch = Patch::Merge(json!({"spec": {"replicas": pods}}));
        let api = self.0.objects.api(ObjectKind::CanaryRollout);
        api.patch_scale(ROLLOUT, &PatchParams::default(), &patch).await?;
        Ok(())
    }

    /// A command is given about the attempt under way: `siskin.dev/<command>: <rolloutId><scope>`.
    pub async fn commands(&mut self, command: &str, scope: &str) -> Result<()> {
        let id = self.0.log.look(|view| view.state.rollout()?.status.rollout_id.clone());
        let value = format!("{}{scope}", id.context("no attempt has been made")?);
        self.annotates_rollout(&format!("siskin.dev/{command}"), &value).await
    }

    /// An annotation of the rollout is set.
    pub async fn annotates_rollout(&mut self, key: &str, value: &str) -> Result<()> {
        self.edits_rollout(&json!({"metadata": {"annotations": {key: value}}})).await
    }

    /// Records come at this rate from now on: so many a second on the fleet's topic, none at 0.
    pub async fn changes_rate(&mut self, records: u32) -> Result<()> {
        self.0.log.note(format!("{records} records a second"));
        self.0.load = None;
        self.0.fleet.workload.rate = records;
        if records == 0 { Ok(()) } else { self.0.given().a_load().await }
    }

    /// An object is deleted by hand, its dependents in the background.
    pub async fn deletes(&mut self, kind: ObjectKind, name: &str) -> Result<()> {
        self.0.log.note_deletion(name);
        self.0.objects.delete(kind, name, DeleteParams::background()).await
    }

    /// An object is deleted in the foreground, as Argo CD does: dependents first.
    pub async fn deletes_in_foreground(&mut self, kind: ObjectKind, name: &str) -> Result<()> {
        self.0.log.note_deletion(name);
        let how = DeleteParams {
            propagation_policy: Some(PropagationPolicy::Foreground),
            ..DeleteParams::default()
        };
        self.0.objects.delete(kind, name, how).await
    }

    /// The policies of the scenario are lifted.
    pub async fn lifts_policies(&mut self) -> Result<()> {
        self.0.log.note("lift the policies");
        test_run::lift(&self.0.client, &self.0.namespace).await
    }

    /// A fake node with pods of the fleet dies: they are not Ready, and stay. Answers with its name.
    pub async fn a_fake_node_dies(&mut self) -> Result<String> {
        let api = self.0.objects.api(ObjectKind::Pod);
        let pods = api.list(&ListParams::default()).await?;
        let node = pods.items.iter().find_map(|it| it.data["spec"]["nodeName"].as_str());
        let node = node.context("no pod has a node")?.to_owned();
        self.0.log.note(format!("node {node} dies"));
        let (bed, name) = (self.0.run.bed.clone(), node.clone());
        tokio::task::spawn_blocking(move || bed.fake_node_dies(&name)).await??;
        // The node controller does so for a kubelet that has been silent for a minute.
        self.pods_are_ready(&node, "False").await?;
        Ok(node)
    }

    /// A fake node that died is back.
    pub async fn a_fake_node_returns(&mut self, node: String) -> Result<()> {
        self.0.log.note(format!("node {node} returns"));
        let bed = self.0.run.bed.clone();
        let name = node.clone();
        tokio::task::spawn_blocking(move || bed.fake_node_returns(&name)).await??;
        // Its kubelet tells of the pods that have run all the time.
        self.pods_are_ready(&node, "True").await
    }

    /// What is told of the pods of a node, those that are to leave excepted.
    async fn pods_are_ready(&mut self, node: &str, ready: &str) -> Result<()> {
        let api = self.0.objects.api(ObjectKind::Pod);
        let told = json!({"status": {"conditions": [{"type": "Ready", "status": ready}]}});
        for pod in api.list(&ListParams::default()).await?.items {
            if pod.data["spec"]["nodeName"] == node && pod.metadata.deletion_timestamp.is_none() {
                let patch = Patch::Strategic(&told);
                api.patch_status(&pod.name_any(), &PatchParams::default(), &patch).await?;
            }
        }
        Ok(())
    }

    /// A server is out of reach for this scenario, until it [regains](When::regains) it.
    pub async fn loses(&mut self, source: Source) -> Result<()> {
        self.0.log.note(format!("lose {source:?}"));
        self.proxy(source)?.shut().await;
        Ok(())
    }

    /// The server is there again.
    pub fn regains(&mut self, source: Source) -> Result<()> {
        self.0.log.note(format!("regain {source:?}"));
        self.proxy(source)?.reopen()
    }

    fn proxy(&mut self, source: Source) -> Result<&mut Proxy> {
        let proxy = self.0.proxies.iter_mut().find(|(to, _)| *to == source);
        Ok(&mut proxy.with_context(|| format!("no proxy to {source:?}"))?.1)
    }

    async fn edits(&mut self, kind: ObjectKind, name: &str, fields: &Value) -> Result<()> {
        self.0.log.note(format!("edit {kind:?} {name}: {fields}"));
        self.0.objects.merge(kind, name, fields).await
    }
}
