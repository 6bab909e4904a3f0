//! The bed's Prometheus told to scrape an operator and to watch rules, and asked what fires.
//! Knows no rule and no metric.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};
use serde_json::{Value, json};

use super::artifact::Artifact;
use super::bed::Testbed;
use super::{places, shell};

/// Longest time for one answer.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// An alert that fires or is about to.
#[derive(Clone, Debug)]
pub struct Alert {
    /// Its labels, `alertname` among them.
    pub labels: Value,
    /// Its annotations, filled in.
    pub annotations: Value,
    /// `pending` or `firing`.
    pub state: String,
}

impl Testbed {
    /// Scrapes what listens at `address` and watches `rules` (the text of a rule file, in YAML or JSON), until
    /// [`Testbed::unwatch`] with the same name.
    pub fn watch(&self, name: &str, address: &str, rules: &str) -> Result<()> {
        let targets = json!([{"targets": [address]}]).to_string();
        for (path, text) in [(self.targets(name), targets.as_str()), (self.rules(name), rules)] {
            let folder = path.parent().context("a file in a folder")?;
            fs::create_dir_all(folder)?;
            fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
        }
        reload()
    }

    /// Takes back what [`Testbed::watch`] did.
    pub fn unwatch(&self, name: &str) -> Result<()> {
        let there = [self.targets(name), self.rules(name)].into_iter().filter(|it| it.exists());
        for path in there {
            fs::remove_file(path)?;
        }
        reload()
    }

    /// Every alert whose expression holds.
    pub fn alerts(&self) -> Result<Vec<Alert>> {
        let answer: Value = serde_json::from_str(&ask("GET", "/api/v1/alerts")?)?;
        let all = answer["data"]["alerts"].as_array().context("an answer without alerts")?;
        let alert = |it: &Value| Alert {
            labels: it["labels"].clone(),
            annotations: it["annotations"].clone(),
            state: it["state"].as_str().unwrap_or_default().to_owned(),
        };
        Ok(all.iter().map(alert).collect())
    }

    /// The values of a query of one moment, one for each series that it answers with.
    pub fn queried(&self, query: &str) -> Result<Vec<f64>> {
        let path = query
            .bytes()
            .fold("/api/v1/query?query=".to_owned(), |path, byte| format!("{path}%{byte:02x}"));
        let answer: Value = serde_json::from_str(&ask("GET", &path)?)?;
        let all = answer["data"]["result"].as_array().context("an answer without a result")?;
        Ok(all.iter().filter_map(|it| it["value"][1].as_str()?.parse().ok()).collect())
    }

    /// What promtool says with these arguments, in this folder.
    pub fn promtool(&self, folder: &Path, arguments: &[&str]) -> Result<String> {
        let program = self.places.of(Artifact::Prometheus).join("promtool");
        ensure!(
            program.exists(),
            "{} is not there: remove its folder, and `cargo testbed provision` builds it",
            program.display()
        );
        shell::output(std::process::Command::new(program).args(arguments).current_dir(folder))
    }

    fn targets(&self, name: &str) -> PathBuf {
        self.places.config().join("targets").join(format!("{name}.json"))
    }

    fn rules(&self, name: &str) -> PathBuf {
        self.places.config().join("rules").join(format!("{name}.yml"))
    }
}

/// Prometheus reads its files again.
fn reload() -> Result<()> {
    ask("POST", "/-/reload").context("reloading Prometheus").map(drop)
}

/// The body of Prometheus' answer.
fn ask(method: &str, path: &str) -> Result<String> {
    let mut stream = TcpStream::connect((places::HOST, 9090)).context("asking Prometheus")?;
    stream.set_read_timeout(Some(ANSWERS_WITHIN))?;
    write!(stream, "{method} {path} HTTP/1.0\r\nContent-Length: 0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let (head, body) = answer.split_once("\r\n\r\n").context("no answer of HTTP")?;
    ensure!(head.split(' ').nth(1) == Some("200"), "{method} {path}: {head}: {body}");
    Ok(body.to_owned())
}
