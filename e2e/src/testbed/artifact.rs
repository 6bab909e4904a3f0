//! What no Debian package brings, and which part of the bed needs it: a command provisions no more than its parts need.
//! It names what is to be made and where it lies; it makes nothing.

use std::path::PathBuf;

use super::part::Part;
use super::places::Places;

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
    const ALL: [Self; 5] =
        [Self::Kafka, Self::Etcd, Self::Kubernetes, Self::Prometheus, Self::Kwok];

    /// The artifact that has the program of this part.
    fn of(part: Part) -> Option<Self> {
        match part {
            Part::Etcd => Some(Self::Etcd),
            Part::ApiServer | Part::ControllerManager | Part::Scheduler | Part::Kubelet => {
                Some(Self::Kubernetes)
            }
            Part::Kafka => Some(Self::Kafka),
            Part::Prometheus => Some(Self::Prometheus),
            Part::Containerd => None,
        }
    }

    /// Artifacts that these parts need, each once.
    pub(super) fn needed_by(parts: &[Part]) -> Vec<Self> {
        let needs = |it: &Self| parts.iter().any(|part| Self::of(*part) == Some(*it));
        Self::ALL.into_iter().filter(needs).collect()
    }

    /// Folder of the artifact in the cache.
    pub(super) fn folder(self, places: &Places) -> PathBuf {
        match self {
            Self::Kafka => places.kafka(),
            Self::Etcd => places.etcd(),
            Self::Kubernetes => places.kubernetes(),
            Self::Prometheus => places.prometheus(),
            Self::Kwok => places.kwok(),
        }
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
        match self {
            Self::Etcd | Self::Kubernetes | Self::Prometheus | Self::Kwok => true,
            Self::Kafka => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_provisions_what_its_parts_need_and_no_more() {
        let core = [Artifact::Kafka, Artifact::Etcd, Artifact::Kubernetes];
        assert_eq!(Artifact::needed_by(&Part::CORE), core);
        assert_eq!(Artifact::needed_by(&Part::ALL), [&core[..], &[Artifact::Prometheus]].concat());
        assert_eq!(Artifact::needed_by(&[Part::Prometheus]), [Artifact::Prometheus]);
        assert_eq!(Artifact::needed_by(&[Part::Containerd]), []);
    }

    #[test]
    fn the_program_of_a_part_lies_in_the_folder_of_its_artifact() {
        let places = Places::of_this_user().unwrap();
        for part in Part::ALL.into_iter().filter(|it| *it != Part::Kafka) {
            let program = part.program(&places);
            let within =
                Artifact::of(part).is_none_or(|it| program.starts_with(it.folder(&places)));
            assert!(within, "{}", program.display());
        }
    }
}
