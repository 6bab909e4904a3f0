//! Faults of a pod's own fields: volumes, tolerations, security. Those of its containers are told elsewhere.

use serde_json::Value;

use super::parts::{differ, list};

pub(super) fn faults(pod: &Value, found: &mut Vec<String>) {
    volumes(pod, found);
    if pod.get("restartPolicy").is_some_and(|it| !it.is_null() && *it != "Always") {
        found.push("restartPolicy: pods of a Deployment go on".into());
    }
    for toleration in list(&pod["tolerations"]) {
        let exists = toleration["operator"] == "Exists";
        if exists && toleration["value"].as_str().is_some_and(|it| !it.is_empty()) {
            found.push("tolerations: a value that is not compared".into());
        }
        if !exists && toleration["key"].is_null() {
            found.push("tolerations: no key".into());
        }
        if toleration["tolerationSeconds"].is_i64() && toleration["effect"] != "NoExecute" {
            found.push("tolerations: seconds without an end".into());
        }
    }
    for constraint in list(&pod["topologySpreadConstraints"]) {
        if constraint["minDomains"].is_i64() && constraint["whenUnsatisfiable"] != "DoNotSchedule" {
            found.push("topologySpreadConstraints: domains that nobody waits for".into());
        }
    }
    let pairs = list(&pod["topologySpreadConstraints"]).iter();
    let pairs = pairs.map(|it| format!("{} {}", it["topologyKey"], it["whenUnsatisfiable"]));
    differ("topologySpreadConstraints", pairs, found);
    differ("hostAliases", list(&pod["hostAliases"]).iter().map(|it| it["ip"].to_string()), found);
    let windows = pod["os"]["name"] == "windows";
    let containers = list(&pod["containers"]).iter().chain(list(&pod["initContainers"]));
    for context in containers.chain([pod]).map(|it| &it["securityContext"]) {
        let linux = ["runAsUser", "fsGroup", "capabilities", "seccompProfile", "privileged"];
        if context["windowsOptions"].is_object() && pod["os"]["name"] == "linux" {
            found.push("securityContext: of Windows, for Linux".into());
        }
        if windows && linux.iter().any(|it| !context[it].is_null()) {
            found.push("securityContext: of Linux, for Windows".into());
        }
        if context["privileged"] == true && context["allowPrivilegeEscalation"] == false {
            found.push("securityContext: may not have what it has".into());
        }
    }
    if pod["hostUsers"] == false
        && ["hostNetwork", "hostPID", "hostIPC"].iter().any(|it| pod[it] == true)
    {
        found.push("hostUsers: users of its own in the host's namespaces".into());
    }
    if pod["dnsPolicy"] == "None" && list(&pod["dnsConfig"]["nameservers"]).is_empty() {
        found.push("dnsConfig: nobody to ask".into());
    }
}

fn volumes(pod: &Value, found: &mut Vec<String>) {
    let volumes = list(&pod["volumes"]);
    differ("volumes", volumes.iter().map(|it| it["name"].to_string()), found);
    for volume in volumes {
        let fields = volume.as_object().into_iter().flatten();
        if fields.filter(|it| it.0 != "name" && !it.1.is_null()).count() != 1 {
            found.push("volumes: not one source".into());
        }
        for source in list(&volume["projected"]["sources"]) {
            if source.as_object().is_none_or(|it| it.len() != 1) {
                found.push("volumes: not one projected source".into());
            }
        }
    }
}
