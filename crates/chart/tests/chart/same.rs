//! What the chart renders is what an overlay of `config/` says, object by object, for each combination of values.
//! An overlay is written here as users write theirs; `config/` itself is taken as it is.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use siskin_chart::repository;

use crate::Check;
use crate::objects::{comparable, differences, objects};
use crate::tools::{Helm, Release, Tools, scratch};

/// Values, and the overlay that means the same.
struct Case {
    name: &'static str,
    kubernetes: &'static str,
    namespace: &'static str,
    values: &'static str,
    overlay: &'static str,
}

const NEWEST: &str = "1.36.3";
const NAMESPACE: &str = "siskin-system";

/// The image that `config/default` names.
const IMAGE: &str = "image: {repository: localhost/siskin-operator, tag: dev}\n";

impl Case {
    const fn new(name: &'static str, values: &'static str, overlay: &'static str) -> Self {
        Self { name, kubernetes: NEWEST, namespace: NAMESPACE, values, overlay }
    }

    const fn on(self, kubernetes: &'static str) -> Self {
        Self { kubernetes, ..self }
    }

    const fn in_namespace(self, namespace: &'static str) -> Self {
        Self { namespace, ..self }
    }
}

const CASES: [Case; 22] = [
    Case::new(
        "defaults",
        "",
        "resources: [../config/default, ../config/guard, ../config/policies, ../config/stamp]",
    ),
    Case::new("defaults-1.35", "", "resources: [../config/default, ../config/policies]").on("1.35.0"),
    Case::new("defaults-1.29", "", "resources: [../config/default]").on("1.29.3"),
    Case::new(
        "a-vendor's-version",
        "",
        "resources: [../config/default, ../config/guard, ../config/policies, ../config/stamp]",
    )
    .on("1.36.0-gke.1200"),
    Case::new(
        "default-overlay",
        "{guard: false, policies: {enabled: false}}",
        "resources: [../config/default]",
    ),
    Case::new(
        "guard-alone",
        "{guard: true, guardScale: true, policies: {enabled: false}}",
        "resources: [../config/default, ../config/guard, ../config/guard-scale]",
    ),
    Case::new(
        "policies-alone",
        "{guard: false, policies: {enabled: true, stamp: false}}",
        "resources: [../config/default, ../config/policies]",
    ),
    Case::new(
        "opt-in-alone",
        "{guard: false, policies: {enabled: false, optIn: true}}",
        "resources: [../config/default, ../config/opt-in]",
    ),
    Case::new(
        "two-replicas",
        "{replicas: 2, guard: false, policies: {enabled: false}}",
        "resources: [../config/ha]",
    ),
    Case::new(
        "replicas-required-apart",
        "{replicas: 3, antiAffinity: required, podDisruptionBudget: false, guard: false, policies: {enabled: false}}",
        "
resources: [../config/default]
patches:
- patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: siskin, namespace: siskin-system}
    spec:
      replicas: 3
      template:
        spec:
          affinity:
            podAntiAffinity:
              requiredDuringSchedulingIgnoredDuringExecution:
              - topologyKey: kubernetes.io/hostname
                labelSelector: {matchLabels: {app.kubernetes.io/name: siskin}}
",
    ),
    Case::new(
        "traces",
        "{traceVolume: {enabled: true}, guard: false, policies: {enabled: false}}",
        "{resources: [../config/default], components: [../config/trace-volume]}",
    ),
    Case::new(
        "traces-of-two",
        "{replicas: 2, traceVolume: {enabled: true, accessMode: ReadWriteMany, size: 4Gi, limit: 2Gi, storageClass: nfs},
          guard: false, policies: {enabled: false}}",
        "
resources: [../config/ha]
components: [../config/trace-volume]
patches:
- patch: |-
    apiVersion: v1
    kind: PersistentVolumeClaim
    metadata: {name: siskin-traces, namespace: siskin-system}
    spec:
      accessModes: [ReadWriteMany]
      storageClassName: nfs
      resources: {requests: {storage: 4Gi}}
- patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: siskin, namespace: siskin-system}
    spec:
      strategy: {type: RollingUpdate}
      template:
        spec:
          containers:
          - name: siskin
            env: [{name: SISKIN_TRACE_DIRECTORY, value: /traces}, {name: SISKIN_TRACE_DIRECTORY_SIZE, value: 2Gi}]
",
    ),
    Case::new(
        "network-policy",
        "{networkPolicy: {enabled: true}, guard: false, policies: {enabled: false}}",
        "{resources: [../config/default], components: [../config/network-policy]}",
    ),
    Case::new(
        "network-policy-narrowed",
        "{networkPolicy: {enabled: true, metricsFrom: [], egress: [{ports: [{port: 6443, protocol: TCP}]}]},
          guard: false, policies: {enabled: false}}",
        "
resources: [../config/default]
components: [../config/network-policy]
patches:
- target: {kind: NetworkPolicy}
  patch: |-
    - {op: replace, path: /spec/ingress, value: []}
    - {op: replace, path: /spec/egress, value: [{ports: [{port: 6443, protocol: TCP}]}]}
",
    ),
    Case::new(
        "monitoring",
        "{monitoring: {podMonitor: true, rules: true, dashboard: true}, guard: false, policies: {enabled: false}}",
        "{resources: [../config/default], components: [../config/monitoring]}",
    ),
    Case::new(
        "monitoring-with-labels",
        "{monitoring: {podMonitor: true, rules: true, dashboard: true, labels: {release: prometheus}}, guard: false, policies: {enabled: false}}",
        "
resources: [../config/default]
components: [../config/monitoring]
patches:
- target: {group: monitoring.coreos.com}
  patch: |-
    - {op: add, path: /metadata/labels/release, value: prometheus}
",
    ),
    Case::new(
        "tenants",
        "{scope: tenants, tenants: [{namespace: shop, secrets: [orders-kafka]}], guard: false, policies: {enabled: false}}",
        "resources: [../config/multi-tenant, ../config/multi-tenant/tenant]",
    ),
    Case::new(
        "tenants-under-all-policies",
        "{scope: tenants, guardScale: true, policies: {optIn: true}}",
        "resources: [../config/multi-tenant, ../config/guard, ../config/guard-scale, ../config/policies, ../config/stamp,
          ../config/opt-in]",
    ),
    Case::new("one-namespace", "scope: namespace", "resources: [../config/namespaced]"),
    Case::new(
        "one-namespace-elsewhere",
        "scope: namespace",
        "{namespace: shop, resources: [../config/namespaced]}",
    )
    .in_namespace("shop"),
    Case::new(
        "another-namespace",
        "{replicas: 2, guardScale: true, policies: {optIn: true}, monitoring: {podMonitor: true, rules: true, dashboard: true}}",
        "
namespace: platform
resources: [../config/ha]
components: [../config/monitoring]
---
resources: [../placed, ../config/guard, ../config/guard-scale, ../config/policies, ../config/stamp, ../config/opt-in]
",
    )
    .in_namespace("platform"),
    Case::new(
        "everything-of-the-pod",
        "
crds: {install: false}
userRoles: false
guard: false
policies: {enabled: false}
image: {tag: \"\", digest: \"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\", pullPolicy: Always}
imagePullSecrets: [{name: registry}]
resources: {requests: {cpu: 1, memory: 64Mi}, limits: {memory: 256Mi}}
logFormat: text
extraArgs: [--log-level=debug]
nodeSelector: {disk: ssd}
tolerations: [{key: dedicated, operator: Equal, value: platform, effect: NoSchedule}]
affinity: {nodeAffinity: {requiredDuringSchedulingIgnoredDuringExecution: {nodeSelectorTerms: [{matchExpressions: [{key: zone, operator: Exists}]}]}}}
topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}]
priorityClassName: system-cluster-critical
podAnnotations: {team: platform, number: \"1\"}
podLabels: {team: platform}
commonLabels: {cost-center: platform}
serviceAccount: {annotations: {team: platform}}
",
        "
resources: [../config/rbac, ../config/manager]
images:
- {name: siskin-operator, newName: localhost/siskin-operator,
   digest: \"sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"}
labels:
- {pairs: {cost-center: platform}, includeTemplates: true}
patches:
- target: {kind: ClusterRole, name: canaryrollouts-.*}
  patch: |-
    apiVersion: rbac.authorization.k8s.io/v1
    kind: ClusterRole
    metadata: {name: any}
    $patch: delete
- target: {kind: ServiceAccount}
  patch: |-
    - {op: add, path: /metadata/annotations, value: {team: platform}}
- patch: |-
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: siskin, namespace: siskin-system}
    spec:
      template:
        metadata:
          annotations: {team: platform, number: \"1\"}
          labels: {team: platform}
        spec:
          imagePullSecrets: [{name: registry}]
          nodeSelector: {disk: ssd}
          tolerations: [{key: dedicated, operator: Equal, value: platform, effect: NoSchedule}]
          affinity:
            nodeAffinity:
              requiredDuringSchedulingIgnoredDuringExecution:
                nodeSelectorTerms: [{matchExpressions: [{key: zone, operator: Exists}]}]
          topologySpreadConstraints: [{maxSkew: 1, topologyKey: zone, whenUnsatisfiable: ScheduleAnyway}]
          priorityClassName: system-cluster-critical
          containers:
          - name: siskin
            imagePullPolicy: Always
            args: [--log-format=text, --log-level=debug]
            resources: {requests: {cpu: 1, memory: 64Mi}, limits: {memory: 256Mi}}
",
    ),
];

pub fn checks(tools: &Tools, helm: &Helm) -> Vec<Check> {
    let check = |case: Case| {
        let (kubectl, helm) = (tools.kubectl.clone(), helm.clone());
        Check::new(format!("{}/same/{}", helm.name, case.name), move || {
            same(&kubectl, &helm, &case)
        })
    };
    CASES.into_iter().map(check).collect()
}

fn same(kubectl: &Path, helm: &Helm, case: &Case) -> Result<()> {
    let values = with_image(case.values)?;
    let release =
        Release { values: &values, kubernetes: case.kubernetes, namespace: case.namespace };
    let chart = comparable(objects(&helm.rendered(release)?)?);
    let overlay = comparable(objects(&built(kubectl, case)?)?);
    ensure!(
        overlay.contains_key(&format!("Deployment {}/siskin", case.namespace)),
        "no Deployment"
    );
    let found = differences(&chart, &overlay);
    ensure!(found.is_empty(), "{} differences\n  {}", found.len(), found.join("\n  "));
    Ok(())
}

/// These values, with the image of `config/default` where they say nothing else.
fn with_image(values: &str) -> Result<String> {
    let mut merged: serde_json::Value = serde_yaml_ng::from_str(IMAGE)?;
    let own: serde_json::Value = serde_yaml_ng::from_str(values)?;
    for (key, value) in own.as_object().into_iter().flatten() {
        match (merged[key].as_object_mut(), value.as_object()) {
            (Some(merged), Some(own)) => merged.extend(own.clone()),
            (_, _) => merged[key] = value.clone(),
        }
    }
    Ok(merged.to_string())
}

/// The overlay, beside a copy of `config/` in which the operator's user is the one of the case's namespace.
fn built(kubectl: &Path, case: &Case) -> Result<String> {
    let folder = scratch("overlay")?;
    for name in ["config", "crds"] {
        copy(&repository().join(name), &folder.join(name), case.namespace)?;
    }
    let overlay = folder.join("overlay");
    // Kustomize takes policies for namespaced: what has `namespace` is an overlay of its own.
    let (placed, rest) = case.overlay.split_once("---\n").unwrap_or(("", case.overlay));
    for (to, text) in [(&folder.join("placed"), placed), (&overlay, rest)] {
        fs::create_dir_all(to)?;
        fs::write(to.join("kustomization.yaml"), text)?;
    }
    let output = Command::new(kubectl).arg("kustomize").arg(&overlay).output()?;
    let words = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        bail!("kustomize: {words}");
    }
    fs::remove_dir_all(&folder)?;
    String::from_utf8(output.stdout).context("kustomize's words are no UTF-8")
}

/// What a user changes in `config/` for another namespace: the name in the files of parameters.
fn copy(from: &Path, to: &Path, namespace: &str) -> Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let path: PathBuf = entry?.path();
        let to = to.join(path.file_name().context("a name")?);
        if path.is_dir() {
            copy(&path, &to, namespace)?;
        } else if path.ends_with("parameters.yaml") {
            let user = format!(":{namespace}:");
            fs::write(to, fs::read_to_string(&path)?.replace(":siskin-system:", &user))?;
        } else {
            fs::copy(&path, &to)?;
        }
    }
    Ok(())
}
