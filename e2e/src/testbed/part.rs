//! The parts of a test bed: the program of each, what it needs and takes as arguments, and where it listens.
//! It starts, ends and asks nothing.

use std::path::PathBuf;

use super::artifact::Artifact;
use super::places::{self, Places};

/// A daemon of the test bed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The API server's storage.
    Etcd,
    /// `kube-apiserver`.
    ApiServer,
    /// `kube-controller-manager`, every controller.
    ControllerManager,
    /// `kube-scheduler`.
    Scheduler,
    /// The container runtime.
    Containerd,
    /// `kubelet`, the only node.
    Kubelet,
    /// One broker and controller in one process.
    Kafka,
    /// Prometheus.
    Prometheus,
}

impl Part {
    /// Every part, in the order in which they are ended: the kubelet before what it uses.
    pub const ALL: [Self; 8] = [
        Self::Kubelet,
        Self::Etcd,
        Self::ApiServer,
        Self::ControllerManager,
        Self::Scheduler,
        Self::Containerd,
        Self::Kafka,
        Self::Prometheus,
    ];

    /// A cluster and Kafka: what consumers under an operator need, and all that the demo starts.
    pub const CORE: [Self; 7] = [
        Self::Kubelet,
        Self::Etcd,
        Self::ApiServer,
        Self::ControllerManager,
        Self::Scheduler,
        Self::Containerd,
        Self::Kafka,
    ];

    /// The name of its program, its log and its record.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Etcd => "etcd",
            Self::ApiServer => "kube-apiserver",
            Self::ControllerManager => "kube-controller-manager",
            Self::Scheduler => "kube-scheduler",
            Self::Containerd => "containerd",
            Self::Kubelet => "kubelet",
            Self::Kafka => "kafka",
            Self::Prometheus => "prometheus",
        }
    }

    /// Address at which the part listens.
    #[must_use]
    pub fn address(self) -> String {
        let port = match self {
            Self::Etcd => 2379,
            Self::ApiServer => 6443,
            Self::Kubelet => 10250,
            Self::Kafka => return format!("{}:9092 :9094 (SASL_SSL) :9095 (SSL)", places::HOST),
            Self::Prometheus => 9090,
            Self::ControllerManager | Self::Scheduler | Self::Containerd => return "-".to_owned(),
        };
        // etcd serves the API server alone.
        let host = if self == Self::Etcd { "127.0.0.1" } else { places::HOST };
        format!("{host}:{port}")
    }

    /// The artifact that has its program; none of a program that the machine has.
    fn artifact(self) -> Option<Artifact> {
        match self {
            Self::Etcd => Some(Artifact::Etcd),
            Self::ApiServer | Self::ControllerManager | Self::Scheduler | Self::Kubelet => {
                Some(Artifact::Kubernetes)
            }
            Self::Kafka => Some(Artifact::Kafka),
            Self::Prometheus => Some(Artifact::Prometheus),
            Self::Containerd => None,
        }
    }

    /// Artifacts that these parts need, each once.
    pub(super) fn artifacts(parts: &[Self]) -> Vec<Artifact> {
        let needs = |it: &Artifact| parts.iter().any(|part| part.artifact() == Some(*it));
        Artifact::ALL.into_iter().filter(needs).collect()
    }

    pub(super) fn program(self, places: &Places) -> PathBuf {
        match self.artifact() {
            Some(Artifact::Kafka) => PathBuf::from("java"),
            Some(artifact) => places.of(artifact).join(self.name()),
            None => PathBuf::from(self.name()),
        }
    }

    pub(super) fn arguments(self) -> &'static str {
        match self {
            Self::Etcd => include_str!("../../testbed/args/etcd"),
            Self::ApiServer => include_str!("../../testbed/args/kube-apiserver"),
            Self::ControllerManager => include_str!("../../testbed/args/kube-controller-manager"),
            Self::Scheduler => include_str!("../../testbed/args/kube-scheduler"),
            Self::Containerd => include_str!("../../testbed/args/containerd"),
            Self::Kubelet => include_str!("../../testbed/args/kubelet"),
            Self::Kafka => include_str!("../../testbed/args/kafka"),
            Self::Prometheus => include_str!("../../testbed/args/prometheus"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_provisions_what_its_parts_need_and_no_more() {
        let core = [Artifact::Kafka, Artifact::Etcd, Artifact::Kubernetes];
        assert_eq!(Part::artifacts(&Part::CORE), core);
        assert_eq!(Part::artifacts(&Part::ALL), [&core[..], &[Artifact::Prometheus]].concat());
        assert_eq!(Part::artifacts(&[Part::Prometheus]), [Artifact::Prometheus]);
        assert_eq!(Part::artifacts(&[Part::Containerd]), []);
    }
}
