//! What of the Helm chart is made from other files: its copies of `config/` and `crds/`, and the table of its values.
//! Renders no template: that is Helm's.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

pub mod copies;
pub mod values;

/// Folder of the chart in the repository.
pub const CHART: &str = "helm/siskin";

/// The root of the repository.
#[must_use]
pub fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every made file below the chart's folder, with what it is to hold.
///
/// # Errors
/// If a file can't be read, or the values are not documented.
pub fn made(repository: &Path) -> Result<BTreeMap<PathBuf, String>> {
    let mut made = copies::all(repository)?;
    let chart = repository.join(CHART);
    let read = |name: &str| {
        std::fs::read_to_string(chart.join(name)).with_context(|| format!("read {name}"))
    };
    let table = values::table(&read("values.yaml")?)?;
    made.insert("README.md".into(), values::filled_in(&read("README.md")?, &table)?);
    Ok(made)
}
