//! The parts of a test bed: the program of each, what it needs and takes as arguments, and where it listens.
//! It starts, ends and asks nothing.

use std::path::PathBuf;

use super::artifact::Artifact;
use super::places::{self, Places};

/// Port of the second broker.
pub(super) const SECOND_BROKER: u16 = 9292;
/// Port of the third broker.
pub(super) const THIRD_BROKER: u16 = 9392;

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
    /// A second broker, for what only brokers that come and go show.
    SecondBroker,
    /// A third one.
    ThirdBroker,
}

impl Part {
    /// Every part, in the order in which they are ended: the kubelet before what it uses.
    pub const ALL: [Self; 10] = [
        Self::Kubelet,
        Self::Etcd,
        Self::ApiServer,
        Self::ControllerManager,
        Self::Scheduler,
        Self::Containerd,
        Self::SecondBroker,
        Self::ThirdBroker,
        Self::Kafka,
        Self::Prometheus,
    ];

    /// What a bed has that nobody asks for more: one broker.
    pub const USUAL: [Self; 8] = [
        Self::Kubelet,
        Self::Etcd,
        Self::ApiServer,
        Self::ControllerManager,
        Self::Scheduler,
        Self::Containerd,
        Self::Kafka,
        Self::Prometheus,
    ];

    /// Brokers beside the one that every bed has, which stays their controller.
    pub const BROKERS: [Self; 2] = [Self::SecondBroker, Self::ThirdBroker];

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
            Self::SecondBroker => "kafka-2",
            Self::ThirdBroker => "kafka-3",
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
            Self::SecondBroker => SECOND_BROKER,
            Self::ThirdBroker => THIRD_BROKER,
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
            Self::Kafka | Self::SecondBroker | Self::ThirdBroker => Some(Artifact::Kafka),
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
            Self::Kafka | Self::SecondBroker | Self::ThirdBroker => {
                include_str!("../../testbed/args/kafka")
            }
            Self::Prometheus => include_str!("../../testbed/args/prometheus"),
        }
    }

    /// What names in its templates stand for, beside what they stand for in all of them.
    pub(super) fn values(self) -> &'static [(&'static str, &'static str)] {
        match self {
            // Some 200 MB are used, and twice as much by ten thousand partitions, which `measure kafka` makes.
            Self::Kafka => &[("name", "kafka"), ("heap", "1g")],
            Self::SecondBroker => {
                &[("name", "kafka-2"), ("heap", "256m"), ("broker", "2"), ("port", "9292")]
            }
            Self::ThirdBroker => {
                &[("name", "kafka-3"), ("heap", "256m"), ("broker", "3"), ("port", "9392")]
            }
            Self::Etcd
            | Self::ApiServer
            | Self::ControllerManager
            | Self::Scheduler
            | Self::Containerd
            | Self::Kubelet
            | Self::Prometheus => &[],
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
        assert_eq!(Part::artifacts(&Part::USUAL), [&core[..], &[Artifact::Prometheus]].concat());
        assert_eq!(Part::artifacts(&Part::BROKERS), [Artifact::Kafka]);
        assert_eq!(Part::artifacts(&[Part::Prometheus]), [Artifact::Prometheus]);
        assert_eq!(Part::artifacts(&[Part::Containerd]), []);
    }

    #[test]
    fn a_broker_listens_where_its_template_says() {
        for broker in Part::BROKERS {
            let value = |name| broker.values().iter().find(|it| it.0 == name).unwrap().1;
            assert!(broker.address().ends_with(&format!(":{}", value("port"))));
            assert_eq!(value("name"), broker.name());
        }
    }
}
