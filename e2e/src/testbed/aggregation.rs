//! Aggregation: groups of the API whose server is a process beside the API server.
//! It registers them; it knows none of the servers.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use k8s_openapi::ByteString;

use super::bed::Testbed;
use super::places::Places;
use super::shell;
use super::templates::Values;

const SERVED: &str = include_str!("../../testbed/config/aggregated.yaml");

/// The name by which the API server calls every one of them: that of the Service in `aggregated.yaml`.
pub(super) const AGGREGATED: &str = "aggregated.kube-system.svc";

/// A group of the API in one version.
#[derive(Clone, Copy, Debug)]
pub(super) struct Group {
    name: &'static str,
    version: &'static str,
}

impl Group {
    /// What pods use.
    pub(super) const METRICS: Self = Self { name: "metrics.k8s.io", version: "v1beta1" };
    /// Metrics of what is not in the cluster.
    pub(super) const EXTERNAL: Self = Self { name: "external.metrics.k8s.io", version: "v1beta1" };
}

impl Testbed {
    /// Has this group served at this port of the bed, and waits until it is.
    pub(super) fn serve(&self, group: Group, port: u16) -> Result<()> {
        let values = Values::of_running_bed(&self.places)?;
        let authority = authority(&self.places)?;
        let served = values.and(&[
            ("group", group.name),
            ("version", group.version),
            ("port", &port.to_string()),
            ("authority", &authority),
        ]);
        self.apply(&served.render(SERVED)?)?;
        let name = format!("apiservice/{}.{}", group.version, group.name);
        let available = || {
            let wait = ["wait", "--for=condition=Available", "--timeout=5s", &name];
            self.kubectl(&wait).map(drop)
        };
        // The API server looks again only after a while at one that did not answer.
        let deadline = Duration::from_secs(60);
        shell::wait_until(&format!("{name} is available"), deadline, available, || Ok(()))
    }

    /// Nobody serves this group any more. Left behind, it would keep every namespace from being removed.
    pub(super) fn serve_no_more(&self, group: Group) -> Result<()> {
        let name = format!("apiservice/{}.{}", group.version, group.name);
        self.kubectl(&["delete", &name, "--ignore-not-found"]).map(drop)
    }
}

/// The bed's CA as the API takes it.
pub(super) fn authority(places: &Places) -> Result<String> {
    let authority = fs::read(places.certs().join("ca.crt")).context("reading the bed's CA")?;
    let encoded = serde_json::to_value(ByteString(authority))?;
    encoded.as_str().map(str::to_owned).context("bytes are a text in JSON")
}
