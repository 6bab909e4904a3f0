//! The values of a namespace: read from its file at each question, so that the one who writes it is heard at once.
//! It knows no metric by name.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::Deserialize;

/// What is said of one namespace.
#[derive(Debug, Default, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub(crate) struct Said {
    /// What each of its pods uses, as a quantity of Kubernetes.
    pub(crate) cpu: Option<String>,
    /// External metrics, by name.
    #[serde(default)]
    pub(crate) external: BTreeMap<String, i64>,
}

/// A folder with a file for each namespace of which something is said.
#[derive(Clone, Debug)]
pub(crate) struct Values(PathBuf);

impl Values {
    pub(crate) fn of(folder: PathBuf) -> Self {
        Self(folder)
    }

    /// What is said of this namespace: nothing, if it has no file.
    pub(crate) fn read(&self, namespace: &str) -> Result<Said> {
        let path = self.0.join(format!("{namespace}.json"));
        match std::fs::read(&path) {
            Ok(text) => serde_json::from_slice(&text)
                .with_context(|| format!("reading the values in {}", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Said::default()),
            Err(error) => Err(error).with_context(|| format!("reading {}", path.display())),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_namespace_without_a_file_has_no_values_and_nonsense_is_an_error() {
        let folder = std::env::temp_dir().join(format!("siskin-meter-{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let values = Values::of(folder.clone());
        assert_eq!(values.read("orders").unwrap(), Said::default());
        let text = r#"{"cpu": "250m", "external": {"lag": 40}}"#;
        std::fs::write(folder.join("orders.json"), text).unwrap();
        let said = values.read("orders").unwrap();
        assert_eq!((said.cpu.as_deref(), said.external["lag"]), (Some("250m"), 40));
        std::fs::write(folder.join("orders.json"), r#"{"cpus": 1}"#).unwrap();
        assert!(values.read("orders").is_err());
        std::fs::remove_dir_all(&folder).unwrap();
    }
}
