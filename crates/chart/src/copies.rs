//! Manifests that the chart has from `config/` and `crds/`: Helm reads nothing outside a chart's folder, and a link out of it
//! is lost where a tool for Git archives the folder. Copied as they are; the chart's templates put its own names in.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

/// Folder of all copies, in the chart's folder.
pub const FILES: &str = "files";

/// Folders of the repository, each with its name among the copies.
const FOLDERS: [(&str, &str); 10] = [
    ("crds", "crds"),
    ("config/rbac", "rbac"),
    ("config/multi-tenant", "multi-tenant"),
    ("config/guard", "guard"),
    ("config/guard-scale", "guard-scale"),
    ("config/policies", "policies"),
    ("config/stamp", "stamp"),
    ("config/opt-in", "opt-in"),
    ("config/ha", "ha"),
    ("config/monitoring", "monitoring"),
];

/// Files that mean something to kustomize only, and the Deployment, which is a template.
const LEFT_OUT: [&str; 3] = ["kustomization.yaml", "parameters.yaml", "deployment.yaml"];

/// Every copy by its path in the chart's folder.
pub(crate) fn all(repository: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let mut copies = BTreeMap::new();
    for (folder, name) in FOLDERS {
        let folder = repository.join(folder);
        let entries =
            fs::read_dir(&folder).with_context(|| format!("list {}", folder.display()))?;
        for entry in entries {
            let path = entry?.path();
            let file = path.file_name().and_then(|it| it.to_str()).context("a name in UTF-8")?;
            let is_copied = path.extension().is_some_and(|it| it == "yaml" || it == "json");
            if is_copied && !LEFT_OUT.contains(&file) {
                let to = Path::new(FILES).join(name).join(file);
                copies.insert(to, fs::read_to_string(&path)?);
            }
        }
    }
    Ok(copies)
}

#[cfg(test)]
mod tests;
