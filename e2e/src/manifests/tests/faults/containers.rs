//! Faults of containers, and between those of one pod. What they ask of the pod's volumes is looked up there.

use std::collections::BTreeSet;

use serde_json::Value;

use super::parts::{differ, list};
use super::quantity::amount;

/// Longest name of a container, in bytes.
const LONGEST: usize = 63;

pub(super) fn faults(pod: &Value, found: &mut Vec<String>) {
    let (main, init) = (list(&pod["containers"]), list(&pod["initContainers"]));
    let all = || main.iter().chain(init);
    if main.is_empty() {
        found.push("containers: none".into());
    }
    differ("containers", all().map(|it| it["name"].to_string()), found);
    for container in all() {
        if !is_name(container["name"].as_str().unwrap_or_default()) {
            found.push(format!("containers: no name: {}", container["name"]));
        }
        if container["image"].as_str().is_none_or(|it| it.trim() != it || it.is_empty()) {
            found.push("image: none".into());
        }
        environment(container, found);
        mounts(container, pod, found);
        ports(container, pod["hostNetwork"] == true, found);
        resources(container, found);
        probes(container, found);
    }
    let on_host = all().flat_map(|it| list(&it["ports"])).filter(|it| it["hostPort"].is_i64());
    differ("hostPort", on_host.map(|it| it["hostPort"].to_string()), found);
    for container in init.iter().filter(|it| it["restartPolicy"] != "Always") {
        let asked = ["lifecycle", "livenessProbe", "readinessProbe", "startupProbe"];
        if asked.iter().any(|it| container[it].is_object()) {
            found.push("initContainers: probes of one that ends".into());
        }
    }
}

fn is_name(text: &str) -> bool {
    let plain = |it: char| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-';
    let ends = text.starts_with('-') || text.ends_with('-');
    !text.is_empty() && text.len() <= LONGEST && !ends && text.chars().all(plain)
}

fn environment(container: &Value, found: &mut Vec<String>) {
    for variable in list(&container["env"]) {
        if variable["name"].as_str().is_none_or(|it| it.is_empty() || it.contains('=')) {
            found.push("env: no name".into());
        }
        let Some(from) = variable["valueFrom"].as_object() else { continue };
        if from.len() != 1 {
            found.push("env: not one source".into());
        }
        if variable["value"].as_str().is_some_and(|it| !it.is_empty()) {
            found.push("env: a value from two places".into());
        }
    }
    for from in list(&container["envFrom"]) {
        let sources = ["configMapRef", "secretRef"].iter().filter(|it| from[**it].is_object());
        if sources.count() != 1 {
            found.push("envFrom: not one source".into());
        }
    }
}

fn mounts(container: &Value, pod: &Value, found: &mut Vec<String>) {
    let volumes: BTreeSet<_> = list(&pod["volumes"]).iter().map(|it| it["name"].as_str()).collect();
    let mounts = list(&container["volumeMounts"]);
    let devices = list(&container["volumeDevices"]);
    for mount in mounts.iter().chain(devices) {
        if !volumes.contains(&mount["name"].as_str()) {
            let name = mount["name"].as_str().unwrap_or_default();
            found.push(format!("volumeMounts: {name} is no volume"));
        }
        if mount["subPath"].is_string() && mount["subPathExpr"].is_string() {
            found.push("volumeMounts: two paths below".into());
        }
    }
    differ("volumeMounts", mounts.iter().map(|it| it["mountPath"].to_string()), found);
    differ("volumeDevices", devices.iter().map(|it| it["devicePath"].to_string()), found);
    let both = mounts.iter().any(|it| devices.iter().any(|device| device["name"] == it["name"]));
    if both {
        found.push("volumeDevices: mounted as well".into());
    }
}

fn ports(container: &Value, host_network: bool, found: &mut Vec<String>) {
    let ports = list(&container["ports"]);
    let names = ports.iter().filter_map(|it| it["name"].as_str());
    differ("ports", names, found);
    for port in ports {
        let (own, host) = (&port["containerPort"], &port["hostPort"]);
        if !own.as_i64().is_some_and(|it| (1..=65_535).contains(&it)) {
            found.push("ports: no port".into());
        }
        if host_network && host.is_i64() && own != host {
            found.push("ports: another port of the host".into());
        }
    }
}

fn resources(container: &Value, found: &mut Vec<String>) {
    let resources = &container["resources"];
    for (name, request) in resources["requests"].as_object().into_iter().flatten() {
        let limit = &resources["limits"][name];
        if !limit.is_null() && amount(limit) < amount(request) {
            found.push(format!("resources: more {name} than its limit"));
        }
    }
}

fn probes(container: &Value, found: &mut Vec<String>) {
    const HANDLERS: [&str; 5] = ["exec", "grpc", "httpGet", "sleep", "tcpSocket"];
    let handlers = |of: &Value| HANDLERS.iter().filter(|it| of[**it].is_object()).count();
    for name in ["livenessProbe", "readinessProbe", "startupProbe"] {
        let Some(probe) = container.get(name).filter(|it| it.is_object()) else { continue };
        if handlers(probe) != 1 {
            found.push(format!("{name}: not one handler"));
        }
        if name != "readinessProbe" && probe["successThreshold"].as_i64().is_some_and(|it| it != 1)
        {
            found.push(format!("{name}: passed by more than one success"));
        }
        if name == "readinessProbe" && probe["terminationGracePeriodSeconds"].is_i64() {
            found.push(format!("{name}: ends nothing"));
        }
    }
    for hook in ["preStop", "postStart"] {
        let Some(hook) = container["lifecycle"].get(hook).filter(|it| it.is_object()) else {
            continue;
        };
        if handlers(hook) != 1 {
            found.push("lifecycle: not one handler".into());
        }
    }
}
