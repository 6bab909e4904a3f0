//! Deployments of the shapes that people write, each in its own words; their files are in `corpus`.
//! What they ask of an API server it takes.

use anyhow::{Context as _, Result};
use serde::Deserialize as _;
use serde_json::Value;

/// The files, by what their Deployments are remarkable for.
const FILES: [(&str, &str); 4] = [
    ("commands", include_str!("corpus/commands.yaml")),
    ("environments", include_str!("corpus/environments.yaml")),
    ("containers", include_str!("corpus/containers.yaml")),
    ("platforms", include_str!("corpus/platforms.yaml")),
];

/// The Deployments of all files.
///
/// # Errors
/// A file is no YAML.
pub fn written() -> Result<Vec<Value>> {
    let of_file = |(name, text): (&str, &'static str)| {
        let documents = serde_yaml_ng::Deserializer::from_str(text);
        let read = documents.map(Value::deserialize).collect::<Result<Vec<_>, _>>();
        read.with_context(|| format!("reading {name}.yaml"))
    };
    Ok(FILES.into_iter().map(of_file).collect::<Result<Vec<_>>>()?.concat())
}
