//! KEDA, whole: operator, metrics adapter and admission webhooks as processes of the bed, with the definitions and the
//! rights that it ships. Started for a suite that asks for it, and gone after it.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};

use super::aggregation::{Group, authority};
use super::artifact::Artifact;
use super::bed::Testbed;
use super::extra::{self, Extra};
use super::places::{self, Places};
use super::templates::Values;
use super::{health, lock, provision};

const OPERATOR: &str = "keda-operator";
const ADAPTER: &str = "keda-adapter";
const WEBHOOKS: &str = "keda-webhooks";

/// As whom the operator acts: the account to which its roles are bound.
const USER: &str = "system:serviceaccount:keda:keda-operator";

const NAMESPACE: &str =
    r#"{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "keda"}}"#;

/// It works in every namespace, and must be told so.
const EVERYWHERE: [(&str, &str); 2] = [("WATCH_NAMESPACE", ""), ("POD_NAMESPACE", "keda")];

/// The configuration of its webhooks, as it names it.
const ADMISSION: &str = "validatingwebhookconfiguration/keda-admission";

/// Ports of the files in `args`.
const OPERATOR_HEALTH: u16 = 10311;
const ADAPTER_PORT: u16 = 10313;
const WEBHOOKS_HEALTH: u16 = 10315;
const WEBHOOKS_PORT: u16 = 10316;

/// What the operator may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KedaRights {
    /// What KEDA ships: it reads everything, and scales whatever has a scale.
    Shipped,
    /// Reads and scales the workloads of Kubernetes alone, as a chart with narrowed `scaledRefKinds` grants.
    Narrowed,
}

impl Testbed {
    /// Starts KEDA, unless it runs, and waits until it works.
    pub fn start_keda(&self) -> Result<()> {
        let _lock = lock::take(&self.places)?;
        provision::ensure(&self.places, &[Artifact::Keda])?;
        self.place_keda_certificates()?;
        self.apply_manifests(Artifact::Keda, "crd")?;
        self.apply(NAMESPACE)?;
        self.apply_manifests(Artifact::Keda, "rbac")?;
        self.acting_as(USER, &kubeconfig(&self.places))?;
        self.start_keda_operator()?;
        self.daemon(WEBHOOKS, "webhooks", include_str!("../../testbed/args/keda-webhooks"), &[])?;
        let arguments = include_str!("../../testbed/args/keda-adapter");
        self.daemon(ADAPTER, "adapter", arguments, &EVERYWHERE)?;
        let ready = || health::http_ok(WEBHOOKS_HEALTH, "/readyz");
        extra::wait_for(&self.places, WEBHOOKS, ready)?;
        self.register_keda_webhooks()?;
        let served = self.serve(Group::EXTERNAL, ADAPTER_PORT);
        served.and_then(|()| extra::running(&self.places, ADAPTER)).context("KEDA's adapter")
    }

    /// Ends KEDA and removes all of it, with every object of its kinds. Does nothing where it was not started.
    pub fn stop_keda(&self) -> Result<()> {
        if !started(&self.places) {
            return Ok(());
        }
        let _lock = lock::take(&self.places)?;
        self.kubectl(&["delete", ADMISSION, "--ignore-not-found"])?;
        for name in [WEBHOOKS, ADAPTER] {
            extra::end(&self.places, name)?;
        }
        self.serve_external()?;
        self.remove_definitions(Artifact::Keda, &["scaledobjects.keda.sh"])?;
        let roles = self.manifests(Artifact::Keda, "rbac");
        self.kubectl(&["delete", "--ignore-not-found", "--wait=false", "-k", &roles])?;
        self.kubectl(&["delete", "namespace", "keda", "--ignore-not-found", "--wait=false"])?;
        // Last: its record says that all this is still to be done.
        extra::end(&self.places, OPERATOR)
    }

    /// The operator with these rights from now on. It is started anew: what it once found scalable it does not look up again.
    pub fn keda_may(&self, rights: KedaRights) -> Result<()> {
        let _lock = lock::take(&self.places)?;
        extra::end(&self.places, OPERATOR)?;
        self.apply_manifests(Artifact::Keda, "rbac")?;
        if rights == KedaRights::Narrowed {
            let role = self.kubectl(&["get", "clusterrole", OPERATOR, "-o", "json"])?;
            let role: Value = serde_json::from_str(&role)?;
            let rules: Vec<Value> =
                role["rules"].as_array().into_iter().flatten().map(narrowed).collect();
            let patch = json!({"rules": rules}).to_string();
            self.kubectl(&["patch", "clusterrole", OPERATOR, "--type=merge", "-p", &patch])?;
        }
        self.start_keda_operator()
    }

    fn start_keda_operator(&self) -> Result<()> {
        let kubeconfig = kubeconfig(&self.places).display().to_string();
        let own = [("KUBECONFIG", kubeconfig.as_str()), ("KEDA_CLUSTER_OBJECT_NAMESPACE", "keda")];
        let environment = [&own[..], &EVERYWHERE].concat();
        let arguments = include_str!("../../testbed/args/keda-operator");
        self.daemon(OPERATOR, "operator", arguments, &environment)?;
        let ready = || health::http_ok(OPERATOR_HEALTH, "/readyz");
        extra::wait_for(&self.places, OPERATOR, ready)
    }

    fn daemon(
        &self,
        name: &str,
        program: &str,
        arguments: &str,
        environment: &[(&str, &str)],
    ) -> Result<()> {
        let program = self.places.of(Artifact::Keda).join(program);
        let values = Values::of_running_bed(&self.places)?;
        Extra { name, program, arguments, environment }.start(&self.places, &values)
    }

    /// The bed's own under the names that KEDA looks for.
    fn place_keda_certificates(&self) -> Result<()> {
        let (from, to) = (self.places.certs(), self.places.run.join("keda"));
        fs::create_dir_all(&to)?;
        for (ours, theirs) in
            [("ca.crt", "ca.crt"), ("aggregated.crt", "tls.crt"), ("aggregated.key", "tls.key")]
        {
            fs::copy(from.join(ours), to.join(theirs))
                .with_context(|| format!("copying {ours}"))?;
        }
        Ok(())
    }

    /// As it ships them, but called at their address: of the Services in the bed only `kubernetes` works.
    fn register_keda_webhooks(&self) -> Result<()> {
        let shipped = self.manifests(Artifact::Keda, "webhooks/validation_webhooks.yaml");
        let mut admission: Value = serde_yaml_ng::from_str(&fs::read_to_string(&shipped)?)?;
        let authority = authority(&self.places)?;
        for webhook in admission["webhooks"].as_array_mut().context("webhooks")? {
            let path = webhook["clientConfig"]["service"]["path"].as_str().context("a path")?;
            let url = format!("https://{}:{WEBHOOKS_PORT}{path}", places::HOST);
            webhook["clientConfig"] = json!({"url": url, "caBundle": authority});
        }
        self.apply(&admission.to_string()).map(drop)
    }
}

/// Whether KEDA was started on this bed, and not stopped.
pub(super) fn started(places: &Places) -> bool {
    extra::started(places, OPERATOR)
}

fn kubeconfig(places: &Places) -> PathBuf {
    places.run.join("keda/kubeconfig.yaml")
}

/// A rule on every group is one on the workloads of Kubernetes.
fn narrowed(rule: &Value) -> Value {
    let mut rule = rule.clone();
    if rule["apiGroups"] == json!(["*"]) {
        rule["apiGroups"] = json!(["apps"]);
    }
    rule
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_rules_on_every_group_are_narrowed() {
        let all = json!({"apiGroups": ["*"], "resources": ["*/scale"], "verbs": ["get"]});
        assert_eq!(narrowed(&all)["apiGroups"], json!(["apps"]));
        let one = json!({"apiGroups": ["batch"], "resources": ["jobs"], "verbs": ["get"]});
        assert_eq!(narrowed(&one), one);
    }
}
