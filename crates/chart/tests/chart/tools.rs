//! The programs that the checks start, as the test bed has cached them, and how a chart is rendered.
//! Builds and fetches nothing.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicUsize, Ordering};

use anyhow::{Context as _, Result, bail, ensure};
use siskin_chart::{CHART, repository};
use siskin_launch::cache;

/// A part of the test bed, and the module whose version its go.mod pins.
struct Part {
    name: &'static str,
    module: &'static str,
}

/// Both are in use, and each renders on its own.
const HELMS: [Part; 2] = [
    Part { name: "helm4", module: "helm.sh/helm/v4" },
    Part { name: "helm3", module: "helm.sh/helm/v3" },
];

const KUBERNETES: Part = Part { name: "kubernetes", module: "k8s.io/kubernetes" };

/// What is there.
pub struct Tools {
    pub helms: Vec<Helm>,
    /// Those that are not, by name and version.
    pub absent: Vec<String>,
    pub kubectl: PathBuf,
}

/// One version of Helm.
#[derive(Clone)]
pub struct Helm {
    pub name: &'static str,
    program: PathBuf,
}

/// What a release is rendered with.
#[derive(Clone, Copy)]
pub struct Release<'a> {
    /// Values in YAML.
    pub values: &'a str,
    pub kubernetes: &'a str,
    pub namespace: &'a str,
}

impl Tools {
    /// The tools in this user's cache; an error says what is missing.
    pub fn cached() -> Result<Self, String> {
        let parts = cache::parts(&cache::folder()?);
        let kubectl = KUBERNETES.program(&parts, "kubectl")?;
        let (mut helms, mut absent) = (Vec::new(), Vec::new());
        for part in HELMS {
            match part.program(&parts, "helm") {
                Ok(program) => helms.push(Helm { name: part.name, program }),
                Err(missing) => absent.push(missing),
            }
        }
        if helms.is_empty() { Err(absent.join(", ")) } else { Ok(Self { helms, absent, kubectl }) }
    }
}

impl Part {
    /// One of its programs; an error says which version of it is not cached.
    fn program(&self, parts: &Path, program: &str) -> Result<PathBuf, String> {
        let Self { name, module } = self;
        let pinned = repository().join("e2e/testbed/tools").join(name).join("go.mod");
        let text =
            fs::read_to_string(&pinned).map_err(|it| format!("{}: {it}", pinned.display()))?;
        let version = text.lines().find_map(|line| {
            let required = line.trim_start().trim_start_matches("require ");
            required.strip_prefix(module)?.strip_prefix(' ')?.split_whitespace().next()
        });
        let version = version.ok_or_else(|| format!("{} pins no {module}", pinned.display()))?;
        let path = parts.join(format!("{name}-{version}")).join(program);
        path.exists().then_some(path).ok_or_else(|| format!("{name} {version} is not cached"))
    }
}

impl Helm {
    /// The chart rendered, or Helm's words of refusal.
    pub fn template(&self, chart: &Path, release: Release<'_>) -> Result<Result<String, String>> {
        let values = scratch("values")?;
        fs::write(&values, release.values)?;
        let mut command = Command::new(&self.program);
        command.arg("template").arg("siskin").arg(chart).arg("--values").arg(&values);
        command.args(["--kube-version", release.kubernetes, "--namespace", release.namespace]);
        let output = self.run(command)?;
        fs::remove_file(values)?;
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).context("Helm's words are no UTF-8");
        Ok(if output.status.success() {
            Ok(text(output.stdout)?)
        } else {
            Err(text(output.stderr)?)
        })
    }

    /// The chart rendered.
    pub fn rendered(&self, release: Release<'_>) -> Result<String> {
        match self.template(&chart(), release)? {
            Ok(text) => Ok(text),
            Err(words) => bail!("{} refuses: {words}", self.name),
        }
    }

    /// Helm's answer to other arguments.
    pub fn does(&self, arguments: &[&str]) -> Result<String> {
        let mut command = Command::new(&self.program);
        command.args(arguments);
        let output = self.run(command)?;
        let words = String::from_utf8_lossy(&output.stdout).into_owned();
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "{} {arguments:?}: {words}{errors}", self.name);
        Ok(words)
    }

    /// Without the user's settings, caches and cluster.
    fn run(&self, mut command: Command) -> Result<Output> {
        let home = scratch("home")?;
        for (name, place) in [("HELM_CACHE_HOME", "cache"), ("HELM_CONFIG_HOME", "config")] {
            command.env(name, home.join(place));
        }
        command.env("HELM_DATA_HOME", home.join("data")).env("KUBECONFIG", "/dev/null");
        command.output().with_context(|| format!("start {}", self.program.display()))
    }
}

/// The chart as it is committed.
pub fn chart() -> PathBuf {
    repository().join(CHART)
}

/// A path in cargo's folder for tests that nothing has yet.
pub fn scratch(name: &str) -> Result<PathBuf> {
    static NUMBER: AtomicUsize = AtomicUsize::new(0);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("chart");
    fs::create_dir_all(&folder)?;
    let number = NUMBER.fetch_add(1, Ordering::Relaxed);
    let path = folder.join(format!("{name}-{}-{number}", std::process::id()));
    ensure!(!path.exists(), "{} is there already", path.display());
    Ok(path)
}
