//! Flux's kustomize-controller, with what stands for its source-controller: an object that says where an artifact is, and
//! a server of files in the bed. Started for a suite that asks for it, and gone after it.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use siskin_image::entries::sha256;

use super::artifact::Artifact;
use super::bed::Testbed;
use super::extra::{self, Extra};
use super::templates::Values;
use super::{health, lock, provision, shell};

const CONTROLLER: &str = "kustomize-controller";
const FILES: &str = "artifacts";
/// Ports of the files in `args`.
const CONTROLLER_HEALTH: u16 = 10322;
const FILES_PORT: u16 = 10323;

/// Kinds of source-controller, as far as kustomize-controller looks at them.
const SOURCES: &str = include_str!("../../testbed/config/flux-sources.yaml");

/// Manifests as kustomize-controller fetches them.
#[derive(Clone, Debug)]
pub struct Published {
    /// Where the archive is, for a process in the bed.
    pub url: String,
    /// SHA-256 of it, as an artifact names it.
    pub digest: String,
}

impl Testbed {
    /// Starts kustomize-controller and the server of artifacts, unless they run, and waits until they work.
    pub fn start_flux(&self) -> Result<()> {
        let _lock = lock::take(&self.places)?;
        provision::ensure(&self.places, &[Artifact::KustomizeController])?;
        self.apply_manifests(Artifact::KustomizeController, "crd")?;
        self.apply(SOURCES)?;
        let kinds = ["gitrepositories", "ocirepositories", "buckets"];
        let kinds = kinds.map(|it| format!("crd/{it}.source.toolkit.fluxcd.io"));
        self.serves(&kinds.each_ref().map(String::as_str))?;
        self.serves(&["crd/kustomizations.kustomize.toolkit.fluxcd.io"])?;
        let values = Values::of_running_bed(&self.places)?;
        fs::create_dir_all(self.artifacts())?;
        let files = Extra {
            name: FILES,
            program: PathBuf::from("/bin/busybox"),
            arguments: include_str!("../../testbed/args/artifacts"),
            environment: &[],
        };
        files.start(&self.places, &values)?;
        let controller = Extra {
            name: CONTROLLER,
            program: self.places.of(Artifact::KustomizeController).join(CONTROLLER),
            arguments: include_str!("../../testbed/args/kustomize-controller"),
            environment: &[("RUNTIME_NAMESPACE", "default")],
        };
        controller.start(&self.places, &values)?;
        let ready = || health::http_ok(CONTROLLER_HEALTH, "/readyz");
        extra::wait_for(&self.places, CONTROLLER, ready)?;
        extra::running(&self.places, FILES)
    }

    /// Ends both and removes their kinds, with every object of them. Does nothing where they were not started.
    pub fn stop_flux(&self) -> Result<()> {
        if !extra::started(&self.places, CONTROLLER) {
            return Ok(());
        }
        let _lock = lock::take(&self.places)?;
        extra::end(&self.places, FILES)?;
        let held = ["kustomizations.kustomize.toolkit.fluxcd.io"];
        self.remove_definitions(Artifact::KustomizeController, &held)?;
        shell::output_with_input(
            self.kubectl_command().args(["delete", "--ignore-not-found", "-f", "-"]),
            SOURCES,
        )?;
        extra::end(&self.places, CONTROLLER)
    }

    /// Has these manifests fetched from now on under this name, which no other ones have had.
    pub fn publish(&self, name: &str, manifests: &[(&str, String)]) -> Result<Published> {
        let folder = self.artifacts().join(format!("{name}.d"));
        fs::create_dir_all(&folder)?;
        for (file, text) in manifests {
            fs::write(folder.join(file), text)?;
        }
        let archive = self.artifacts().join(format!("{name}.tar.gz"));
        ensure!(!archive.exists(), "{} is there already", archive.display());
        let mut tar = Command::new("tar");
        tar.arg("-czf").arg(&archive).arg("-C").arg(&folder).arg(".");
        shell::output(&mut tar)?;
        let digest = sha256(&fs::read(&archive).context("reading the archive")?);
        let url = format!("http://127.0.0.1:{FILES_PORT}/{name}.tar.gz");
        Ok(Published { url, digest: format!("sha256:{digest}") })
    }

    /// The log of kustomize-controller.
    #[must_use]
    pub fn flux_log(&self) -> PathBuf {
        self.places.log(CONTROLLER)
    }

    fn artifacts(&self) -> PathBuf {
        self.places.run.join(FILES)
    }
}
