//! What no Debian package brings: its name, the version that this repository pins, and how it comes to be.
//! It names what is to be made; it makes nothing, and knows no part of the bed.

/// Something that is built or fetched once for each version, into a folder of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Artifact {
    Kafka,
    Etcd,
    Kubernetes,
    Prometheus,
    /// Fake nodes; no part of a bed needs them.
    Kwok,
}

impl Artifact {
    /// Every artifact, in the order in which they are made.
    pub(super) const ALL: [Self; 5] =
        [Self::Kafka, Self::Etcd, Self::Kubernetes, Self::Prometheus, Self::Kwok];

    /// The name of its folder, and of the folder of `tools` whose go.mod pins it.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Kafka => "kafka",
            Self::Etcd => "etcd",
            Self::Kubernetes => "kubernetes",
            Self::Prometheus => "prometheus",
            Self::Kwok => "kwok",
        }
    }

    /// The version that the pinned file says: no other place does.
    pub(super) fn version(self) -> &'static str {
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
