//! Cargo, called from a program that cargo started: to build other programs of this work tree, and to become them.
//! What is built where is cargo's business; it guesses no paths beside its own.

use std::env;
use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::progress::{Activity, say};
use crate::watched;

/// What programs need that speak of rollouts. The test bed does without: it comes up while the operator's crates do not compile.
const SCENARIO: &[&str] = &["--features", "scenario"];

/// A program that is compiled with progress, and then run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Program {
    name: &'static str,
    features: &'static [&'static str],
}

impl Program {
    /// `cargo testbed`.
    pub const TESTBED: Self = Self { name: "testbed", features: &[] };
    /// `cargo demo`.
    pub const DEMO: Self = Self { name: "demo", features: SCENARIO };
    /// `cargo testbed measure`.
    pub const MEASURE: Self = Self { name: "measure", features: SCENARIO };
    /// `cargo image`.
    pub const IMAGE: Self = Self { name: "image", features: &[] };

    /// The program of this name.
    #[must_use]
    pub fn of(name: &str) -> Option<Self> {
        let all = [Self::TESTBED, Self::DEMO, Self::MEASURE, Self::IMAGE];
        all.into_iter().find(|it| it.name == name)
    }

    /// Builds it, and becomes it. Returns only why it cannot.
    #[must_use]
    pub fn launch(self, arguments: impl IntoIterator<Item = OsString>) -> String {
        let name = self.name;
        let wanted = [&["--bin", name], self.features].concat();
        let activity = format!("{name}: compiling (minutes at first)");
        match folder().and_then(|folder| build(&activity, &folder, &wanted).map(|()| folder)) {
            Ok(folder) => {
                let error = Command::new(folder.join(name)).args(arguments).exec();
                format!("running {name}: {error}")
            }
            Err(error) => error,
        }
    }
}

/// Builds what these arguments of `cargo build` name, into the folder of a profile: `target/debug` or `target/release`.
///
/// Of the whole workspace, whatever is named: each choice of packages has features of its own, and compiles the crates
/// that all of them need once more.
pub fn build(activity: &str, folder: &Path, arguments: &[&str]) -> Result<(), String> {
    let mut cargo = command();
    cargo.args(["build", "--workspace"]).args(arguments);
    if folder.ends_with("release") {
        cargo.arg("--release");
    }
    let who = activity.split(':').next().unwrap_or_default();
    let activity = Activity::begin(activity);
    watched::run(&mut cargo, &activity)?;
    if 1 < activity.taken().as_secs() {
        say(&format!("{who}: compiled, after {} s", activity.taken().as_secs()));
    }
    Ok(())
}

/// The cargo that started us, in the root of the work tree, without what it has set for us alone.
#[must_use]
pub fn command() -> Command {
    let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
    // The root of the work tree.
    cargo.current_dir(manifest.ancestors().nth(2).unwrap_or(manifest));
    // They would tell build scripts of dependencies that something has changed: two minutes of compiling what is there.
    let ours = |name: &OsString| {
        let name = name.to_string_lossy();
        name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
    };
    for name in env::vars_os().map(|variable| variable.0).filter(ours) {
        cargo.env_remove(name);
    }
    cargo
}

/// The folder of the profile that we are of: `target/debug`, also for a test in `target/debug/deps`.
pub fn folder() -> Result<PathBuf, String> {
    let program = env::current_exe().map_err(|error| format!("looking for oneself: {error}"))?;
    let folders = program.ancestors().skip(1);
    let folder = folders.into_iter().find(|it| !it.ends_with("deps"));
    Ok(folder.unwrap_or(Path::new("target/debug")).to_owned())
}
