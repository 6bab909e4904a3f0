//! What an image says of itself: the annotations of the OCI image specification, as labels and in the manifest.
//! No time is among them: two builds of one revision are one image.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

const PREFIX: &str = "org.opencontainers.image.";

/// The operator's annotations. `source` is the address of the repository, where one is to be named.
#[must_use]
pub fn of_release(
    repository: &Path,
    version: &str,
    source: Option<&str>,
) -> BTreeMap<String, String> {
    let said = [
        ("title", Some("siskin-operator".to_owned())),
        ("description", Some("Progressive delivery of Kafka consumers on Kubernetes".to_owned())),
        ("licenses", Some("Apache-2.0".to_owned())),
        ("version", Some(version.to_owned())),
        ("revision", revision(repository)),
        ("source", source.map(ToOwned::to_owned)),
    ];
    let said = said.into_iter();
    said.filter_map(|(key, value)| Some((format!("{PREFIX}{key}"), value?))).collect()
}

/// The commit that is checked out, marked where the work tree differs from it; nothing outside a repository.
fn revision(repository: &Path) -> Option<String> {
    let asked = |arguments: &[&str]| {
        let answer = Command::new("git").current_dir(repository).args(arguments).output().ok()?;
        let text = String::from_utf8(answer.stdout).ok()?;
        answer.status.success().then(|| text.trim().to_owned())
    };
    let commit = asked(&["rev-parse", "--verify", "HEAD"])?;
    let clean = asked(&["status", "--porcelain"])?.is_empty();
    Some(if clean { commit } else { format!("{commit}-dirty") })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_known_is_not_said() {
        let nowhere = of_release(Path::new("/"), "1.2.3", None);
        assert_eq!(nowhere["org.opencontainers.image.version"], "1.2.3");
        assert!(!nowhere.contains_key("org.opencontainers.image.source"));
        assert!(!nowhere.contains_key("org.opencontainers.image.revision"));
        let named = of_release(Path::new("/"), "1.2.3", Some("https://git.example.com/siskin"));
        assert_eq!(named["org.opencontainers.image.source"], "https://git.example.com/siskin");
    }
}
