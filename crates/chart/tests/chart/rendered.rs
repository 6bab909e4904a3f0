//! What of a rendered chart no overlay says: lint, the packaged chart, what stays at an uninstall, the notes.
//! Wrong values are elsewhere.

use std::fs;

use anyhow::{Context as _, Result, ensure};

use crate::Check;
use crate::objects::{OF_A_RELEASE, objects};
use crate::tools::{Helm, Release, chart, scratch};

const VALUES: &str = "image: {repository: registry.example.com/siskin-operator}";
const KEEP: &str = "/metadata/annotations/helm.sh~1resource-policy";

type Checked = fn(&Helm) -> Result<()>;

pub fn checks(helm: &Helm) -> Vec<Check> {
    let checks: [(&str, Checked); 8] = [
        ("lint", lint),
        ("packaged", packaged),
        ("crds-stay", crds_stay),
        ("tag-of-the-version", tag_of_the_version),
        ("no-user-but-ours", no_user_but_ours),
        ("runbooks", runbooks),
        ("labels", labels),
        ("tested-by-what-goes-again", tested_by_what_goes_again),
    ];
    let check = |(name, check): (&str, Checked)| {
        let helm = helm.clone();
        Check::new(format!("{}/rendered/{name}", helm.name), move || check(&helm))
    };
    checks.into_iter().map(check).collect()
}

fn release(values: &str) -> Release<'_> {
    Release { values, kubernetes: "1.36.3", namespace: "siskin-system" }
}

fn lint(helm: &Helm) -> Result<()> {
    let chart = chart().display().to_string();
    helm.does(&["lint", "--strict", &chart, "--set", "image.repository=r/s"]).map(drop)
}

/// A packaged chart has every file that the templates read.
fn packaged(helm: &Helm) -> Result<()> {
    let folder = scratch("package")?;
    let (source, to) = (chart().display().to_string(), folder.display().to_string());
    helm.does(&["package", &source, "--destination", &to])?;
    let package = fs::read_dir(&folder)?.next().context("no package")??.path();
    let packaged = helm.template(&package, release(VALUES))?.map_err(anyhow::Error::msg)?;
    ensure!(objects(&packaged)? == objects(&helm.rendered(release(VALUES))?)?, "they differ");
    Ok(fs::remove_dir_all(folder)?)
}

fn crds_stay(helm: &Helm) -> Result<()> {
    for keep in [true, false] {
        let values = format!("{VALUES}\ncrds: {{keep: {keep}}}");
        let rendered = objects(&helm.rendered(release(&values))?)?;
        let crds = rendered.iter().filter(|it| it.0.starts_with("CustomResourceDefinition"));
        let kept: Vec<bool> =
            crds.map(|it| it.1.pointer(KEEP).is_some_and(|it| it == "keep")).collect();
        ensure!(kept == [keep, keep], "crds.keep={keep}: {kept:?}");
    }
    Ok(())
}

fn tag_of_the_version(helm: &Helm) -> Result<()> {
    let rendered = objects(&helm.rendered(release(VALUES))?)?;
    let image =
        &rendered["Deployment siskin-system/siskin"]["spec"]["template"]["spec"]["containers"][0];
    let expected = concat!("registry.example.com/siskin-operator:", env!("CARGO_PKG_VERSION"));
    ensure!(image["image"] == expected, "{} is no {expected}", image["image"]);
    Ok(())
}

/// `helm test` makes nothing that stays.
fn tested_by_what_goes_again(helm: &Helm) -> Result<()> {
    let rendered = objects(&helm.rendered(release(VALUES))?)?;
    let of_it: Vec<_> = rendered.iter().filter(|it| it.0.ends_with("/siskin-test")).collect();
    ensure!(of_it.len() == 5, "{:?}", of_it.iter().map(|it| it.0).collect::<Vec<_>>());
    for (key, object) in of_it {
        let annotations = &object["metadata"]["annotations"];
        let goes =
            annotations["helm.sh/hook-delete-policy"] == "before-hook-creation,hook-succeeded";
        ensure!(annotations["helm.sh/hook"] == "test" && goes, "{key} stays");
    }
    Ok(())
}

/// Every object of the release says so, and pods do; no selector does, for it could never be changed.
fn labels(helm: &Helm) -> Result<()> {
    let values = format!(
        "{VALUES}\ncommonLabels: {{team: platform}}\nscope: tenants\ntenants: [{{namespace: shop, secrets: [a]}}]\n\
         replicas: 2\nguardScale: true\npolicies: {{optIn: true}}\nnetworkPolicy: {{enabled: true}}\n\
         monitoring: {{podMonitor: true, rules: true, dashboard: true, labels: {{release: prometheus}}}}\n\
         traceVolume: {{enabled: true, accessMode: ReadWriteMany}}"
    );
    let rendered = objects(&helm.rendered(release(&values))?)?;
    for (key, object) in &rendered {
        let is_test = key.ends_with("/siskin-test");
        let labels = &object["metadata"]["labels"];
        ensure!(labels["team"] == "platform", "{key} has {labels}");
        let lacks = OF_A_RELEASE.iter().find(|it| labels[**it].is_null() != is_test);
        ensure!(lacks.is_none(), "{key}: {lacks:?}");
    }
    let spec = &rendered["Deployment siskin-system/siskin"]["spec"];
    let (selector, pods) = (&spec["selector"], &spec["template"]["metadata"]["labels"]);
    let name = serde_json::json!({"matchLabels": {"app.kubernetes.io/name": "siskin"}});
    ensure!(*selector == name, "the selector is {selector}");
    ensure!(pods["team"] == "platform" && pods["app.kubernetes.io/name"] == "siskin", "{pods}");
    Ok(())
}

/// Every alert links to where the pages are served.
fn runbooks(helm: &Helm) -> Result<()> {
    let values = format!(
        "{VALUES}\nmonitoring: {{rules: true, runbooks: \"https://docs.example.com/siskin/\"}}"
    );
    let rendered = objects(&helm.rendered(release(&values))?)?;
    let rules = rendered["PrometheusRule siskin-system/siskin"].to_string();
    let links = rules
        .matches("\"runbook_url\":\"https://docs.example.com/siskin/runbook.md#siskin")
        .count();
    let alerts = rules.matches("\"alert\":").count();
    ensure!(0 < alerts && links == alerts, "{links} links of {alerts} alerts: {rules}");
    Ok(())
}

/// Another namespace is everywhere: a policy that names the user of config/ would let the operator pass where it must not.
fn no_user_but_ours(helm: &Helm) -> Result<()> {
    let values = format!(
        "{VALUES}\nscope: tenants\ntenants: [{{namespace: shop, secrets: [a]}}]\nguardScale: true\nreplicas: 2\n\
         policies: {{optIn: true}}\nmonitoring: {{podMonitor: true, rules: true, dashboard: true}}\nnetworkPolicy: {{enabled: true}}\n\
         traceVolume: {{enabled: true, accessMode: ReadWriteMany}}"
    );
    let rendered = helm.rendered(Release { namespace: "platform", ..release(&values) })?;
    let ours = |it: &&str| it.contains("siskin-system") && !it.trim_start().starts_with('#');
    let left: Vec<&str> = rendered.lines().filter(ours).collect();
    ensure!(left.is_empty(), "{left:?}");
    Ok(())
}
