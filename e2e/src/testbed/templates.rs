//! The configuration files of the parts: `{{name}}` in `e2e/testbed` becomes a value of this bed.
//! It knows no part; a name without a value is an error, not an empty string.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use super::artifact::Artifact;
use super::places::{self, Places};

/// Template and where it goes, below the run folder's `config`.
const FILES: [(&str, &str); 10] = [
    (include_str!("../../testbed/config/audit-policy.yaml"), "audit-policy.yaml"),
    (include_str!("../../testbed/config/cni.conflist"), "cni/10-bridge.conflist"),
    (include_str!("../../testbed/config/containerd.toml"), "containerd.toml"),
    (include_str!("../../testbed/config/hosts"), "hosts"),
    (include_str!("../../testbed/config/kafka.properties"), "kafka.properties"),
    (include_str!("../../testbed/config/kubeconfig.yaml"), "kubeconfig.yaml"),
    (include_str!("../../testbed/config/kubelet.yaml"), "kubelet.yaml"),
    (include_str!("../../testbed/config/log4j2.properties"), "log4j2.properties"),
    (include_str!("../../testbed/config/prometheus.yml"), "prometheus.yml"),
    (include_str!("../../testbed/config/tokens.csv"), "tokens.csv"),
];

/// What the names in the templates stand for.
#[derive(Debug)]
pub(super) struct Values(BTreeMap<String, String>);

impl Values {
    /// Values of a bed about to start: with secrets of its own, kept so that later commands know them.
    pub(super) fn of_new_bed(places: &Places) -> Result<Self> {
        let mut values = Self(addresses(places));
        values.0.insert("admin_token".to_owned(), random_hex::<16>()?);
        values.0.insert("kafka_user".to_owned(), "siskin".to_owned());
        values.0.insert("kafka_password".to_owned(), random_hex::<12>()?);
        // 22 characters of URL-safe base64, as Kafka's own: any 21, and one whose low bits are zero.
        let random = random_hex::<11>()?;
        values.0.insert("cluster_id".to_owned(), format!("{}A", &random[..21]));
        let text = serde_json::to_string_pretty(&values.0)?;
        write_private(&places.config().join("values.json"), &text)?;
        Ok(values)
    }

    /// Values of the bed that is up.
    pub(super) fn of_running_bed(places: &Places) -> Result<Self> {
        let path = places.config().join("values.json");
        let text =
            fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        Ok(Self(serde_json::from_str(&text)?))
    }

    /// These values and some more.
    pub(super) fn and(&self, more: &[(&str, &str)]) -> Self {
        let mut all = self.0.clone();
        all.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        Self(all)
    }

    pub(super) fn get(&self, name: &str) -> Result<&str> {
        self.0.get(name).map(String::as_str).with_context(|| format!("no value named {name}"))
    }

    /// Writes every configuration file of the bed.
    pub(super) fn write_files(&self, places: &Places) -> Result<()> {
        for (template, name) in FILES {
            let text = self.render(template).with_context(|| format!("filling in {name}"))?;
            write_private(&places.config().join(name), &text)?;
        }
        Ok(())
    }

    /// The arguments of a program: one a line, without comments and empty lines.
    pub(super) fn arguments(&self, template: &str) -> Result<Vec<String>> {
        let text = self.render(template)?;
        let lines = text.lines().map(str::trim);
        Ok(lines.filter(|l| !l.is_empty() && !l.starts_with('#')).map(str::to_owned).collect())
    }

    /// The template with its names replaced.
    pub(super) fn render(&self, template: &str) -> Result<String> {
        let mut text = String::with_capacity(template.len());
        let mut rest = template;
        while let Some((before, after)) = rest.split_once("{{") {
            let Some((name, after)) = after.split_once("}}") else { bail!("an open {{{{") };
            text.push_str(before);
            text.push_str(self.get(name)?);
            rest = after;
        }
        text.push_str(rest);
        Ok(text)
    }
}

fn addresses(places: &Places) -> BTreeMap<String, String> {
    let known = [
        ("run", places.run.display().to_string()),
        ("kafka", places.of(Artifact::Kafka).display().to_string()),
        ("host", places::HOST.to_owned()),
        ("gateway", places::GATEWAY.to_owned()),
        ("pods", places::PODS.to_owned()),
        ("services", places::SERVICES.to_owned()),
        ("node", places::NODE.to_owned()),
        ("cgroup", format!("/{}", places::CGROUP)),
    ];
    known.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

/// Tokens and passwords are in most of them, so none is for other users to read.
pub(super) fn write_private(path: &Path, text: &str) -> Result<()> {
    let folder = path.parent().context("a file has a folder")?;
    fs::create_dir_all(folder)?;
    fs::write(path, text).with_context(|| format!("writing {}", path.display()))?;
    Ok(fs::set_permissions(path, fs::Permissions::from_mode(0o600))?)
}

fn random_hex<const BYTES: usize>() -> Result<String> {
    let mut bytes = [0_u8; BYTES];
    fs::File::open("/dev/urandom")?.read_exact(&mut bytes)?;
    Ok(hex(&bytes))
}

/// Two digits a byte.
fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string does not fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values() -> Values {
        Values([("host".to_owned(), "1.2.3.4".to_owned())].into())
    }

    #[test]
    fn names_become_values() {
        let text = values().render("a={{host}}:1, b={{host}}, ${1}").unwrap();
        assert_eq!(text, "a=1.2.3.4:1, b=1.2.3.4, ${1}");
    }

    #[test]
    fn an_unknown_name_is_an_error() {
        assert!(values().render("{{hots}}").is_err());
        assert!(values().render("{{host").is_err());
    }

    #[test]
    fn arguments_are_lines_without_comments() {
        let lines = values().arguments("# why\n--host={{host}}\n\n-cp\n").unwrap();
        assert_eq!(lines, ["--host=1.2.3.4", "-cp"]);
    }
}
