//! What a rule needs of a `Cargo.toml`: name, version, dependencies, tests that no test run starts.
//! Reads the forms that this workspace writes, not all of TOML.

/// A package's manifest.
#[derive(Debug, Default)]
pub struct Manifest<'a> {
    /// Name of the package; none for the workspace's own manifest.
    pub name: Option<&'a str>,
    /// Version that `[workspace.package]` gives.
    pub workspace_version: Option<&'a str>,
    /// Names under `[dependencies]`.
    pub dependencies: Vec<&'a str>,
    /// Paths of tests with `test = false`.
    pub unstarted_tests: Vec<&'a str>,
}

/// Reads a manifest's text.
pub fn manifest(text: &str) -> Manifest<'_> {
    let mut read = Manifest::default();
    let (mut section, mut test_path) = ("", None);
    for line in text.lines().map(str::trim).filter(|line| !line.starts_with('#')) {
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']);
            test_path = None;
            continue;
        }
        let Some((key, value)) = line.split_once('=') else { continue };
        let (key, value) = (key.trim(), value.trim().trim_matches('"'));
        match (section, key) {
            ("package", "name") => read.name = Some(value),
            ("workspace.package", "version") => read.workspace_version = Some(value),
            ("dependencies", _) => read.dependencies.push(key.split('.').next().unwrap_or(key)),
            ("test", "path") => test_path = Some(value),
            ("test", "test") if value == "false" => read.unstarted_tests.extend(test_path),
            _ => {}
        }
    }
    read
}
