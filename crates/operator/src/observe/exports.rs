//! What a pod says of its own metrics and memory: ports by name, and the limit of its containers.
//! Reads the trimmed pod; asks nobody.

use std::net::IpAddr;
use std::sync::Arc;

use k8s_openapi::api::core::v1::{Container, ContainerPort, Pod, ResourceRequirements};
use kube::ResourceExt;

/// Where a pod's metrics are, and how much memory it may take.
#[derive(Clone, Debug, PartialEq)]
pub struct Export {
    pub(crate) pod: Arc<str>,
    /// Address, once it has one.
    pub ip: Option<IpAddr>,
    /// Ports that have a name, of main containers and sidecars.
    pub ports: Vec<(String, u16)>,
    /// Sum of the memory limits of main containers and sidecars in bytes; `None` if one has none.
    pub memory_limit: Option<f64>,
}

impl Export {
    /// What a pod says, as the watch keeps it.
    #[must_use]
    pub fn of(pod: &Pod) -> Self {
        let none = Vec::new();
        let main = pod.spec.as_ref().map_or(&none, |it| &it.containers);
        let init = pod.spec.as_ref().and_then(|it| it.init_containers.as_ref());
        let sidecars = || init.into_iter().flatten().filter(|it| is_sidecar(it));
        let containers = || main.iter().chain(sidecars());
        let ip = pod.status.as_ref().and_then(|it| it.pod_ip.as_ref());
        Self {
            pod: pod.name_any().into(),
            ip: ip.and_then(|it| it.parse().ok()),
            ports: containers().flat_map(named_ports).collect(),
            memory_limit: memory_limit(containers()),
        }
    }

    /// The port of this name.
    pub(crate) fn port(&self, name: &str) -> Option<u16> {
        self.ports.iter().find(|it| it.0 == name).map(|it| it.1)
    }
}

/// Whether an init container runs beside the main ones: a native sidecar.
pub(super) fn is_sidecar(container: &Container) -> bool {
    container.restart_policy.as_deref() == Some("Always")
}

/// Keeps what [`Export`] reads of a container.
pub(super) fn trim(container: Container) -> Container {
    let ports = container.ports.unwrap_or_default().into_iter().filter(|it| it.name.is_some());
    let limits = container.resources.and_then(|it| it.limits).map(|mut limits| {
        limits.retain(|resource, _| resource == MEMORY);
        limits
    });
    Container {
        name: container.name,
        restart_policy: container.restart_policy,
        ports: Some(
            ports
                .map(|it| ContainerPort {
                    container_port: it.container_port,
                    name: it.name,
                    ..ContainerPort::default()
                })
                .collect(),
        ),
        resources: Some(ResourceRequirements { limits, ..ResourceRequirements::default() }),
        ..Container::default()
    }
}

const MEMORY: &str = "memory";

fn named_ports(container: &Container) -> impl Iterator<Item = (String, u16)> {
    let ports = container.ports.iter().flatten();
    ports.filter_map(|it| Some((it.name.clone()?, u16::try_from(it.container_port).ok()?)))
}

fn memory_limit<'a>(containers: impl Iterator<Item = &'a Container>) -> Option<f64> {
    let limits = containers.map(|it| {
        let limit = it.resources.as_ref()?.limits.as_ref()?.get(MEMORY)?;
        bytes(&limit.0)
    });
    limits.sum::<Option<f64>>().filter(|it| 0.0 < *it)
}

/// A quantity of Kubernetes in bytes: `512Mi`, `1G`, `1e9`, `1500m`.
fn bytes(quantity: &str) -> Option<f64> {
    const SUFFIXES: [(&str, f64); 13] = [
        ("Ki", 1024.0),
        ("Mi", 1_048_576.0),
        ("Gi", 1_073_741_824.0),
        ("Ti", 1_099_511_627_776.0),
        ("Pi", 1_125_899_906_842_624.0),
        ("Ei", 1_152_921_504_606_846_976.0),
        ("k", 1e3),
        ("M", 1e6),
        ("G", 1e9),
        ("T", 1e12),
        ("P", 1e15),
        ("E", 1e18),
        ("m", 1e-3),
    ];
    let of = |(suffix, factor): &(&str, f64)| Some((quantity.strip_suffix(suffix)?, *factor));
    let (number, factor) = SUFFIXES.iter().find_map(of).unwrap_or((quantity, 1.0));
    let plain = number.bytes().all(|it| it.is_ascii_digit() || b".+-eE".contains(&it));
    let value = number.parse::<f64>().ok().filter(|it| plain && it.is_finite())? * factor;
    (0.0 <= value).then_some(value)
}

#[cfg(test)]
mod tests;
