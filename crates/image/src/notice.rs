//! `NOTICE`: who made what is in the image, under which terms, and the texts that these terms want to go along.
//! It judges no license: `deny.toml` does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::inventory::Inventory;

/// Beginnings of the names of files that hold terms or name authors.
const TEXTS: &[&str] = &["LICENSE", "LICENCE", "COPYING", "COPYRIGHT", "NOTICE", "UNLICENSE"];
const RULE: &str =
    "--------------------------------------------------------------------------------";

/// The notice of an inventory.
///
/// # Errors
/// A text can't be read.
pub fn of(inventory: &Inventory) -> Result<String> {
    let (name, version) = &inventory.program;
    let mut notice = format!(
        "{name} {version}, licensed under the Apache License, version 2.0.\n\n\
         The image holds works of others, under the terms named here. Their texts follow.\n\n"
    );
    let mut texts: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    let mut textless = Vec::new();
    for ((name, version), linked) in &inventory.crates {
        if linked.checksum.is_none() {
            continue;
        }
        let title = format!("{name} {version}");
        writeln!(notice, "{title}: {}", linked.license)?;
        let found = in_folder(&linked.folder)?;
        if found.is_empty() {
            textless.push(title.clone());
        }
        for text in found {
            texts.entry(text).or_default().insert(title.clone());
        }
    }
    for library in &inventory.libraries {
        let (built_in, (by, version)) = (&library.built_in, &library.by);
        let title = format!("{} (in {by} {version})", built_in.name);
        writeln!(notice, "{title}: {}", built_in.license)?;
        let folder = inventory.crates.get(&library.by).map(|it| &it.folder);
        if let (Some(path), Some(folder)) = (built_in.text, folder) {
            texts.entry(read(&folder.join(path))?).or_default().insert(title);
        }
    }
    for (package, licenses) in &inventory.packages {
        let title = format!("{} {} (Debian package)", package.name, package.version);
        let licenses: Vec<_> = licenses.iter().copied().collect();
        writeln!(notice, "{title}: {}", licenses.join(" AND "))?;
        texts.entry(package.copyright()?.trim().to_owned()).or_default().insert(title);
    }
    if !textless.is_empty() {
        writeln!(notice, "\nWithout a text in their sources: {}.", textless.join(", "))?;
    }
    // By who they are of, so that a reader finds them in the order of the list.
    let mut texts: Vec<_> = texts.into_iter().map(|(text, of)| (of, text)).collect();
    texts.sort();
    for (of, text) in texts {
        let of: Vec<_> = of.into_iter().collect();
        write!(notice, "\n{RULE}\n{}\n{RULE}\n\n{text}\n", of.join(", "))?;
    }
    Ok(notice)
}

fn in_folder(folder: &Path) -> Result<BTreeSet<String>> {
    let mut texts = BTreeSet::new();
    for entry in fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().to_uppercase();
        if path.is_file() && TEXTS.iter().any(|it| name.starts_with(it)) {
            texts.insert(read(&path)?);
        }
    }
    Ok(texts)
}

fn read(path: &Path) -> Result<String> {
    let bytes = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    // Some authors' names are in Latin-1.
    Ok(String::from_utf8_lossy(&bytes).replace("\r\n", "\n").trim().to_owned())
}
