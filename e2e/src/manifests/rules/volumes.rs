//! Rules of volumes: each has one source, and the files in one have different paths.

use serde_json::{Value, json};

use super::parts::{each, everywhere, keep_different, number_names, remove};

/// Volumes are told apart by their names, and have what their kind asks for.
pub(super) fn obey(spec: &mut Value) {
    if let Some(volumes) = spec.get_mut("volumes") {
        number_names(volumes, "v");
    }
    for volume in each(spec, "volumes") {
        everywhere(volume, "items", &mut files);
        for source in volume.as_object_mut().into_iter().flatten() {
            source_alone(source.0, source.1);
        }
        projected(volume);
        ephemeral(volume);
    }
}

/// What a file can show of its pod.
const PATHS: [&str; 5] = [
    "metadata.labels",
    "metadata.annotations",
    "metadata.labels['app']",
    "metadata.annotations['example.com/k1']",
    "metadata.uid",
];

/// Each file is somewhere else; one from the pod shows a field or a resource.
fn files(items: &mut Value) {
    for (index, file) in items.as_array_mut().into_iter().flatten().enumerate() {
        let path = format!("{index}/{}", file["path"].as_str().unwrap_or_default());
        file["path"] = json!(path);
        if file.get("key").is_some() {
            continue;
        }
        if file.get("resourceFieldRef").is_some() && index % 2 == 0 {
            remove(file, &["fieldRef"]);
            // Which container's, only its own variables know.
            file["resourceFieldRef"]["containerName"] = json!("c0");
        } else {
            remove(file, &["resourceFieldRef"]);
            file["fieldRef"]["fieldPath"] = json!(PATHS[index % PATHS.len()]);
        }
    }
}

/// Fields of a source that exclude or ask for each other.
fn source_alone(kind: &str, source: &mut Value) {
    match kind {
        "azureDisk" if source["kind"] == "Managed" => {
            source["diskURI"] = json!("/subscriptions/a&b/disks/c");
        }
        // Anything but a directory of the volume's own.
        "emptyDir" if source["medium"].as_str().is_some_and(|it| it.starts_with("Huge")) => {
            remove(source, &["sizeLimit"]);
        }
        "fc" => {
            if source["wwids"].as_array().is_some_and(|it| !it.is_empty()) {
                remove(source, &["targetWWNs", "lun"]);
            } else {
                remove(source, &["wwids"]);
                source["targetWWNs"] = json!(["500a0982991b8dc5"]);
                source["lun"] = json!(7);
            }
        }
        "flocker" => {
            if source.get("datasetUUID").is_some() {
                remove(source, &["datasetName"]);
            } else {
                source["datasetName"] = json!("a-dataset");
            }
        }
        "iscsi" if source["chapAuthDiscovery"] == true || source["chapAuthSession"] == true => {
            source["secretRef"] = json!({"name": "chap"});
        }
        "configMap" => source["name"] = json!("settings"),
        "secret" => source["secretName"] = json!("settings"),
        "image" => source["reference"] = json!("localhost/volume:1"),
        "scaleIO" | "storageos" => source["volumeName"] = json!("a-volume"),
        "gitRepo" if source.get("directory").is_some() => source["directory"] = json!("a&b"),
        _ => {}
    }
    for secret in ["secretRef", "nodePublishSecretRef"] {
        if source.get(secret).is_some() {
            source[secret]["name"] = json!("a-secret");
        }
    }
}

/// The files of several sources share one directory.
fn projected(volume: &mut Value) {
    let Some(projected) = volume.get_mut("projected") else { return };
    for (index, source) in each(projected, "sources").enumerate() {
        everywhere(source, "path", &mut |it| {
            *it = json!(format!("s{index}/{}", it.as_str().unwrap_or_default()));
        });
        for kind in ["configMap", "secret"] {
            if let Some(named) = source.get_mut(kind) {
                named["name"] = json!(format!("n{index}"));
            }
        }
    }
}

/// A claim says how it is accessed, and how large it is.
fn ephemeral(volume: &mut Value) {
    let Some(ephemeral) = volume.get_mut("ephemeral") else { return };
    let spec = &mut ephemeral["volumeClaimTemplate"]["spec"];
    if spec["accessModes"].as_array().is_none_or(Vec::is_empty) {
        spec["accessModes"] = json!(["ReadWriteOnce"]);
    }
    keep_different(spec.get_mut("accessModes"), Value::clone);
    let limited = spec["resources"].get("limits").is_some();
    spec["resources"] = json!({"requests": {"storage": "0.5Gi"}});
    if limited {
        spec["resources"]["limits"] = json!({"storage": "1024Mi"});
    }
    for kind in ["dataSource", "dataSourceRef"] {
        if let Some(source) = spec.get_mut(kind).filter(|it| it.get("apiGroup").is_none()) {
            source["kind"] = json!("PersistentVolumeClaim");
        }
    }
    // Two ways to write one source: the server sets the other.
    if spec.get("dataSourceRef").is_some() {
        remove(spec, &["dataSource"]);
    }
}
