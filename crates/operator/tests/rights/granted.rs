//! The rights that the manifests of `config/rbac` grant to the operator's service account.
//! Reads roles; who is bound to them is not looked at.

use std::collections::BTreeSet;
use std::path::Path;

use serde::Deserialize as _;
use serde_json::Value;
use siskin_api_server::Right;

/// By the roles of `config/rbac`.
pub fn to_the_operator() -> BTreeSet<Right> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config/rbac");
    let mut rights = BTreeSet::new();
    for file in ["operator_role.yaml", "leader_role.yaml"] {
        let text = std::fs::read_to_string(folder.join(file)).expect("a manifest");
        for document in serde_yaml_ng::Deserializer::from_str(&text) {
            let object = Value::deserialize(document).expect("YAML");
            rights.extend(object["rules"].as_array().into_iter().flatten().flat_map(of_rule));
        }
    }
    rights
}

fn of_rule(rule: &Value) -> Vec<Right> {
    let texts = |field: &str| -> Vec<String> {
        let all = rule[field].as_array().into_iter().flatten().filter_map(Value::as_str);
        all.map(ToOwned::to_owned).collect()
    };
    let mut rights = Vec::new();
    for group in texts("apiGroups") {
        for resource in texts("resources") {
            rights.extend(texts("verbs").into_iter().map(|verb| Right {
                verb,
                group: group.clone(),
                resource: resource.clone(),
            }));
        }
    }
    rights
}
