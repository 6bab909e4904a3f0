//! What is said twice in `config/` on purpose says the same: the operator's rights, whole and split.
//! Whether they are enough, the test bed says.

use std::collections::BTreeSet;

use serde::Deserialize as _;
use serde_json::Value;

use super::*;
use crate::repository;

/// Group, resource and verb of each right of the first role in a file.
fn rights(file: &str) -> BTreeSet<[String; 3]> {
    let text = fs::read_to_string(repository().join("config").join(file)).unwrap();
    let role = serde_yaml_ng::Deserializer::from_str(&text).next().unwrap();
    let role = Value::deserialize(role).unwrap();
    let texts = |rule: &Value, field: &str| -> Vec<String> {
        serde_json::from_value(rule[field].clone()).unwrap()
    };
    let mut rights = BTreeSet::new();
    for rule in role["rules"].as_array().unwrap() {
        for group in texts(rule, "apiGroups") {
            for resource in texts(rule, "resources") {
                let verbs = texts(rule, "verbs").into_iter();
                rights.extend(verbs.map(|verb| [group.clone(), resource.clone(), verb]));
            }
        }
    }
    rights
}

#[test]
fn reader_and_tenant_together_have_the_operators_rights_but_that_on_secrets() {
    let (reader, tenant) =
        (rights("multi-tenant/reader_role.yaml"), rights("multi-tenant/tenant_role.yaml"));
    assert_eq!(reader.intersection(&tenant).count(), 0, "a right that is given twice");
    let mut whole = rights("rbac/operator_role.yaml");
    assert!(whole.remove(&["", "secrets", "get"].map(str::to_owned)));
    assert_eq!(reader.union(&tenant).cloned().collect::<BTreeSet<_>>(), whole);
    let writes = |it: &&[String; 3]| !["get", "list", "watch"].contains(&it[2].as_str());
    assert_eq!(reader.iter().find(writes), None, "the reader writes");
}
