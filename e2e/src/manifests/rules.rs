//! What the API server's validation asks of fields together, made so: names that refer to each other, exclusive fields,
//! numbers that bound each other. Only what it would refuse is changed; each rule says what that is.

mod affinity;
mod containers;
mod deployment;
mod parts;
mod pod;
mod security;
mod volumes;

use serde_json::{Value, json};

use parts::everywhere;

/// Sets right a Deployment of any fields.
pub(super) fn obey(deployment: &mut Value, name: &str, node: &str) {
    deployment::obey(deployment, name);
    let spec = &mut deployment["spec"]["template"]["spec"];
    pod::obey(spec, node);
    volumes::obey(spec);
    security::obey(spec);
    containers::obey(spec);
    affinity::obey(spec);
    everywhere(spec, "resourceFieldRef", &mut |it| {
        if it.get("divisor").is_some() {
            let of_cpu = it["resource"].as_str().is_some_and(|it| it.ends_with("cpu"));
            it["divisor"] = json!(if of_cpu { "1m" } else { "1Mi" });
        }
    });
}
