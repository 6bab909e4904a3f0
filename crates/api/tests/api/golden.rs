//! The committed CRD is the generated one, and every sample is a `CanaryRollout` that it accepts.
//! Reads files of the repository, writes none.

use std::error::Error;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;
use siskin_api::{CanaryRollout, Crd};

fn repository() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// Every object in `config/samples/`, with the name of its file.
fn objects() -> Result<Vec<(String, Value)>, Box<dyn Error>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(repository().join("config/samples"))? {
        let path = entry?.path();
        let name = path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
        for document in serde_yaml_ng::Deserializer::from_str(&std::fs::read_to_string(&path)?) {
            found.push((name.clone(), Value::deserialize(document)?));
        }
    }
    Ok(found)
}

/// Every `CanaryRollout` in `config/samples/`, with the name of its file.
fn samples() -> Result<Vec<(String, Value)>, Box<dyn Error>> {
    let objects = objects()?.into_iter();
    Ok(objects.filter(|(_, object)| object["kind"] == "CanaryRollout").collect())
}

#[test]
fn each_committed_crd_is_the_generated_one() -> Result<(), Box<dyn Error>> {
    for crd in Crd::ALL {
        let committed = std::fs::read_to_string(repository().join(crd.file()))?;
        assert!(committed == crd.yaml()?, "run `cargo crds` and commit {}", crd.file());
    }
    Ok(())
}

#[test]
fn the_columns_are_the_promised_ones() {
    let crd = siskin_api::crd();
    let columns = crd.spec.versions[0].additional_printer_columns.iter().flatten();
    let shown: Vec<_> =
        columns.map(|it| (it.name.to_uppercase(), it.priority.unwrap_or(0))).collect();
    let expected = [
        ("PHASE", 0),
        ("STEP", 0),
        ("WEIGHT", 0),
        ("CANARY", 0),
        ("PRIMARY", 0),
        ("LAG", 0),
        ("VERDICT", 0),
        ("AGE", 0),
        ("REVISION", 1),
        ("AUTOSCALER", 1),
        ("MESSAGE", 1),
    ];
    assert_eq!(shown, expected.map(|(name, priority)| (name.to_owned(), priority)));
}

#[test]
fn every_sample_is_accepted() -> Result<(), Box<dyn Error>> {
    let samples = samples()?;
    assert!(4 <= samples.len(), "only {} samples", samples.len());
    for (file, sample) in samples {
        let found = crate::schema::violations(&sample["spec"], None);
        assert_eq!(found, Vec::<String>::new(), "{file}");
        let rollout: CanaryRollout = serde_json::from_value(sample)?;
        assert_eq!(rollout.spec.validate(), Ok(()), "{file}");
    }
    Ok(())
}

/// A tool that applies it again and again would set the count back each time.
#[test]
fn a_sample_that_an_autoscaler_scales_has_no_count_of_its_own() -> Result<(), Box<dyn Error>> {
    let scaled =
        |object: &Value| object["spec"]["scaleTargetRef"]["name"].as_str().map(str::to_owned);
    let scaled: Vec<_> = objects()?.iter().filter_map(|(_, object)| scaled(object)).collect();
    let names = |rollout: &Value| {
        let names = [&rollout["metadata"]["name"], &rollout["spec"]["targetRef"]["name"]];
        scaled.iter().any(|it| names.contains(&&Value::from(it.as_str())))
    };
    let scaled: Vec<_> = samples()?.into_iter().filter(|(_, it)| names(it)).collect();
    assert!(!scaled.is_empty(), "none has an autoscaler");
    for (file, rollout) in scaled {
        assert_eq!(rollout["spec"].get("replicas"), None, "{file}");
    }
    Ok(())
}

/// kube's `Option` means `nullable`, and CEL's `has()` is true for a null: the rules would say
/// something else.
#[test]
fn no_field_can_be_null() -> Result<(), Box<dyn Error>> {
    for crd in Crd::ALL {
        assert!(!serde_json::to_string(&crd.definition())?.contains("nullable"), "{crd:?}");
    }
    Ok(())
}

/// Without it, kstatus takes an object that no operator has seen yet for finished.
#[test]
fn a_new_object_counts_as_unobserved() -> Result<(), Box<dyn Error>> {
    let crd = serde_json::to_value(siskin_api::crd())?;
    let status = crd.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/status");
    let status = status.ok_or("the CRD has a schema of status")?;
    assert_eq!(status["default"]["observedGeneration"], -1);
    assert_eq!(status["properties"]["observedGeneration"]["default"], -1);
    Ok(())
}

/// Every string and list is bounded, so that no object outgrows the store and no rule outgrows its
/// cost.
#[test]
fn everything_is_bounded() -> Result<(), Box<dyn Error>> {
    let crd = serde_json::to_value(siskin_api::crd())?;
    let root = crd.pointer("/spec/versions/0/schema/openAPIV3Schema/properties");
    let root = root.and_then(Value::as_object).ok_or("the CRD has a schema")?;
    let mut unbounded = Vec::new();
    for (name, property) in
        root.iter().filter(|(name, _)| ["spec", "status"].contains(&name.as_str()))
    {
        collect_unbounded(property, name, &mut unbounded);
    }
    assert_eq!(unbounded, Vec::<String>::new());
    Ok(())
}

fn collect_unbounded(schema: &Value, path: &str, unbounded: &mut Vec<String>) {
    let bounded = match schema["type"].as_str() {
        Some("string") => ["maxLength", "enum", "format"].iter().any(|it| schema.get(it).is_some()),
        Some("array") => schema.get("maxItems").is_some(),
        Some(_) | None => true,
    };
    // The conditions' own texts are bounded by the list and by who writes them: their schema is
    // Kubernetes'.
    if path.starts_with("status.conditions[]") {
        return;
    }
    if !bounded {
        unbounded.push(path.to_owned());
    }
    for (name, property) in schema["properties"].as_object().into_iter().flatten() {
        collect_unbounded(property, &format!("{path}.{name}"), unbounded);
    }
    if schema["items"].is_object() {
        collect_unbounded(&schema["items"], &format!("{path}[]"), unbounded);
    }
}
