//! The `CustomResourceDefinitions` of the cluster against those of this build.
//! Compares which fields there are; what a field may hold is the API server's.

use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::ResourceExt as _;
use serde_json::Value;
use siskin_api::Crd;

use crate::cluster::look::Look;
use crate::live::doctor::diagnosis::Diagnosis;

/// Fields that are named; the rest is counted.
const MAX_NAMED: usize = 4;

/// What a definition lacks, or has that this build does not know.
pub(crate) fn of(kind: Crd, look: &Look<Option<CustomResourceDefinition>>) -> Diagnosis {
    let ours = kind.definition();
    let name = ours.name_any();
    let theirs = match look {
        Look::Refused(why) => return Diagnosis::unchecked(&format!("definition {name}"), why),
        Look::Read(None) => {
            let text = format!("definition {name} does not exist: Siskin is not installed here");
            return Diagnosis::wrong(
                text,
                "kubectl apply -k config/crd, or the chart (docs/install.md)",
            );
        }
        Look::Read(Some(theirs)) => theirs,
    };
    let apply = "kubectl apply --server-side -k config/crd, of the operator's version";
    if !is_established(theirs) {
        let text =
            format!("definition {name} is not served: its condition Established is not True");
        return Diagnosis::wrong(text, format!("kubectl describe crd {name}"));
    }
    let (Some(ours), Some(theirs)) = (fields(&ours), fields(theirs)) else {
        let text = format!("definition {name} does not serve the version of this program");
        return Diagnosis::wrong(text, apply);
    };
    let missing: Vec<&String> = ours.iter().filter(|it| !theirs.contains(it)).collect();
    let unknown: Vec<&String> = theirs.iter().filter(|it| !ours.contains(it)).collect();
    if !missing.is_empty() {
        let text = format!(
            "definition {name} is older than this program: it lacks {}, and the API server drops what it does not know",
            named(&missing)
        );
        return Diagnosis::wrong(text, apply);
    }
    if !unknown.is_empty() {
        let text =
            format!("definition {name} is newer than this program: it has {}", named(&unknown));
        return Diagnosis::note(text, "use the plugin of the operator's version");
    }
    Diagnosis::fine(format!("definition {name} has the fields of this build"))
}

fn is_established(it: &CustomResourceDefinition) -> bool {
    let conditions = it.status.as_ref().and_then(|it| it.conditions.as_ref());
    conditions.into_iter().flatten().any(|it| it.type_ == "Established" && it.status == "True")
}

/// Paths of all fields of the first version of this build, if it is served.
fn fields(definition: &CustomResourceDefinition) -> Option<Vec<String>> {
    let version = Crd::Rollout.definition().spec.versions.into_iter().next()?.name;
    let served = definition.spec.versions.iter().find(|it| it.name == version && it.served)?;
    let schema = served.schema.as_ref()?.open_api_v3_schema.as_ref()?;
    let schema = serde_json::to_value(schema).ok()?;
    let mut paths = Vec::new();
    // Where the API server fills in the fields of every object, they are no difference.
    for part in ["spec", "status"] {
        collect(&schema["properties"][part], part, &mut paths);
    }
    Some(paths)
}

fn collect(schema: &Value, path: &str, paths: &mut Vec<String>) {
    for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
        let path = format!("{path}.{name}");
        collect(schema, &path, paths);
        paths.push(path);
    }
    for inner in ["items", "additionalProperties"] {
        if schema[inner].is_object() {
            collect(&schema[inner], &format!("{path}[]"), paths);
        }
    }
}

/// The outermost paths, few of them.
fn named(paths: &[&String]) -> String {
    let within = |it: &str| {
        paths.iter().any(|other| {
            it.strip_prefix(other.as_str()).is_some_and(|it| it.starts_with(['.', '[']))
        })
    };
    let outer: Vec<&str> = paths.iter().map(|it| it.as_str()).filter(|it| !within(it)).collect();
    let first = outer[..outer.len().min(MAX_NAMED)].join(", ");
    match outer.len().saturating_sub(MAX_NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}
