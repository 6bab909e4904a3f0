//! The committed pages of `docs/reference` are the made ones, and leave nothing out.
//! What the CRD has is looked up in its JSON, and not by what makes the page.

use std::collections::BTreeSet;
use std::error::Error;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use siskin_api::pages::names::names;
use siskin_api::{CanaryRollout, pages};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

#[test]
fn each_committed_page_is_the_made_one() -> Result<(), Box<dyn Error>> {
    for page in pages::all() {
        let committed = std::fs::read_to_string(repository().join(page.file))?;
        assert!(committed == page.text, "run `cargo crds` and commit {}", page.file);
    }
    Ok(())
}

#[test]
fn every_field_and_every_message_is_on_the_page() -> Result<(), Box<dyn Error>> {
    let page = pages::fields::page();
    for crd in siskin_api::Crd::ALL {
        let crd = serde_json::to_value(crd.definition())?;
        let root = crd.pointer("/spec/versions/0/schema/openAPIV3Schema");
        let root = root.ok_or("the CRD has a schema")?;
        for name in ["spec", "status"] {
            let mut missing = Vec::new();
            collect_missing(&root["properties"][name], name, &page, &mut missing);
            assert_eq!(missing, Vec::<String>::new());
        }
    }
    Ok(())
}

fn collect_missing(schema: &Value, path: &str, page: &str, missing: &mut Vec<String>) {
    let messages = schema["x-kubernetes-validations"].as_array().into_iter().flatten();
    let messages = messages.filter_map(|it| it["message"].as_str());
    missing.extend(messages.filter(|it| !page.contains(*it)).map(str::to_owned));
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        let row = page.lines().find(|it| it.starts_with(&format!("| `{path}` |")));
        let listed = property["enum"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let described = property["description"].as_str().unwrap_or_default();
        let words = described.split_whitespace().take(3).collect::<Vec<_>>().join(" ");
        let told = |row: &str| listed.clone().all(|it| row.contains(it)) && row.contains(&words);
        if !row.is_some_and(told) {
            missing.push(path.clone());
        }
        collect_missing(property, &path, page, missing);
    }
    if schema["items"].is_object() {
        collect_missing(&schema["items"], &format!("{path}[]"), page, missing);
    }
}

#[test]
fn every_constant_is_a_name_with_its_words() {
    let source = include_str!("../../src/annotations.rs");
    assert_eq!(names().len(), source.matches("pub const ").count());
    let page = pages::names::page();
    assert!(!page.contains("[`") && !page.contains("::"), "a link of rustdoc leads nowhere here");
    let wordless: Vec<_> = page.lines().filter(|it| it.ends_with("` |  |")).collect();
    assert_eq!(wordless, Vec::<&str>::new());
}

/// Manifests, the chart and the pages for people speak of no name that the page does not explain.
#[test]
fn every_name_that_others_use_is_one_of_ours() -> Result<(), Box<dyn Error>> {
    let ours: BTreeSet<&str> = names().iter().map(|it| it.value).collect();
    let mut texts = Vec::new();
    for folder in ["config", "helm", "docs", "crates/operator/src", "crates/cli/src"] {
        collect_texts(&repository().join(folder), &mut texts)?;
    }
    let (mut used, mut strange) = (0, BTreeSet::new());
    for (file, text) in &texts {
        for (at, _) in text.match_indices("siskin.dev/") {
            let rest = &text[at + "siskin.dev/".len()..];
            let end = rest.find(|c: char| !(c.is_ascii_lowercase() || c == '-'));
            let name = &rest[..end.unwrap_or(rest.len())];
            // An API version, a resource's name (`canaryrollouts.siskin.dev/…`), a template of names.
            if ["", "v"].contains(&name) || text[..at].ends_with('.') {
                continue;
            }
            used += 1;
            // `kubectl annotate … name-` removes one.
            let whole = format!("siskin.dev/{}", name.trim_end_matches('-'));
            if !ours.contains(whole.as_str()) {
                strange.insert(format!("{file}: {whole}"));
            }
        }
    }
    assert!(100 < used, "only {used} names were found");
    assert_eq!(strange, BTreeSet::new());
    Ok(())
}

/// What a page shows can be applied as it stands.
#[test]
fn every_rollout_on_a_page_is_accepted() -> Result<(), Box<dyn Error>> {
    let mut texts =
        vec![("README.md".to_owned(), std::fs::read_to_string(repository().join("README.md"))?)];
    collect_texts(&repository().join("docs"), &mut texts)?;
    let mut accepted = 0;
    let is_page = |file: &str| Path::new(file).extension().is_some_and(|it| it == "md");
    for (file, text) in texts.iter().filter(|it| is_page(&it.0)) {
        let fenced = text.split("```yaml\n").skip(1).filter_map(|it| it.split("```").next());
        let typed = text.split("<<'EOF'\n").skip(1).filter_map(|it| it.split("\nEOF\n").next());
        let is_shown = |it: &&str| it.lines().any(|line| line == "kind: CanaryRollout");
        for block in fenced.chain(typed).filter(is_shown) {
            for document in serde_yaml_ng::Deserializer::from_str(block) {
                let object = Value::deserialize(document)?;
                if object["kind"] != "CanaryRollout" {
                    continue;
                }
                let found = crate::schema::violations(&object["spec"], None);
                assert_eq!(found, Vec::<String>::new(), "{file}");
                let rollout: CanaryRollout = serde_json::from_value(object)?;
                assert_eq!(rollout.spec.validate(), Ok(()), "{file}");
                accepted += 1;
            }
        }
    }
    assert!(0 < accepted, "no page shows one");
    Ok(())
}

fn collect_texts(folder: &Path, texts: &mut Vec<(String, String)>) -> Result<(), Box<dyn Error>> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect_texts(&path, texts)?;
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            texts.push((path.display().to_string(), text));
        }
    }
    Ok(())
}
