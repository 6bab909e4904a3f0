//! Rules of security contexts, and of what the two operating systems have in common.
//! Nothing runs under them: the pods are fake.

use serde_json::{Value, json};

use super::parts::{each, each_container, everywhere, keep_different, remove};

/// Fields of a Linux pod that a Windows pod may not have.
const LINUX_POD: [&str; 6] =
    ["hostUsers", "hostPID", "hostIPC", "shareProcessNamespace", "resources", "hostNetwork"];
/// Fields of the security context of a Linux pod, or of its containers.
const LINUX: [&str; 16] = [
    "allowPrivilegeEscalation",
    "appArmorProfile",
    "capabilities",
    "fsGroup",
    "fsGroupChangePolicy",
    "privileged",
    "procMount",
    "readOnlyRootFilesystem",
    "runAsGroup",
    "runAsUser",
    "seLinuxChangePolicy",
    "seLinuxOptions",
    "seccompProfile",
    "supplementalGroups",
    "supplementalGroupsPolicy",
    "sysctls",
];

/// A context asks for what its operating system has, and for nothing that it rules out itself.
pub(super) fn obey(spec: &mut Value) {
    match spec["os"]["name"].as_str() {
        Some("windows") => {
            remove(spec, &LINUX_POD);
            everywhere(spec, "securityContext", &mut |it| remove(it, &LINUX));
        }
        Some(_) => everywhere(spec, "securityContext", &mut |it| remove(it, &["windowsOptions"])),
        None => remove(spec, &["os"]),
    }
    host_processes(spec);
    sysctls(spec);
    everywhere(spec, "gmsaCredentialSpec", &mut |it| {
        if *it == json!("") {
            *it = json!("<none>");
        }
    });
    for profile in ["seccompProfile", "appArmorProfile"] {
        everywhere(spec, profile, &mut |it| match it["type"].as_str() {
            Some("Localhost") => {
                if it.get("localhostProfile").is_none() {
                    it["localhostProfile"] = json!("a/profile");
                }
            }
            Some(_) | None => remove(it, &["localhostProfile"]),
        });
    }
    for container in each_container(spec) {
        if container["securityContext"].is_null() {
            remove(container, &["securityContext"]);
            continue;
        }
        // Who is privileged may gain privileges.
        let context = &mut container["securityContext"];
        if context["privileged"] == true && context["allowPrivilegeEscalation"] == false {
            context["allowPrivilegeEscalation"] = json!(true);
        }
        for list in ["add", "drop"] {
            let capabilities = context.get_mut("capabilities");
            keep_different(capabilities.and_then(|it| it.get_mut(list)), Value::clone);
        }
    }
}

/// All containers of a Windows pod are processes of the host, or none is: then the pod says so, in the host's network.
fn host_processes(spec: &mut Value) {
    let mut any = false;
    everywhere(spec, "hostProcess", &mut |it| {
        any |= *it == true;
        *it = json!(true);
    });
    if !any {
        everywhere(spec, "hostProcess", &mut |it| *it = json!(false));
        return;
    }
    spec["securityContext"]["windowsOptions"]["hostProcess"] = json!(true);
    remove(spec, &["hostUsers", "hostnameOverride"]);
    spec["hostNetwork"] = json!(true);
    for port in each_container(spec).flat_map(|it| each(it, "ports")) {
        remove(port, &["hostPort"]);
    }
}

/// A pod in the host's namespaces sets none of the host's own parameters.
fn sysctls(spec: &mut Value) {
    let shares = spec["hostNetwork"] == true || spec["hostIPC"] == true;
    everywhere(spec, "sysctls", &mut |list| {
        const NAMES: [&str; 3] =
            ["net.ipv4.ip_local_port_range", "kernel.shm_rmid_forced", "net.ipv4.tcp_syncookies"];
        for (index, sysctl) in list.as_array_mut().into_iter().flatten().enumerate() {
            let name = if shares { "vm.swappiness" } else { NAMES[index % NAMES.len()] };
            sysctl["name"] = json!(name);
        }
        keep_different(Some(list), |it| it["name"].clone());
    });
}
