//! The changelog has a section for the version of the workspace.
//! What it says there is not read.

use crate::finding::Finding;
use crate::workspace::Workspace;

const CHANGELOG: &str = "docs/CHANGELOG.md";

/// Looks for the version's heading; a tree without a workspace version has nothing to look for.
pub fn check(workspace: &Workspace<'_>) -> Vec<Finding> {
    let Some(version) = workspace.version else { return Vec::new() };
    let changelog = workspace.sources.iter().find(|source| source.path == CHANGELOG);
    let heading = format!("## [{version}]");
    let has = changelog.is_some_and(|it| it.text.lines().any(|line| line.starts_with(&heading)));
    let what = format!("no section `{heading}`, the workspace's version");
    if has { Vec::new() } else { vec![Finding::new(CHANGELOG, 0, "changelog", what)] }
}

#[cfg(test)]
mod tests {
    use super::check;
    use crate::source::Source;
    use crate::workspace::Workspace;

    #[test]
    fn a_version_without_a_section_is_refused() {
        let manifest = Source::new("Cargo.toml", "[workspace.package]\nversion = \"0.2.0\"");
        let count = |changelog: &str| {
            let sources = [manifest.clone(), Source::new("docs/CHANGELOG.md", changelog)];
            check(&Workspace::new(&sources)).len()
        };
        assert_eq!(count("# Changelog\n## [0.1.0]\n"), 1);
        assert_eq!(count("# Changelog\n## [0.2.0] - unreleased\n"), 0);
    }
}
