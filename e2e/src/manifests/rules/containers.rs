//! Rules of containers: what they run on, mount, listen at, and are asked.

use serde_json::{Value, json};

use super::parts::{each, each_container, everywhere, keep_different, number_names, remove};

/// Containers are told apart by their names, and refer to what their pod has.
pub(super) fn obey(spec: &mut Value) {
    for (list, prefix) in [("containers", "c"), ("initContainers", "i")] {
        if let Some(list) = spec.get_mut(list) {
            number_names(list, prefix);
        }
    }
    init_containers(spec);
    let facts = Facts::of(spec);
    let mut ports = 0;
    for container in each_container(spec) {
        if container.get("image").is_none() {
            container["image"] = json!("localhost/fake:1");
        }
        environment(container, &facts);
        mounts(container, &facts);
        listen(container, &mut ports, facts.host_network);
        resources(container, &facts);
        resizes(container);
        probes(container);
        restarts(container);
    }
}

/// What containers ask of their pod.
struct Facts {
    /// Volumes that are mounted, and claims that may be devices.
    volumes: Vec<String>,
    devices: Vec<String>,
    /// A volume of the pod's own, for files of variables.
    scratch: Option<String>,
    claims: usize,
    host_network: bool,
}

impl Facts {
    fn of(spec: &mut Value) -> Self {
        let wants_scratch = wants_files(spec);
        let mut volumes = spec["volumes"].as_array().cloned().unwrap_or_default();
        if wants_scratch {
            volumes.push(json!({"name": format!("v{}", volumes.len()), "emptyDir": {}}));
        }
        if volumes.is_empty() {
            volumes.push(json!({"name": "v0", "ephemeral": {"volumeClaimTemplate": {"spec": {
                "accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1"}},
            }}}}));
        }
        let mut asks = false;
        for kind in ["volumeMounts", "volumeDevices"] {
            everywhere(spec, kind, &mut |it| {
                asks |= it.as_array().is_some_and(|it| !it.is_empty());
            });
        }
        let claim = |it: &&Value| it.get("persistentVolumeClaim").or(it.get("ephemeral")).is_some();
        let name = |it: &Value| it["name"].as_str().unwrap_or_default().to_owned();
        let facts = Self {
            volumes: volumes.iter().map(name).collect(),
            devices: volumes.iter().filter(claim).map(name).collect(),
            scratch: volumes.iter().find(|it| it.get("emptyDir").is_some()).map(name),
            claims: spec["resourceClaims"].as_array().map_or(0, Vec::len),
            host_network: spec["hostNetwork"] == true,
        };
        if asks || wants_scratch || spec["volumes"].is_array() {
            spec["volumes"] = json!(volumes);
        }
        for field in ["volumes", "resourceClaims", "hostNetwork"] {
            if spec[field].is_null() {
                remove(spec, &[field]);
            }
        }
        facts
    }
}

fn wants_files(spec: &mut Value) -> bool {
    let mut wants = false;
    everywhere(spec, "fileKeyRef", &mut |_| wants = true);
    wants
}

/// One that goes on beside the others may be asked how it is.
fn init_containers(spec: &mut Value) {
    for container in each(spec, "initContainers") {
        let asked = ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"];
        if asked.iter().any(|it| container.get(it).is_some()) {
            container["restartPolicy"] = json!("Always");
        }
        if container["restartPolicy"] != "Always" {
            for policy in each(container, "resizePolicy") {
                policy["restartPolicy"] = json!("NotRequired");
            }
        }
        if container["restartPolicy"].is_null() {
            remove(container, &["restartPolicy"]);
        }
    }
}

/// A variable has a value, or is from one place.
fn environment(container: &mut Value, facts: &Facts) {
    for (index, variable) in each(container, "env").enumerate() {
        let Some(from) = variable.get_mut("valueFrom") else { continue };
        if let Some(field) = from.get_mut("fieldRef") {
            const PATHS: [&str; 6] = [
                "metadata.name",
                "metadata.labels['app']",
                "metadata.annotations['example.com/k1']",
                "spec.serviceAccountName",
                "status.podIPs",
                "spec.nodeName",
            ];
            field["fieldPath"] = json!(PATHS[index % PATHS.len()]);
        }
        if let (Some(file), Some(scratch)) = (from.get_mut("fileKeyRef"), &facts.scratch) {
            file["volumeName"] = json!(scratch);
        }
        for name in ["configMapKeyRef", "secretKeyRef"] {
            if let Some(it) = from.get_mut(name) {
                it["name"] = json!("settings");
            }
        }
        remove(variable, &["value"]);
    }
    for from in each(container, "envFrom") {
        for kind in ["configMapRef", "secretRef"] {
            if let Some(it) = from.get_mut(kind) {
                it["name"] = json!("settings");
            }
        }
    }
}

/// What is mounted is there, once, at its own place.
fn mounts(container: &mut Value, facts: &Facts) {
    let privileged = container["securityContext"]["privileged"] == true;
    let devices = &facts.devices;
    if let Some(list) = container.get_mut("volumeDevices").and_then(Value::as_array_mut) {
        list.truncate(devices.len());
    }
    let count = container["volumeDevices"].as_array().map_or(0, Vec::len);
    if count == 0 {
        remove(container, &["volumeDevices"]);
    }
    let used = &devices[..count];
    for (index, device) in each(container, "volumeDevices").enumerate() {
        device["name"] = json!(used[index]);
        device["devicePath"] = json!(format!("/dev/x{index}"));
    }
    let free: Vec<_> = facts.volumes.iter().filter(|it| !used.contains(it)).collect();
    if free.is_empty() {
        remove(container, &["volumeMounts"]);
    }
    for (index, mount) in each(container, "volumeMounts").enumerate() {
        mount["name"] = json!(free[index % free.len()]);
        mount["mountPath"] = json!(format!("/m{index}/<&> \"x\""));
        if mount.get("subPathExpr").is_some() {
            remove(mount, &["subPath"]);
        }
        if mount["mountPropagation"] == "Bidirectional" && !privileged {
            mount["mountPropagation"] = json!("HostToContainer");
        }
        if mount.get("recursiveReadOnly").is_some_and(|it| it != "Disabled") {
            mount["readOnly"] = json!(true);
            remove(mount, &["mountPropagation"]);
        }
    }
    if container["securityContext"].is_null() {
        remove(container, &["securityContext"]);
    }
}

/// Ports of a pod differ; in the host's network a port is the host's.
fn listen(container: &mut Value, ports: &mut usize, host_network: bool) {
    for port in each(container, "ports") {
        *ports += 1;
        if port.get("name").is_some() {
            port["name"] = json!(format!("p{ports}"));
        }
        port["containerPort"] = json!(1000 + *ports);
        if port.get("hostPort").is_some() {
            port["hostPort"] = json!(if host_network { 1000 } else { 2000 } + *ports);
        }
    }
    everywhere(container, "port", &mut |port| {
        if port.is_string() {
            *port = json!("metrics");
        }
    });
}

/// Requests are within limits; what is no resource of Kubernetes is whole, and asked for as it is limited.
fn resources(container: &mut Value, facts: &Facts) {
    let Some(resources) = container.get_mut("resources") else { return };
    for kind in ["limits", "requests"] {
        if let Some(all) = resources.get_mut(kind).and_then(Value::as_object_mut) {
            all.remove("example.com/gpu");
        }
    }
    let limits = resources.get("limits").cloned().unwrap_or_default();
    if let Some(requests) = resources.get_mut("requests").and_then(Value::as_object_mut) {
        for (name, amount) in requests.iter_mut() {
            if let Some(limit) = limits.get(name) {
                *amount = limit.clone();
            }
        }
    }
    if resources.get("claims").is_some() && facts.claims == 0 {
        remove(resources, &["claims"]);
    }
    for (index, claim) in each(resources, "claims").enumerate() {
        claim["name"] = json!(format!("r{}", index % facts.claims));
    }
    keep_different(resources.get_mut("claims"), |it| it["name"].clone());
}

/// Each of the two resources is resized in one way.
fn resizes(container: &mut Value) {
    for (index, policy) in each(container, "resizePolicy").enumerate() {
        policy["resourceName"] = json!(["cpu", "memory"][index % 2]);
    }
    keep_different(container.get_mut("resizePolicy"), |it| it["resourceName"].clone());
}

/// What is run has a name; only a probe that ends containers says how long they have.
fn probes(container: &mut Value) {
    everywhere(container, "exec", &mut |it| {
        if it["command"].as_array().is_none_or(Vec::is_empty) {
            it["command"] = json!(["sh", "-c", "test 1 -lt 2 && true"]);
        }
    });
    if let Some(probe) = container.get_mut("readinessProbe") {
        remove(probe, &["terminationGracePeriodSeconds"]);
    }
}

/// Rules of restarts go with a policy.
fn restarts(container: &mut Value) {
    let ruled = container.get("restartPolicyRules").is_some();
    if ruled && container.get("restartPolicy").is_none() {
        container["restartPolicy"] = json!("Never");
    }
    for rule in each(container, "restartPolicyRules") {
        if rule.get("exitCodes").is_none() {
            rule["exitCodes"] = json!({"operator": "In", "values": [42]});
        }
        keep_different(rule["exitCodes"].get_mut("values"), Value::clone);
    }
}
