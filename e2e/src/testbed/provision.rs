//! The parts that no Debian package brings, built or fetched once for each version.
//! A part appears in the cache by one rename, whole and checked, or not at all.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail, ensure};
use siskin_image::entries::sha256;
use siskin_launch::progress::Activity;

use super::artifact::Artifact;
use super::places::{self, Places};
use super::{machine, shell};

const KAFKA_SUMS: &str = include_str!("../../testbed/kafka/sha256sums");
const KUBERNETES_PROGRAMS: [&str; 5] =
    ["kubectl", "kubelet", "kube-apiserver", "kube-controller-manager", "kube-scheduler"];
const KEDA_PROGRAMS: [&str; 3] = ["operator", "adapter", "webhooks"];
/// Pinned by name, so that no newest version is asked for.
const MAVEN_GOAL: &str = "org.apache.maven.plugins:maven-dependency-plugin:3.8.1:copy-dependencies";

/// Builds or fetches those of these that are not in the cache, on a machine that has what it takes.
pub(super) fn ensure(places: &Places, artifacts: &[Artifact]) -> Result<()> {
    let absent = artifacts.iter().copied().filter(|it| !places.of(*it).exists());
    let absent: Vec<Artifact> = absent.collect();
    machine::prepare(&absent)?;
    absent.into_iter().try_for_each(|artifact| {
        let make = |folder: &Path, activity: &Activity| make(artifact, folder, activity);
        add(&places.of(artifact), artifact.origin(), make)
    })
}

fn make(artifact: Artifact, folder: &Path, activity: &Activity) -> Result<()> {
    match artifact {
        Artifact::Kafka => fetch_kafka(folder, activity),
        Artifact::Etcd => {
            build(artifact, "", &["go.etcd.io/etcd/server/v3"], &folder.join("etcd"), activity)
        }
        Artifact::Kubernetes => build_kubernetes(folder),
        // Of its two dozen ways to find targets, the one that is used: the others bring every cloud's library.
        Artifact::Prometheus => {
            let tags = "-tags=remove_all_sd,enable_kubernetes_sd";
            let programs = ["prometheus", "promtool"];
            let programs = programs.map(|it| format!("github.com/prometheus/prometheus/cmd/{it}"));
            // With a slash at its end it is a folder, and each program is called after its own.
            build(artifact, "", &[tags, &programs[0], &programs[1]], &folder.join(""), activity)
        }
        Artifact::Kwok => {
            build(artifact, "", &["sigs.k8s.io/kwok/cmd/kwok"], &folder.join("kwok"), activity)
        }
        Artifact::Keda => build_keda(folder, activity),
        Artifact::Helm4 => {
            build(artifact, "", &["helm.sh/helm/v4/cmd/helm"], &folder.join("helm"), activity)
        }
        Artifact::Helm3 => {
            build(artifact, "", &["helm.sh/helm/v3/cmd/helm"], &folder.join("helm"), activity)
        }
        Artifact::KustomizeController => {
            let module = "github.com/fluxcd/kustomize-controller";
            build(artifact, "", &[module], &folder.join(artifact.name()), activity)?;
            copy_manifests(artifact, module, folder)
        }
    }
}

/// In one run of Go: its three programs share most of what they are made of.
fn build_keda(folder: &Path, activity: &Activity) -> Result<()> {
    let module = "github.com/kedacore/keda/v2";
    let programs = KEDA_PROGRAMS.map(|it| format!("{module}/cmd/{it}"));
    let programs = programs.each_ref().map(String::as_str);
    // With a slash at its end it is a folder, and each program is called after its own.
    build(Artifact::Keda, "", &programs, &folder.join(""), activity)?;
    copy_manifests(Artifact::Keda, module, folder)
}

/// Copies what the module brings to be applied to a cluster: definitions and roles.
fn copy_manifests(artifact: Artifact, module: &str, folder: &Path) -> Result<()> {
    let found = shell::output(go(artifact).args(["list", "-m", "-f", "{{.Dir}}", module]))?;
    let manifests = Path::new(found.trim()).join("config");
    let mut copy = Command::new("cp");
    // The files of a module are read-only.
    copy.args(["-R", "--no-preserve=mode", "--"]).arg(manifests).arg(folder);
    shell::output(&mut copy).map(drop)
}

fn add(
    folder: &Path,
    origin: &str,
    make: impl FnOnce(&Path, &Activity) -> Result<()>,
) -> Result<()> {
    let name = folder.file_name().context("a part has a name")?.to_string_lossy().into_owned();
    shell::say(&format!("{name} is not in the cache: it is {origin}"));
    let activity = shell::doing(&name);
    let parts = folder.parent().context("a part is in a folder")?;
    let prefix = format!(".partial-{name}-");
    remove_partial(parts, &prefix)?;
    // Of this process alone: the builder of one that was killed may still be writing.
    let partial = parts.join(format!("{prefix}{}", std::process::id()));
    fs::create_dir_all(&partial)?;
    make(&partial, &activity).with_context(|| format!("making {name}"))?;
    fs::rename(&partial, folder)?;
    shell::say(&format!("{name} is ready, after {} s", activity.taken().as_secs()));
    Ok(())
}

/// The lock is ours, so these are of commands that were killed.
fn remove_partial(parts: &Path, prefix: &str) -> Result<()> {
    fs::create_dir_all(parts)?;
    for entry in fs::read_dir(parts)? {
        let entry = entry?;
        if entry.file_name().to_string_lossy().starts_with(prefix) {
            fs::remove_dir_all(entry.path())?;
        }
    }
    Ok(())
}

fn build_kubernetes(folder: &Path) -> Result<()> {
    let version = Artifact::Kubernetes.version();
    let minor = version.split('.').nth(1).context("a version has three numbers")?;
    let at = "k8s.io/component-base/version";
    // A program that says v0.0.0 is refused by the others.
    let stamp = format!(
        "-X {at}.gitVersion={version} -X {at}.gitMajor=1 -X {at}.gitMinor={minor} \
         -X {at}.gitTreeState=clean"
    );
    for name in KUBERNETES_PROGRAMS {
        let activity = shell::doing(&format!("{name} of Kubernetes {version}"));
        let package = format!("k8s.io/kubernetes/cmd/{name}");
        build(Artifact::Kubernetes, &stamp, &[&package], &folder.join(name), &activity)?;
        shell::say(&format!("  {name} after {} s", activity.taken().as_secs()));
    }
    Ok(())
}

/// Builds what these arguments name; `stamp` is of the linker.
fn build(
    artifact: Artifact,
    stamp: &str,
    arguments: &[&str],
    output: &Path,
    activity: &Activity,
) -> Result<()> {
    let mut build = go(artifact);
    build.args(["build", "-trimpath", "-ldflags", &format!("-s -w {stamp}"), "-o"]);
    shell::run_watched(build.arg(output).args(arguments), activity)
}

/// Go in the folder of one of the pinned modules: go.sum says what may be downloaded.
fn go(artifact: Artifact) -> Command {
    let mut command = Command::new("go");
    command.current_dir(places::in_repository("tools").join(artifact.name()));
    command.env("CGO_ENABLED", "0").env("GOFLAGS", "-mod=readonly -buildvcs=false");
    command.env("GOWORK", "off");
    command
}

fn fetch_kafka(folder: &Path, activity: &Activity) -> Result<()> {
    let mut maven = Command::new("mvn");
    maven
        .args(["-q", "-B", "-Dstyle.color=never", "-f"])
        .arg(places::in_repository("kafka/pom.xml"));
    maven.args([MAVEN_GOAL, "-DincludeScope=runtime"]);
    maven.arg(format!("-DoutputDirectory={}", folder.display()));
    shell::run_watched(&mut maven, activity)?;
    check_sums(folder, KAFKA_SUMS)
}

/// Every file is listed with its sum, and every listed file is there.
fn check_sums(folder: &Path, sums: &str) -> Result<()> {
    let mut listed: BTreeMap<&str, &str> = sums
        .lines()
        .map(|line| line.split_once("  ").map(|(sum, name)| (name, sum)).context("a sum's line"))
        .collect::<Result<_>>()?;
    for entry in fs::read_dir(folder)? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let Some(expected) = listed.remove(name.as_str()) else { bail!("{name} is not listed") };
        let found = sha256(&fs::read(folder.join(&name))?);
        ensure!(found == expected, "{name} has the sum {found}, listed is {expected}");
    }
    ensure!(listed.is_empty(), "these are missing: {:?}", listed.keys());
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    /// sha256 of "a".
    const A: &str = "ca978112ca1bbdcafac231b39a23dc4da786eff8147c4e72b9807785afee48bb";

    fn folder(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("siskin-{name}-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn sums_are_checked_both_ways() {
        let folder = folder("sums");
        fs::write(folder.join("a.jar"), "a").unwrap();
        assert!(check_sums(&folder, &format!("{A}  a.jar\n")).is_ok());
        let cases = [
            (String::new(), "not listed"),
            (format!("{A}  a.jar\n{A}  b.jar\n"), "missing"),
            (format!("{}  a.jar\n", A.replace("ca97", "0000")), "listed is"),
        ];
        for (sums, expected) in cases {
            let error = check_sums(&folder, &sums).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn a_part_that_fails_is_not_taken_for_a_finished_one() {
        let parts = folder("parts");
        let part = parts.join("p-1");
        let fails = |folder: &Path, _: &Activity| {
            fs::write(folder.join("half"), "")?;
            bail!("no more")
        };
        assert!(add(&part, "made", fails).is_err());
        assert!(!part.exists());
        let works = |folder: &Path, _: &Activity| Ok(fs::write(folder.join("whole"), "")?);
        add(&part, "made", works).unwrap();
        assert!(part.join("whole").exists() && !part.join("half").exists());
        fs::remove_dir_all(&parts).unwrap();
    }
}
