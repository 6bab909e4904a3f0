//! Values that the chart refuses, each with the words that a person reads.
//! The schema refuses types, unknown keys and words that are none of a list; `checks.yaml` what doesn't fit together.

use anyhow::{Result, bail, ensure};

use crate::Check;
use crate::tools::{Helm, Release, chart};

/// Values, a version of Kubernetes, and what is told.
struct Wrong {
    values: &'static str,
    kubernetes: &'static str,
    told: &'static str,
}

const fn wrong(values: &'static str, told: &'static str) -> Wrong {
    Wrong { values, kubernetes: "1.36.3", told }
}

const fn wrong_on(kubernetes: &'static str, values: &'static str, told: &'static str) -> Wrong {
    Wrong { values, kubernetes, told }
}

/// By the schema, in Helm's words.
const OF_A_TYPE: [Wrong; 16] = [
    wrong("replica: 2", "additional properties 'replica' not allowed"),
    wrong("image: {name: x}", "at '/image': additional properties 'name' not allowed"),
    wrong(
        "policies: {deputy: false}",
        "at '/policies': additional properties 'deputy' not allowed",
    ),
    wrong("replicas: two", "at '/replicas': got string, want integer"),
    wrong("replicas: -1", "at '/replicas': minimum: got -1, want 0"),
    wrong("replicas: 11", "at '/replicas': maximum: got 11, want 10"),
    wrong(
        "scope: clusterwide",
        "at '/scope': value must be one of 'cluster', 'tenants', 'namespace'",
    ),
    wrong("guard: \"yes\"", "at '/guard': value must be one of 'auto', true, false"),
    wrong("tenants: [shop]", "at '/tenants/0': got string, want object"),
    wrong("tenants: [{secrets: [a]}]", "at '/tenants/0': missing property 'namespace'"),
    wrong("logFormat: yaml", "at '/logFormat': value must be one of 'json', 'text'"),
    wrong("extraArgs: --log-level=debug", "at '/extraArgs': got string, want array"),
    wrong("podAnnotations: {number: 1}", "at '/podAnnotations/number': got number, want string"),
    wrong("affinity: {node: {}}", "at '/affinity': additional properties 'node' not allowed"),
    wrong(
        "topologySpreadConstraints: [{maxSkew: 1}]",
        "at '/topologySpreadConstraints/0': missing properties 'topologyKey', 'whenUnsatisfiable'",
    ),
    wrong(
        "resources: {request: {cpu: 1}}",
        "at '/resources': additional properties 'request' not allowed",
    ),
];

/// By the chart, in sentences of its own.
const TOGETHER: [Wrong; 34] = [
    wrong(
        "image: {repository: \"\"}",
        "image.repository is not set: Siskin's image is in no public registry",
    ),
    wrong(
        "image: {repository: \"r/s:1\"}",
        "image.repository \"r/s:1\" has a tag or a digest: put it into image.tag",
    ),
    wrong(
        "image: {repository: r/s, tag: \"1\", digest: \"sha256:0\"}",
        "image.tag and image.digest are both set: a digest says all, so remove the tag",
    ),
    wrong(
        "image: {repository: r/s, digest: abc}",
        "image.digest \"abc\" is no digest: it is sha256: and 64 hexadecimal digits",
    ),
    wrong(
        "tenants: [{namespace: shop}]",
        "tenants is set, but scope is cluster, in which nobody reads it",
    ),
    wrong(
        "{scope: tenants, tenants: [{namespace: shop}, {namespace: shop}]}",
        "tenants has the namespace shop twice: put its Secrets into one entry",
    ),
    wrong(
        "{scope: tenants, tenants: [{namespace: Shop}]}",
        "tenants has \"Shop\", which is no name of a namespace",
    ),
    wrong(
        "{scope: namespace, crds: {install: true}}",
        "crds.install is true, but scope is namespace, and it is of the whole cluster",
    ),
    wrong(
        "{scope: namespace, guard: true}",
        "guard is true, but scope is namespace, and it is of the whole cluster",
    ),
    wrong(
        "{scope: namespace, policies: {optIn: true}}",
        "policies.optIn is true, but scope is namespace",
    ),
    wrong("{scope: namespace, userRoles: true}", "userRoles is true, but scope is namespace"),
    wrong_on(
        "1.35.4",
        "guard: true",
        "guard is true, but Kubernetes v1.35.4 has no MutatingAdmissionPolicy v1, which came with 1.36",
    ),
    wrong_on(
        "1.35.4",
        "policies: {stamp: true}",
        "policies.stamp is true, but Kubernetes v1.35.4 has no MutatingAdmissionPolicy v1",
    ),
    wrong_on(
        "1.29.0",
        "policies: {enabled: true}",
        "policies.enabled is true, but Kubernetes v1.29.0 has no ValidatingAdmissionPolicy v1",
    ),
    wrong_on(
        "1.29.0",
        "guardScale: true",
        "guardScale is true, but Kubernetes v1.29.0 has no ValidatingAdmissionPolicy v1",
    ),
    wrong_on(
        "1.28.9",
        "",
        "chart requires kubeVersion: >=1.29.0-0 which is incompatible with Kubernetes v1.28.9",
    ),
    wrong(
        "policies: {enabled: false, stamp: true}",
        "policies.stamp is true, but policies.enabled is false",
    ),
    wrong(
        "podDisruptionBudget: true",
        "podDisruptionBudget is true, but replicas is 1: it would do nothing; set replicas: 2",
    ),
    wrong(
        "antiAffinity: required",
        "antiAffinity is required, but replicas is 1: it would do nothing; set replicas: 2",
    ),
    wrong(
        "extraArgs: [--namespace=shop]",
        "extraArgs has --namespace=shop, which the chart sets itself, by scope",
    ),
    wrong(
        "extraArgs: [--log-format, text]",
        "extraArgs has --log-format, which the chart sets itself, by logFormat",
    ),
    wrong(
        "extraArgs: [--lease-name=siskin-shop]",
        "extraArgs has --lease-name=siskin-shop, which the chart sets itself, by nothing: the Role names the Lease",
    ),
    wrong(
        "podLabels: {app.kubernetes.io/name: x}",
        "podLabels has app.kubernetes.io/name, by which the Deployment finds its pods",
    ),
    wrong(
        "commonLabels: {app.kubernetes.io/name: x}",
        "commonLabels has app.kubernetes.io/name, by which the Deployment finds its pods",
    ),
    wrong(
        "{commonLabels: {a: b}, monitoring: {rules: true, labels: {a: c}}}",
        "monitoring.labels and commonLabels both have a: every object has the latter",
    ),
    wrong(
        "{replicas: 2, antiAffinity: required, affinity: {podAntiAffinity: {}}}",
        "antiAffinity is required, but affinity has a podAntiAffinity: keep one of them",
    ),
    wrong(
        "traceVolume: {enabled: true, size: 1G}",
        "traceVolume.size \"1G\" is no size: it is a whole number of Mi or Gi",
    ),
    wrong(
        "traceVolume: {enabled: true, limit: 1Gi}",
        "traceVolume.limit 1Gi is not below traceVolume.size 1Gi",
    ),
    wrong("traceVolume: {enabled: true, limit: 4Mi}", "traceVolume.limit 4Mi is below 8Mi"),
    wrong(
        "{replicas: 2, traceVolume: {enabled: true}}",
        "traceVolume with 2 replicas needs accessMode: ReadWriteMany",
    ),
    wrong(
        "traceVolume: {existingClaim: mine}",
        "traceVolume has settings, but traceVolume.enabled is false",
    ),
    wrong(
        "networkPolicy: {egress: [{}]}",
        "networkPolicy.egress is set, but networkPolicy.enabled is false",
    ),
    wrong(
        "monitoring: {labels: {a: b}}",
        "monitoring.labels is set, but neither monitoring.podMonitor nor monitoring.rules is true",
    ),
    wrong(
        "monitoring: {runbooks: https://docs.example.com}",
        "monitoring.runbooks is set, but monitoring.rules is false",
    ),
];

pub fn checks(helm: &Helm) -> Vec<Check> {
    let all = OF_A_TYPE.into_iter().chain(TOGETHER);
    let check = |it: Wrong| {
        let helm = helm.clone();
        let name = format!("{}/refused/{} {}", helm.name, it.kubernetes, it.values);
        Check::new(name, move || refused(&helm, &it))
    };
    all.map(check).collect()
}

fn refused(helm: &Helm, wrong: &Wrong) -> Result<()> {
    let image = if wrong.values.contains("image:") { "" } else { "image: {repository: r/s}\n" };
    // Flow mappings stand alone.
    let values = match wrong.values.strip_prefix('{') {
        Some(rest) => format!("{{image: {{repository: r/s}}, {rest}"),
        None => format!("{image}{}", wrong.values),
    };
    let release =
        Release { values: &values, kubernetes: wrong.kubernetes, namespace: "siskin-system" };
    let Err(words) = helm.template(&chart(), release)? else { bail!("it is taken") };
    ensure!(words.contains(wrong.told), "it says {words}");
    Ok(())
}
