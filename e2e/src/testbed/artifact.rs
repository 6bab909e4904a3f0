//! What no Debian package brings: its name, the version that this repository pins, and how it comes to be.
//! It names what is to be made; it makes nothing, and knows no part of the bed.

/// Something that is built or fetched once for each version, into a folder of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Artifact {
    /// The broker, and Kafka's own tools.
    Kafka,
    /// The API server's storage.
    Etcd,
    /// The control plane, the kubelet, kubectl.
    Kubernetes,
    /// Prometheus.
    Prometheus,
    /// Fake nodes; no part of a bed needs them.
    Kwok,
    /// The autoscaler of event sources.
    Keda,
    /// The package manager.
    Helm4,
    /// The package manager that most clusters still have.
    Helm3,
    /// The part of Flux that applies manifests.
    KustomizeController,
}

impl Artifact {
    /// Every artifact, in the order in which they are made.
    pub(super) const ALL: [Self; 9] = [
        Self::Kafka,
        Self::Etcd,
        Self::Kubernetes,
        Self::Prometheus,
        Self::Kwok,
        Self::Keda,
        Self::Helm4,
        Self::Helm3,
        Self::KustomizeController,
    ];

    /// What the checks of the chart need beside kubectl.
    pub const HELMS: [Self; 2] = [Self::Helm4, Self::Helm3];

    /// Programs of others that work beside Siskin: heavy, and made only for who asks for them.
    pub const ECOSYSTEM: [Self; 4] =
        [Self::Keda, Self::Helm4, Self::Helm3, Self::KustomizeController];

    /// The name of its folder, and of the folder of `tools` whose go.mod pins it.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Etcd => "etcd",
            Self::Kubernetes => "kubernetes",
            Self::Prometheus => "prometheus",
            Self::Kwok => "kwok",
            Self::Keda => "keda",
            Self::Helm4 => "helm4",
            Self::Helm3 => "helm3",
            Self::KustomizeController => "kustomize-controller",
        }
    }

    /// The version that the pinned file says: no other place does.
    #[must_use]
    pub fn version(self) -> &'static str {
        let (file, marker) = match self {
            Self::Kafka => (include_str!("../../testbed/kafka/pom.xml"), "<kafka.version>"),
            Self::Etcd => {
                (include_str!("../../testbed/tools/etcd/go.mod"), "go.etcd.io/etcd/server/v3 ")
            }
            Self::Kubernetes => {
                (include_str!("../../testbed/tools/kubernetes/go.mod"), "k8s.io/kubernetes ")
            }
            Self::Prometheus => (
                include_str!("../../testbed/tools/prometheus/go.mod"),
                "github.com/prometheus/prometheus ",
            ),
            Self::Kwok => (include_str!("../../testbed/tools/kwok/go.mod"), "sigs.k8s.io/kwok "),
            Self::Keda => {
                (include_str!("../../testbed/tools/keda/go.mod"), "github.com/kedacore/keda/v2 ")
            }
            Self::Helm4 => (include_str!("../../testbed/tools/helm4/go.mod"), "helm.sh/helm/v4 "),
            Self::Helm3 => (include_str!("../../testbed/tools/helm3/go.mod"), "helm.sh/helm/v3 "),
            Self::KustomizeController => (
                include_str!("../../testbed/tools/kustomize-controller/go.mod"),
                "require github.com/fluxcd/kustomize-controller ",
            ),
        };
        let rest = file.split_once(marker).map_or("", |(_, rest)| rest);
        rest.split(|c: char| c.is_whitespace() || c == '<').next().unwrap_or("")
    }

    /// How it comes to be, and how long that takes on two cores with nothing else to do.
    pub(super) fn origin(self) -> &'static str {
        match self {
            Self::Kafka => "fetched from Maven, half a minute",
            Self::Etcd => "built, about a minute",
            Self::Kubernetes => "built, some six minutes",
            Self::Prometheus => "built, some three minutes",
            Self::Kwok => "built, about two minutes",
            Self::Keda => "built, a quarter of an hour",
            Self::Helm4 | Self::Helm3 => "built, two or three minutes",
            Self::KustomizeController => "built, some four minutes",
        }
    }

    /// Whether Go builds it; Maven fetches it otherwise.
    pub(super) fn is_built(self) -> bool {
        self != Self::Kafka
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_come_from_the_pinned_files() {
        for artifact in Artifact::ALL {
            let prefix = if artifact.is_built() { "v" } else { "4." };
            assert!(artifact.version().starts_with(prefix), "{artifact:?}: {}", artifact.version());
        }
    }
}
