//! The admission guard and the operator's roles name the same things as the types do.
//! That the policy does what it says is tested on a real API server, not here.

use std::error::Error;
use std::path::Path;

use kube::Resource;
use serde::Deserialize;
use serde_json::Value;
use siskin_api::guard::{GUARD, MAX_TARGETS};
use siskin_api::{CanaryGuard, Crd, annotations};

fn documents(file: &str) -> Result<Vec<Value>, Box<dyn Error>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../config").join(file);
    let text = std::fs::read_to_string(path)?;
    Ok(serde_yaml_ng::Deserializer::from_str(&text)
        .map(Value::deserialize)
        .collect::<Result<_, _>>()?)
}

#[test]
fn the_guard_notes_the_count_where_the_operator_reads_it() -> Result<(), Box<dyn Error>> {
    let policy = &documents("guard/policy.yaml")?[0];
    let mutation = &policy["spec"]["mutations"][0]["applyConfiguration"]["expression"];
    let mutation = mutation.as_str().ok_or("the guard has a mutation")?;
    assert!(mutation.contains(&format!("{:?}: string(", annotations::target::REPLICAS)));

    let kind = &policy["spec"]["paramKind"];
    assert_eq!(kind["apiVersion"], CanaryGuard::api_version(&()).as_ref());
    assert_eq!(kind["kind"], CanaryGuard::kind(&()).as_ref());
    assert_eq!(documents("guard/policy.yaml")?[1]["spec"]["paramRef"]["name"], GUARD);
    let schema = serde_json::to_value(Crd::Guard.definition())?;
    let spec = "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties";
    let most = schema.pointer(&format!("{spec}/targets/maxProperties"));
    assert_eq!(most, Some(&Value::from(MAX_TARGETS)));
    let excluded = &policy["spec"]["matchConstraints"]["objectSelector"]["matchExpressions"][0];
    assert_eq!(excluded["key"], annotations::ROLE);
    let conditions = policy["spec"]["matchConditions"].as_array().ok_or("conditions")?;
    let handed_back = conditions.iter().any(|it| {
        it["expression"].as_str().is_some_and(|it| it.contains(annotations::target::WRITTEN))
    });
    assert!(handed_back, "a hand-back is known by what its first write leaves on the target");
    Ok(())
}

#[test]
fn the_guard_lets_the_operator_itself_through() -> Result<(), Box<dyn Error>> {
    let account = &documents("rbac/service_account.yaml")?[0]["metadata"];
    let user = format!(
        "system:serviceaccount:{}:{}",
        account["namespace"].as_str().ok_or("a namespace")?,
        account["name"].as_str().ok_or("a name")?,
    );
    assert_eq!(documents("guard/parameters.yaml")?[0]["data"]["operator"], user.as_str());

    let policy = &documents("guard/policy.yaml")?[0];
    let conditions = policy["spec"]["matchConditions"].as_array().ok_or("conditions")?;
    let exempt = conditions.iter().find(|it| it["name"] == "not-the-operator");
    let expression = exempt.and_then(|it| it["expression"].as_str()).ok_or("an exemption")?;
    assert_eq!(expression, format!("request.userInfo.username != '{user}'"));
    Ok(())
}

#[test]
fn the_operator_runs_under_the_account_that_has_the_roles() -> Result<(), Box<dyn Error>> {
    let account = &documents("rbac/service_account.yaml")?[0]["metadata"];
    let deployment = &documents("manager/deployment.yaml")?[0];
    assert_eq!(deployment["spec"]["template"]["spec"]["serviceAccountName"], account["name"]);
    assert_eq!(deployment["metadata"]["namespace"], account["namespace"]);
    for file in ["rbac/operator_role.yaml", "rbac/leader_role.yaml"] {
        let binding = &documents(file)?[1];
        assert_eq!(binding["subjects"][0]["name"], account["name"], "{file}");
        assert_eq!(binding["subjects"][0]["namespace"], account["namespace"], "{file}");
        assert_eq!(binding["roleRef"]["name"], documents(file)?[0]["metadata"]["name"], "{file}");
    }
    Ok(())
}
