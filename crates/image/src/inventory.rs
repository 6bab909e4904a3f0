//! Everything that the program consists of and runs with: crates by Cargo, C libraries by our list, packages by dpkg.
//! It takes stock and refuses what it can't name; how that is written down is others' business.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use serde_json::Value;
use siskin_launch::cargo;
use siskin_launch::watched::shown;

use crate::machine::{self, Package};
use crate::native::{self, BuiltIn, Native};

/// Name and version of a crate.
pub type CrateId = (String, String);

/// A crate whose code is in the program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Linked {
    /// Its terms, as an SPDX expression.
    pub license: String,
    /// SHA-256 of its archive by `Cargo.lock`; none for a crate of this workspace.
    pub checksum: Option<String>,
    /// Its sources.
    pub folder: PathBuf,
    /// Crates that it needs.
    pub needs: BTreeSet<CrateId>,
}

/// A C library in the program, and the crate that compiled it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Library {
    /// What is known of it.
    pub built_in: BuiltIn,
    /// The crate.
    pub by: CrateId,
}

/// What the image of a program consists of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inventory {
    /// The program's own crate.
    pub program: CrateId,
    /// Crates, the program's own among them.
    pub crates: BTreeMap<CrateId, Linked>,
    /// C libraries inside the program.
    pub libraries: Vec<Library>,
    /// Debian packages, with the terms of what is taken from them.
    pub packages: BTreeMap<Package, BTreeSet<&'static str>>,
    /// System that the packages are of, and its version.
    pub distribution: (String, String),
}

/// Takes stock of a program that was built from a package of this workspace for a target.
///
/// # Errors
/// Cargo or dpkg fails, or there is something whose name or license is not known.
pub fn taken(repository: &Path, package: &str, target: &str, program: &Path) -> Result<Inventory> {
    let (root, needs) = tree(package, target)?;
    let checksums = checksums(&fs::read_to_string(repository.join("Cargo.lock"))?);
    let shared = machine::libraries(program)?;
    let (mut crates, mut libraries) = (BTreeMap::new(), Vec::new());
    for described in &described(target)? {
        let word = |key: &str| described[key].as_str().unwrap_or_default().to_owned();
        let id = (word("name"), word("version"));
        let Some(needs) = needs.get(&id) else { continue };
        let license = word("license").replace(" / ", " OR ").replace('/', " OR ");
        ensure!(!license.is_empty(), "{} {} has no license", id.0, id.1);
        match brought(described)? {
            Native::Compiled(parts) => {
                libraries.extend(parts.iter().map(|it| Library { built_in: *it, by: id.clone() }));
            }
            Native::Shared(names) => ensure_shared(&id.0, names, &shared)?,
            Native::Nothing => {}
        }
        let folder = Path::new(&word("manifest_path")).parent().map(Path::to_owned);
        let folder = folder.context("a manifest is in a folder")?;
        let checksum = checksums.get(&id).cloned();
        crates.insert(id, Linked { license, checksum, folder, needs: needs.clone() });
    }
    ensure!(crates.len() == needs.len(), "cargo tree names crates that cargo metadata does not");
    let packages = packages(&shared)?;
    let distribution = machine::distribution()?;
    Ok(Inventory { program: root, crates, libraries, packages, distribution })
}

/// All packages as Cargo describes them.
fn described(target: &str) -> Result<Vec<Value>> {
    let form = ["metadata", "--locked", "--format-version", "1", "--filter-platform", target];
    let mut metadata: Value = serde_json::from_str(&answer(&form)?)?;
    let packages = metadata["packages"].as_array_mut().context("metadata has packages")?;
    Ok(std::mem::take(packages))
}

/// What a crate brings beside Rust. One that may bring something and is unknown to us stops the release.
fn brought(described: &Value) -> Result<Native> {
    let name = described["name"].as_str().unwrap_or_default();
    let builds = described["dependencies"].as_array().into_iter().flatten().any(|it| {
        it["kind"] == "build"
            && (it["name"] == "cc" || it["name"] == "cmake")
            && it["optional"] == false
    });
    match native::of_crate(name) {
        Some(native) => Ok(native),
        None if builds || described["links"].is_string() => {
            bail!(
                "{name} may compile or link code of other languages: say in crates/image/src/native.rs what"
            )
        }
        None => Ok(Native::Nothing),
    }
}

/// A library that is not among the shared ones would be in the program itself, unnamed.
fn ensure_shared(name: &str, wanted: &[&str], shared: &BTreeSet<PathBuf>) -> Result<()> {
    for wanted in wanted {
        let found = shared.iter().any(|path| file_name(path).starts_with(wanted));
        ensure!(found, "{name} has not linked to the machine's {wanted}");
    }
    Ok(())
}

fn file_name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}

fn packages(shared: &BTreeSet<PathBuf>) -> Result<BTreeMap<Package, BTreeSet<&'static str>>> {
    let mut packages: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
    for path in shared {
        let name = file_name(path);
        let license = native::license_of_shared(&name);
        let license = license.with_context(|| format!("{name}: say its license in native.rs"))?;
        packages.entry(machine::package_of(path)?).or_default().insert(license);
    }
    // A certificate that somebody has put there is of no package: the release stops.
    let package = machine::package_of_certificates()?;
    packages.entry(package).or_default().insert("MPL-2.0");
    Ok(packages)
}

/// What Cargo links into the program, features and target heeded: no build script, no procedural macro.
fn tree(package: &str, target: &str) -> Result<(CrateId, BTreeMap<CrateId, BTreeSet<CrateId>>)> {
    let text = answer(&[
        "tree",
        "--locked",
        "--target",
        target,
        "--package",
        package,
        "--edges",
        "normal,no-proc-macro",
        "--prefix",
        "depth",
        "--format",
        " {p}",
    ])?;
    let mut needs: BTreeMap<CrateId, BTreeSet<CrateId>> = BTreeMap::new();
    let mut above: Vec<CrateId> = Vec::new();
    for line in text.lines() {
        let mut words = line.split_whitespace();
        let (Some(depth), Some(name), Some(version)) = (words.next(), words.next(), words.next())
        else {
            bail!("cargo tree says {line:?}")
        };
        let depth: usize = depth.parse().with_context(|| format!("cargo tree says {line:?}"))?;
        let id = (name.to_owned(), version.trim_start_matches('v').to_owned());
        needs.entry(id.clone()).or_default();
        above.truncate(depth);
        if let Some(parent) = above.last() {
            needs.entry(parent.clone()).or_default().insert(id.clone());
        }
        above.push(id);
    }
    let root = above.into_iter().next().context("cargo tree says nothing")?;
    Ok((root, needs))
}

fn answer(arguments: &[&str]) -> Result<String> {
    let mut command = cargo::command();
    command.args(arguments);
    let answer = command.output().with_context(|| format!("running {}", shown(&command)))?;
    let complaint = String::from_utf8_lossy(&answer.stderr);
    ensure!(answer.status.success(), "{}: {complaint}", shown(&command));
    Ok(String::from_utf8(answer.stdout)?)
}

/// Sums of the archives that `Cargo.lock` names.
fn checksums(lock: &str) -> BTreeMap<CrateId, String> {
    let value = |block: &str, key: &str| {
        let line = block.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix(" = \""));
        line.map(|it| it.trim_end_matches('"').to_owned())
    };
    let blocks = lock.split("[[package]]").skip(1);
    let sums = blocks.filter_map(|block| {
        Some(((value(block, "name")?, value(block, "version")?), value(block, "checksum")?))
    });
    sums.collect()
}

#[cfg(test)]
mod tests;
