//! The operator as a release has it: built so that nothing of this machine's paths and settings is in it.
//! It packs nothing.

use std::env;
use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Error, Result, bail, ensure};
use siskin_launch::cargo;
use siskin_launch::progress::Activity;
use siskin_launch::watched;

/// The package that is released, and its program.
pub const PACKAGE: &str = "siskin-operator";
/// Environment variables by which a build differs that nobody would see in the repository.
const SETTINGS: &[&str] = &[
    "RUSTFLAGS",
    "CARGO_BUILD_RUSTFLAGS",
    "RUSTC_WRAPPER",
    "RUSTC_WORKSPACE_WRAPPER",
    "CPPFLAGS",
    "LDFLAGS",
    "CXXFLAGS",
    "TARGET_CFLAGS",
    "HOST_CFLAGS",
];

/// The root of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    manifest.ancestors().nth(2).unwrap_or(manifest).to_owned()
}

/// This machine's target in Cargo's words: libraries are those that its loader finds.
#[must_use]
pub fn target() -> String {
    format!("{}-unknown-linux-gnu", env::consts::ARCH)
}

/// Builds the operator, and makes sure that it names no folder of this machine.
///
/// # Errors
/// It does not compile, or names one.
pub fn build() -> Result<PathBuf> {
    let (repository, target) = (repository(), target());
    let activity = Activity::begin(format!("image: building {PACKAGE} (minutes at first)"));
    let mut fetch = cargo::command();
    // A source's folder is known once it is there.
    fetch.args(["fetch", "--locked", "--target", &target]);
    watched::run(&mut fetch, &activity).map_err(Error::msg)?;
    let home = cargo_home()?;
    let profile = cargo::folder().map_err(Error::msg)?;
    let output = profile.parent().context("a profile's folder is in target")?.to_owned();
    let folders = folders(&repository, &home, &output)?;
    let mut build = cargo::command();
    build.args(["build", "--release", "--locked", "--package", PACKAGE, "--bin", PACKAGE]);
    // With a target, flags are not for build scripts, and the folder is not that of `cargo build --release`.
    build.arg("--target").arg(&target).arg("--target-dir").arg(&output);
    for name in SETTINGS {
        build.env_remove(name);
    }
    build.env("CARGO_ENCODED_RUSTFLAGS", joined("--remap-path-prefix=", "\x1f", &folders));
    build.env("CFLAGS", joined("-ffile-prefix-map=", " ", &folders));
    // Whatever compiles a time in takes this one.
    build.env("SOURCE_DATE_EPOCH", "0");
    watched::run(&mut build, &activity).map_err(Error::msg)?;
    let program = output.join(target).join("release").join(PACKAGE);
    let bytes = fs::read(&program).with_context(|| format!("reading {}", program.display()))?;
    let named = [&repository, &home, &output].into_iter().find(|it| names(&bytes, it));
    if let Some(folder) = named {
        bail!("{} names {}, a folder of this machine", program.display(), folder.display());
    }
    Ok(program)
}

fn cargo_home() -> Result<PathBuf> {
    let home = env::var_os("CARGO_HOME").map(PathBuf::from);
    let home = home.or_else(|| Some(env::home_dir()?.join(".cargo")));
    home.context("no home folder: set CARGO_HOME")
}

/// Folders of sources, and what the program calls them instead. Of several that fit, the compiler takes the last.
fn folders(repository: &Path, home: &Path, output: &Path) -> Result<Vec<(PathBuf, &'static str)>> {
    let mut folders = vec![(repository.to_owned(), "/siskin")];
    if !output.starts_with(repository) {
        folders.push((output.to_owned(), "/siskin/target"));
    }
    let registries = home.join("registry/src");
    let there =
        fs::read_dir(&registries).with_context(|| format!("reading {}", registries.display()))?;
    let mut there = there.map(|it| Ok(it?.path())).collect::<Result<Vec<_>>>()?;
    there.sort();
    folders.extend(there.into_iter().map(|it| (it, "/crates")));
    for (folder, _) in &folders {
        let text = folder.to_string_lossy();
        // CFLAGS are split at spaces, and a mapping at its `=`.
        ensure!(
            !text.contains([' ', '=']),
            "{text}: a release can't be built in a folder of such a name"
        );
    }
    Ok(folders)
}

fn joined(flag: &str, between: &str, folders: &[(PathBuf, &str)]) -> OsString {
    let flags = folders.iter().map(|(folder, name)| format!("{flag}{}={name}", folder.display()));
    flags.collect::<Vec<_>>().join(between).into()
}

/// Whether a program holds the path of a folder. A single name below the root may be in it by chance.
fn names(program: &[u8], folder: &Path) -> bool {
    let text = format!("{}/", folder.display());
    let deep = 2 < folder.components().count();
    deep && program.windows(text.len()).any(|it| it == text.as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_of_this_machine_is_found_in_a_program() {
        let program = b"\0src/lib.rs/home/me/siskin/crates/x.rs\0";
        assert!(names(program, Path::new("/home/me/siskin")));
        assert!(!names(program, Path::new("/home/me/other")));
        assert!(!names(program, Path::new("/home")), "could be of anybody's sources");
        let own = fs::read(env::current_exe().unwrap()).unwrap();
        assert!(names(&own, &repository()), "nothing is mapped in a test");
    }

    #[test]
    fn folders_become_flags_of_both_compilers() {
        let folders = [(PathBuf::from("/a/b"), "/siskin"), (PathBuf::from("/c/d"), "/crates")];
        assert_eq!(joined("-f=", " ", &folders), "-f=/a/b=/siskin -f=/c/d=/crates");
    }
}
