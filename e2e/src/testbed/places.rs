//! Where things are: the cache, the running bed, the files in the repository, and the addresses.
//! It only names places; it creates and reads none.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Error, Result, bail};
use siskin_launch::cache;

use super::artifact::Artifact;

/// The network namespace that holds every part. One for the machine: a second bed would need a second address.
pub(super) const NAMESPACE: &str = "siskin";
/// The one address of API server, Kafka and Prometheus, for pods and for this machine alike.
pub(super) const HOST: &str = "10.243.255.2";
/// This machine's end of the link to the namespace.
pub(super) const GATEWAY: &str = "10.243.255.1";
/// The addresses of pods.
pub(super) const PODS: &str = "10.243.0.0/24";
/// The addresses of Services.
pub(super) const SERVICES: &str = "10.0.0.0/24";
/// The `kubernetes` Service: the API server takes the first address of the range.
pub(super) const API_SERVICE: &str = "10.0.0.1";
/// The only node.
pub(super) const NODE: &str = "node-1";
/// The cgroup, below each controller's root, that holds the containers and nothing else.
pub(super) const CGROUP: &str = "siskin";

/// The folders of this user's test bed.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// What outlives the bed: its parts, and its lock.
    pub(super) cache: PathBuf,
    /// What belongs to one running bed.
    pub(super) run: PathBuf,
}

impl Places {
    pub(super) fn of_this_user() -> Result<Self> {
        let cache = cache::folder().map_err(Error::msg)?;
        let cache = std::path::absolute(&cache)?;
        let text = cache.to_str().context("the cache's path must be UTF-8")?;
        // A Unix socket's path ends at 107 bytes, and the kubelet adds some 40 of its own.
        if text.len() > 60 || text.contains(|c: char| c.is_whitespace() || c == '"') {
            bail!("{text} is no place for the test bed: at most 60 bytes, no blanks, no quotes");
        }
        Ok(Self { run: cache.join("run"), cache })
    }

    /// Folder of every artifact, each in one of its own.
    pub(super) fn parts(&self) -> PathBuf {
        cache::parts(&self.cache)
    }

    /// Folder of this artifact.
    pub(super) fn of(&self, artifact: Artifact) -> PathBuf {
        self.parts().join(format!("{}-{}", artifact.name(), artifact.version()))
    }

    pub(super) fn config(&self) -> PathBuf {
        self.run.join("config")
    }

    pub(super) fn kubeconfig(&self) -> PathBuf {
        self.config().join("kubeconfig.yaml")
    }

    pub(super) fn certs(&self) -> PathBuf {
        self.run.join("certs")
    }

    pub(super) fn containerd_socket(&self) -> PathBuf {
        self.run.join("cri/sock")
    }

    pub(super) fn log(&self, name: &str) -> PathBuf {
        self.run.join(format!("log/{name}.log"))
    }

    /// File that records the process of this daemon; `launch.sh` writes it.
    pub(super) fn record(&self, name: &str) -> PathBuf {
        self.run.join("daemons").join(name)
    }

    /// Written last: a bed without it was never whole.
    pub(super) fn ready_mark(&self) -> PathBuf {
        self.run.join("ready")
    }
}

/// A file or folder below `e2e/testbed`.
pub(super) fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("testbed").join(path)
}

/// The root of the work tree.
pub(crate) fn work_tree() -> &'static Path {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.parent().unwrap_or(manifest)
}
