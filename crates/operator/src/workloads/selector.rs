//! Label selectors: the target's, a child's, and the text of one that autoscalers read. Pure.
//! Follows `metav1.LabelSelector`; selects nothing itself.

use serde_json::{Map, Value, json};
use siskin_analysis::observation::Role;
use siskin_api::annotations::ROLE;

use crate::workloads::identity::role_name;

/// The selector without what it says of the role: it selects the pods of the target and of both
/// children, also if its user has kept the children's pods out by their label.
#[must_use]
pub fn of_all_roles(selector: &Value) -> Value {
    let labels = selector["matchLabels"].as_object().into_iter().flatten();
    let labels: Map<_, _> =
        labels.filter(|(key, _)| *key != ROLE).map(|(k, v)| (k.clone(), v.clone())).collect();
    let expressions = selector["matchExpressions"].as_array().into_iter().flatten();
    let expressions: Vec<_> = expressions.filter(|it| it["key"] != ROLE).cloned().collect();
    let mut all = json!({});
    if !labels.is_empty() {
        all["matchLabels"] = Value::Object(labels);
    }
    if !expressions.is_empty() {
        all["matchExpressions"] = Value::Array(expressions);
    }
    all
}

/// The selector of a child, from the target's: it never selects the pods of another role.
pub(crate) fn of_role(selector: &Value, role: Role) -> Value {
    let mut selector = of_all_roles(selector);
    selector["matchLabels"][ROLE] = json!(role_name(role));
    selector
}

/// Whether a child was made for a target of another selector: one can't be changed, so no template of
/// this target fits into the child.
pub(crate) fn differ(of_target: &Value, of_child: &Value) -> bool {
    let (target, child) = (of_all_roles(of_target), of_all_roles(of_child));
    target != child && text(&target) != text(&child)
}

/// The text of a selector as `metav1.LabelSelectorAsSelector` prints it: by key, values sorted;
/// `None` if it is empty, or holds what the API server would refuse.
#[must_use]
pub fn text(selector: &Value) -> Option<String> {
    let mut requirements = Vec::new();
    for (key, value) in selector["matchLabels"].as_object().into_iter().flatten() {
        requirements.push((key.as_str(), format!("{key}={}", value.as_str()?)));
    }
    for expression in selector["matchExpressions"].as_array().into_iter().flatten() {
        let key = expression["key"].as_str()?;
        let values = expression["values"].as_array().into_iter().flatten();
        let mut values = values.map(Value::as_str).collect::<Option<Vec<_>>>()?;
        values.sort_unstable();
        let text = match (expression["operator"].as_str()?, values.is_empty()) {
            ("In", false) => format!("{key} in ({})", values.join(",")),
            ("NotIn", false) => format!("{key} notin ({})", values.join(",")),
            ("Exists", true) => key.to_owned(),
            ("DoesNotExist", true) => format!("!{key}"),
            _ => return None,
        };
        requirements.push((key, text));
    }
    requirements.sort_by_key(|(key, _)| *key);
    let texts: Vec<_> = requirements.into_iter().map(|(_, text)| text).collect();
    (!texts.is_empty()).then(|| texts.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_is_that_of_kubernetes() {
        let text = |it: &Value| text(it);
        let both = json!({
            "matchLabels": {"tier": "worker", "app": "orders"},
            "matchExpressions": [
                {"key": "zone", "operator": "NotIn", "values": ["b", "a"]},
                {"key": "env", "operator": "In", "values": ["prod"]},
                {"key": "legacy", "operator": "DoesNotExist"},
                {"key": "team", "operator": "Exists", "values": []},
            ],
        });
        let expected = "app=orders,env in (prod),!legacy,team,tier=worker,zone notin (a,b)";
        assert_eq!(text(&both).as_deref(), Some(expected));
        let only = json!({"matchExpressions": [{"key": "app", "operator": "Exists"}]});
        assert_eq!(text(&only).as_deref(), Some("app"));
        assert_eq!(text(&json!({})), None, "an empty one selects everything");
        let unknown = json!({"matchExpressions": [{"key": "app", "operator": "Like"}]});
        assert_eq!(text(&unknown), None);
    }

    #[test]
    fn what_a_selector_says_of_the_role_does_not_clash_with_a_childs() {
        let kept_out = json!({
            "matchLabels": {"app": "orders"},
            "matchExpressions": [{"key": ROLE, "operator": "DoesNotExist"}],
        });
        let child = of_role(&kept_out, Role::Canary);
        assert_eq!(child, json!({"matchLabels": {"app": "orders", ROLE: "canary"}}));
        assert_eq!(text(&of_all_roles(&kept_out)).as_deref(), Some("app=orders"));
        assert!(!differ(&kept_out, &child), "a child of this target");
        assert!(differ(&json!({"matchLabels": {"app": "carts"}}), &child));
        let expressions = json!({"matchExpressions": [{"key": "app", "operator": "Exists"}]});
        let child = of_role(&expressions, Role::Primary);
        assert_eq!(child["matchLabels"], json!({ROLE: "primary"}));
        assert_eq!(child["matchExpressions"], expressions["matchExpressions"]);
    }
}
