//! A manifest that the API server takes, from one that it may refuse: what it complains about is taken out, until nothing
//! is left to complain about. Creates nothing: the server is asked by dry runs.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ApiResource, DynamicObject, PostParams};
use kube::core::response::{Status, StatusCause};
use kube::{Api, Client};
use serde_json::{Value, json};

/// Dry runs before a manifest is given up.
const MOST_TRIES: usize = 40;

/// What became of a manifest.
#[derive(Debug, Default)]
pub struct Accepted {
    /// The manifest that the server takes; `None` where it could not be mended.
    pub manifest: Option<Box<DynamicObject>>,
    /// What the server refused on the way: the fields without their places in lists, and its words.
    pub refusals: Vec<Refusal>,
}

/// A field that the API server refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// As `spec.template.spec.containers[*].env[*].name`.
    pub field: String,
    /// The server's words.
    pub words: String,
}

/// Takes out of a Deployment what the server refuses, of it or of its pods.
///
/// # Errors
/// The server could not be asked.
pub async fn accepted(
    client: &Client,
    namespace: &str,
    mut manifest: DynamicObject,
) -> kube::Result<Accepted> {
    let deployments = ApiResource::erase::<Deployment>(&());
    let deployments: Api<DynamicObject> =
        Api::namespaced_with(client.clone(), namespace, &deployments);
    let of_pods = ApiResource::erase::<Pod>(&());
    let pods: Api<DynamicObject> = Api::namespaced_with(client.clone(), namespace, &of_pods);
    let mut refusals = Vec::new();
    for _ in 0..MOST_TRIES {
        let mut pod = DynamicObject::new("a-pod-of-it", &of_pods);
        let template = &manifest.data["spec"]["template"];
        pod.metadata.labels = serde_json::from_value(template["metadata"]["labels"].clone()).ok();
        pod.data = json!({"spec": template["spec"]});
        let complaint = match complaint(&deployments, &manifest).await? {
            Some(status) => Some((status, "")),
            None => complaint(&pods, &pod).await?.map(|it| (it, "spec.template.")),
        };
        let Some((status, place)) = complaint else {
            return Ok(Accepted { manifest: Some(Box::new(manifest)), refusals });
        };
        refusals.extend(told(&status, place));
        if !mend(&mut manifest.data, &status, place) {
            break;
        }
    }
    Ok(Accepted { manifest: None, refusals })
}

/// What the server said, field by field; a plugin names none.
fn told(status: &Status, place: &str) -> Vec<Refusal> {
    let causes: Vec<_> = status.details.iter().flat_map(|it| &it.causes).collect();
    if causes.is_empty() {
        return vec![Refusal { field: place.to_owned(), words: status.message.clone() }];
    }
    let told = |it: &&StatusCause| Refusal {
        field: without_places(&format!("{place}{}", it.field)),
        words: it.message.clone(),
    };
    causes.iter().map(told).collect()
}

/// `a[0].b[12]` as `a[*].b[*]`.
fn without_places(path: &str) -> String {
    let mut parts = path.split('[');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |all, part| match part.split_once(']') {
        Some((place, rest)) if place.parse::<usize>().is_ok() => format!("{all}[*]{rest}"),
        Some(_) | None => format!("{all}[{part}"),
    })
}

/// What the server has against an object.
async fn complaint(
    api: &Api<DynamicObject>,
    object: &DynamicObject,
) -> kube::Result<Option<Box<Status>>> {
    let dry = PostParams { dry_run: true, ..PostParams::default() };
    match api.create(&dry, object).await {
        Ok(_) => Ok(None),
        Err(kube::Error::Api(status)) if matches!(status.code, 400 | 403 | 422) => Ok(Some(status)),
        Err(error) => Err(error),
    }
}

/// Takes out what the server names; whether anything was.
fn mend(data: &mut Value, status: &Status, place: &str) -> bool {
    let causes = status.details.iter().flat_map(|it| &it.causes);
    let mut paths: Vec<_> = causes.map(|it| steps(&format!("{place}{}", it.field))).collect();
    // From the last to the first, so that elements keep their places until it is their turn.
    paths.sort_by(|a, b| b.cmp(a));
    paths.dedup();
    // All of them, also after one that led to something.
    let mended = paths.iter().filter(|path| take_out(data, path)).count();
    0 < mended
}

/// One step down.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum PathStep {
    Field(String),
    Element(usize),
}

/// `spec.containers[0].env[1]` as steps.
fn steps(path: &str) -> Vec<PathStep> {
    let mut steps = Vec::new();
    let mut rest = path;
    while !rest.is_empty() {
        rest = rest.trim_start_matches('.');
        if let Some(inner) = rest.strip_prefix('[') {
            let (key, after) = inner.split_once(']').unwrap_or((inner, ""));
            let index = key.parse().map(PathStep::Element);
            steps.push(index.unwrap_or_else(|_| PathStep::Field(key.trim_matches('"').into())));
            rest = after;
        } else {
            let end = rest.find(['.', '[']).unwrap_or(rest.len());
            steps.push(PathStep::Field(rest[..end].into()));
            rest = &rest[end..];
        }
    }
    steps
}

/// Removes what a path leads to; where it leads to nothing, what should have had it. Where that is something without which
/// there is no pod, another of its fields goes: one that asks for what is not there.
fn take_out(data: &mut Value, path: &[PathStep]) -> bool {
    if path.len() < 3 {
        return false;
    }
    let mut length = path.len();
    while 2 < length && found(data, &path[..length]).is_none() {
        length -= 1;
    }
    if is_essential(&path[..length]) {
        return found(data, &path[..length]).is_some_and(take_out_another);
    }
    let Some((last, parents)) = path[..length].split_last() else { return false };
    match (found(data, parents), last) {
        (Some(Value::Object(fields)), PathStep::Field(name)) => fields.remove(name).is_some(),
        (Some(Value::Array(items)), PathStep::Element(index)) if *index < items.len() => {
            items.remove(*index);
            true
        }
        _ => false,
    }
}

/// The template, its spec, its containers and each of them.
fn is_essential(path: &[PathStep]) -> bool {
    let named = |at: usize, name: &str| path.get(at) == Some(&PathStep::Field(name.into()));
    path.len() <= 3 || (path.len() <= 5 && named(2, "spec") && named(3, "containers"))
}

/// The next field that a pod can do without.
fn take_out_another(of: &mut Value) -> bool {
    const KEPT: [&str; 7] =
        ["containers", "nodeName", "name", "image", "metadata", "spec", "labels"];
    let Some(fields) = of.as_object_mut() else { return false };
    // A switch, as `dnsPolicy: None`, asks for another field; a structure seldom does.
    let next = fields
        .iter()
        .find(|(name, it)| !KEPT.contains(&name.as_str()) && (it.is_string() || it.is_boolean()));
    let next = next.or_else(|| fields.iter().find(|(name, _)| !KEPT.contains(&name.as_str())));
    let Some(name) = next.map(|it| it.0.clone()) else { return false };
    fields.remove(&name).is_some()
}

fn found<'a>(data: &'a mut Value, path: &[PathStep]) -> Option<&'a mut Value> {
    path.iter().try_fold(data, |at, step| match step {
        PathStep::Field(name) => at.get_mut(name),
        PathStep::Element(index) => at.get_mut(index),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_are_counted_by_field_whatever_the_element() {
        assert_eq!(without_places("spec.a[0].b[12]"), "spec.a[*].b[*]");
        assert_eq!(without_places("spec.a[x.y].b"), "spec.a[x.y].b");
    }

    #[test]
    fn what_the_server_names_is_taken_out_and_nothing_else() {
        let data = || json!({"spec": {"template": {"a": [{"b": 1}, {"b": 2, "c": {"x.y": 3}}]}}});
        let without = |path: &str| {
            let mut data = data();
            take_out(&mut data, &steps(path)).then(|| data["spec"]["template"].take())
        };
        assert_eq!(
            without("spec.template.a[0].b"),
            Some(json!({"a": [{}, {"b": 2, "c": {"x.y": 3}}]}))
        );
        assert_eq!(without("spec.template.a[0]"), Some(json!({"a": [{"b": 2, "c": {"x.y": 3}}]})));
        assert_eq!(
            without("spec.template.a[1].c[x.y]"),
            Some(json!({"a": [{"b": 1}, {"b": 2, "c": {}}]}))
        );
        // Required, and not there: what should have had it goes.
        assert_eq!(without("spec.template.a[1].c.z"), Some(json!({"a": [{"b": 1}, {"b": 2}]})));
        assert_eq!(without("metadata.name"), None);
    }
}
