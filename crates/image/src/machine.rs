//! What an image takes from the machine that builds it: shared libraries and CA certificates, each from a Debian package.
//! Nothing that its administrator has added gets in, and nothing is written.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// Mozilla's certificates as the package `ca-certificates` brings them. The bundle in `/etc/ssl` is not taken: it also has
/// those of the machine's administrator, an intercepting proxy's among them.
pub const CERTIFICATES: &str = "/usr/share/ca-certificates/mozilla";

/// A Debian package that is installed on this machine.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Package {
    /// Its name, without the architecture.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its architecture, as `amd64` or `all`.
    pub architecture: String,
}

impl Package {
    /// Terms and authors, as Debian has written them down.
    ///
    /// # Errors
    /// The package has no such file.
    pub fn copyright(&self) -> Result<String> {
        let path = Path::new("/usr/share/doc").join(&self.name).join("copyright");
        fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    }
}

/// Shared libraries that the loader finds for a program, the loader among them; none for a static one.
///
/// # Errors
/// One of them is missing, or `ldd` is.
pub fn libraries(program: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut ldd = Command::new("ldd");
    // Where else the loader would look, for whoever has set these.
    ldd.arg(program).env_remove("LD_LIBRARY_PATH").env_remove("LD_PRELOAD");
    let answer = ldd.output().context("running ldd")?;
    let text = String::from_utf8_lossy(&answer.stdout);
    ensure!(!text.contains("not found"), "ldd misses libraries of {}:\n{text}", program.display());
    let words = text.lines().flat_map(str::split_whitespace);
    Ok(words.filter(|word| word.starts_with('/') && !word.ends_with(':')).map(Into::into).collect())
}

/// Mozilla's CA certificates in one file, ordered by name; nothing where the package is not installed.
///
/// # Errors
/// One of them can't be read.
pub fn certificates() -> Result<Option<String>> {
    let folder = Path::new(CERTIFICATES);
    if !folder.exists() {
        return Ok(None);
    }
    let paths = fs::read_dir(folder)?.map(|it| Ok(it?.path())).collect::<Result<BTreeSet<_>>>()?;
    let mut bundle = String::new();
    for path in paths {
        let text = fs::read_to_string(&path);
        bundle.push_str(text.with_context(|| format!("reading {}", path.display()))?.trim_end());
        bundle.push('\n');
    }
    Ok(Some(bundle))
}

/// The Debian package that has brought a file.
///
/// # Errors
/// None has, or this is no Debian.
pub fn package_of(file: &Path) -> Result<Package> {
    let found = other_names(file).into_iter().find_map(|path| {
        let text = asked(&["--search", &path.to_string_lossy()]).ok()?;
        let line = text.lines().find(|line| !line.starts_with("diversion "))?;
        line.split_once(": ").map(|(owners, _)| owners.to_owned())
    });
    let owner = found.with_context(|| format!("{} is of no Debian package", file.display()))?;
    let format = "${Package} ${Version} ${Architecture}\n";
    let text = asked(&["--show", "--showformat", format, &owner])?;
    let words: Vec<_> = text.split_whitespace().map(str::to_owned).collect();
    let [name, version, architecture] = <[String; 3]>::try_from(words)
        .map_err(|words| anyhow::anyhow!("dpkg-query says of {owner}: {words:?}"))?;
    Ok(Package { name, version, architecture })
}

/// The Debian package that has brought every CA certificate.
///
/// # Errors
/// One of them is of another package, or of none.
pub fn package_of_certificates() -> Result<Package> {
    let listed = fs::read_dir(CERTIFICATES)
        .with_context(|| format!("no {CERTIFICATES}: apt-get install ca-certificates"))?;
    let files = asked(&["--listfiles", "ca-certificates"])?;
    let known: BTreeSet<&Path> = files.lines().map(Path::new).collect();
    for entry in listed {
        let path = entry?.path();
        ensure!(known.contains(path.as_path()), "{} is not of ca-certificates", path.display());
    }
    package_of(Path::new(CERTIFICATES))
}

/// The path, and what else dpkg may know it by: `/lib` is a link to `/usr/lib`, and a package may name either.
fn other_names(file: &Path) -> Vec<PathBuf> {
    let mut names =
        vec![file.to_owned(), Path::new("/usr").join(file.strip_prefix("/").unwrap_or(file))];
    names.extend(file.strip_prefix("/usr").ok().map(|rest| Path::new("/").join(rest)));
    names
}

fn asked(arguments: &[&str]) -> Result<String> {
    let answer = Command::new("dpkg-query").args(arguments).output();
    let answer = answer.context("running dpkg-query: a release is built on Debian or Ubuntu")?;
    let complaint = String::from_utf8_lossy(&answer.stderr);
    ensure!(answer.status.success(), "dpkg-query {}: {complaint}", arguments.join(" "));
    Ok(String::from_utf8(answer.stdout)?)
}

/// Name and version of this machine's system, as `debian-12`: which archive the packages are of.
///
/// # Errors
/// It doesn't say.
pub fn distribution() -> Result<(String, String)> {
    let text = fs::read_to_string("/etc/os-release").context("reading /etc/os-release")?;
    let value = |key: &str| {
        let line = text.lines().find_map(|line| line.strip_prefix(key)?.strip_prefix('='));
        line.map(|it| it.trim_matches('"').to_owned())
            .with_context(|| format!("os-release has no {key}"))
    };
    Ok((value("ID")?, value("VERSION_ID")?))
}

/// This machine's processor, in the words of images.
#[must_use]
pub fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_test_links_to_a_loader_and_a_libc() {
        let found = libraries(&std::env::current_exe().unwrap()).unwrap();
        let has = |part: &str| found.iter().any(|path| path.to_string_lossy().contains(part));
        assert!(has("/ld-linux") && has("/libc.so"), "{found:?}");
    }
}
