//! Rules of a pod's own fields: names of the host, networks, scheduling.

use serde_json::{Value, json};

use super::parts::{each, each_container, keep_different, number_names, remove};

/// Pods run on this node, past the scheduler: whatever they ask of one, this one is as good.
pub(super) fn obey(spec: &mut Value, node: &str) {
    spec["nodeName"] = json!(node);
    names(spec);
    network(spec);
    priority(spec);
    tolerations(spec);
    spread(spec);
    // Then the containers have claims only, which the pod has not.
    if spec.get("resources").is_some() {
        for container in each_container(spec) {
            if let Some(resources) = container.get_mut("resources") {
                remove(resources, &["limits", "requests"]);
            }
        }
        spec["resources"] = json!({
            "limits": {"cpu": "1000", "memory": "1Ti"},
            "requests": {"cpu": "1e3", "memory": "1024Gi"},
        });
    }
}

fn names(spec: &mut Value) {
    if let Some(claims) = spec.get_mut("resourceClaims") {
        number_names(claims, "r");
    }
    // A claim is named, or made from a template.
    for (index, claim) in each(spec, "resourceClaims").enumerate() {
        let other = ["resourceClaimName", "resourceClaimTemplateName"];
        remove(claim, &other);
        claim[other[index % 2]] = json!("a-claim");
    }
    // An alias: the server sets it to what the other one says.
    if let Some(alias) = spec.get("serviceAccount").cloned() {
        spec["serviceAccountName"] = alias;
    }
    for secret in each(spec, "imagePullSecrets") {
        secret["name"] = json!("pull");
    }
    keep_different(spec.get_mut("imagePullSecrets"), Value::clone);
    keep_different(spec.get_mut("readinessGates"), Value::clone);
    keep_different(spec.get_mut("hostAliases"), |it| it["ip"].clone());
}

fn network(spec: &mut Value) {
    let is = |spec: &Value, field: &str| spec[field] == true;
    if is(spec, "shareProcessNamespace") && is(spec, "hostPID") {
        remove(spec, &["hostPID"]);
    }
    // The name is overridden for no pod in the host's network, nor for one whose name is its domain's.
    if spec.get("hostnameOverride").is_some() {
        remove(spec, &["setHostnameAsFQDN", "hostNetwork"]);
    }
    // A pod with users of its own shares no other namespace with the host.
    if spec["hostUsers"] == false {
        remove(spec, &["hostNetwork", "hostPID", "hostIPC"]);
        each_container(spec).for_each(|it| remove(it, &["volumeDevices"]));
    }
    if spec["dnsPolicy"] == "None" {
        spec["dnsConfig"]["nameservers"] = json!(["10.0.0.10"]);
    }
    if let Some(config) = spec.get_mut("dnsConfig") {
        keep_different(config.get_mut("nameservers"), Value::clone);
        for option in each(config, "options") {
            if option.get("name").is_none() {
                option["name"] = json!("ndots");
            }
        }
    }
}

/// The admission of pods knows the number of a class, and of pods without one.
fn priority(spec: &mut Value) {
    let of_class = match spec["priorityClassName"].as_str() {
        Some("system-cluster-critical") => 2_000_000_000,
        Some("system-node-critical") => 2_000_001_000,
        Some(_) | None => 0,
    };
    if spec["priorityClassName"].is_null() {
        remove(spec, &["priorityClassName"]);
    }
    if spec.get("priority").is_some() {
        spec["priority"] = json!(of_class);
    }
}

fn tolerations(spec: &mut Value) {
    for toleration in each(spec, "tolerations") {
        if toleration.get("key").is_none() {
            toleration["operator"] = json!("Exists");
        }
        if toleration["operator"] == "Exists" {
            remove(toleration, &["value"]);
        }
        if toleration.get("tolerationSeconds").is_some() {
            toleration["effect"] = json!("NoExecute");
        }
    }
}

fn spread(spec: &mut Value) {
    keep_different(spec.get_mut("topologySpreadConstraints"), |it| {
        json!([it["topologyKey"], it["whenUnsatisfiable"]])
    });
    for constraint in each(spec, "topologySpreadConstraints") {
        if constraint.get("minDomains").is_some()
            && constraint["whenUnsatisfiable"] != "DoNotSchedule"
        {
            remove(constraint, &["minDomains"]);
        }
    }
}
