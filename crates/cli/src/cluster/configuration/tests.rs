//! Kubeconfigs and flags, and what kubectl would make of them.
//! Files alone: no cluster is asked.

use std::fs;
use std::path::PathBuf;

use serde_json::json;

use super::*;

/// A file with two contexts, and a place that nothing else uses.
fn kubeconfig(test: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("siskin-cli-{test}-{}", std::process::id()));
    fs::create_dir_all(&folder).expect("a folder");
    let context = |name: &str, namespace: &str| {
        json!({
            "name": name, "context": {"cluster": name, "user": "ada", "namespace": namespace},
        })
    };
    let cluster =
        |name: &str| json!({"name": name, "cluster": {"server": format!("https://{name}")}});
    let config = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "one",
        "clusters": [cluster("one"), cluster("two")],
        "users": [{"name": "ada", "user": {"token": "t", "as": "grace"}}],
        "contexts": [context("one", "shop"), context("two", "bank")],
    });
    let file = folder.join("config");
    fs::write(&file, config.to_string()).expect("written");
    file
}

fn configured(args: &ClusterArgs) -> Result<Config, AskError> {
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(of(args))
}

#[test]
fn the_current_context_counts_unless_another_is_named_and_so_does_its_namespace() {
    let file = kubeconfig("context");
    let args = ClusterArgs { kubeconfig: Some(file.clone()), ..ClusterArgs::default() };
    let current = configured(&args).expect("configured");
    assert_eq!(current.default_namespace, "shop");
    assert_eq!(current.cluster_url.to_string(), "https://one/");
    assert_eq!(current.auth_info.impersonate.as_deref(), Some("grace"));
    let args = ClusterArgs { context: Some("two".to_owned()), ..args };
    let other = configured(&args).expect("configured");
    assert_eq!((other.default_namespace.as_str(), other.cluster_url.host()), ("bank", Some("two")));
    let args = ClusterArgs { namespace: Some("cellar".to_owned()), ..args };
    assert_eq!(configured(&args).expect("configured").default_namespace, "cellar");
}

#[test]
fn who_is_impersonated_is_what_the_flags_say() {
    let args = ClusterArgs {
        kubeconfig: Some(kubeconfig("as")),
        as_user: Some("ada".to_owned()),
        as_groups: vec!["on-call".to_owned(), "shop".to_owned()],
        ..ClusterArgs::default()
    };
    let config = configured(&args).expect("configured");
    assert_eq!(config.auth_info.impersonate.as_deref(), Some("ada"));
    assert_eq!(config.auth_info.impersonate_groups, Some(args.as_groups));
}

#[test]
fn what_is_wrong_with_a_kubeconfig_is_said() {
    let file = kubeconfig("wrong");
    let missing = file.with_file_name("none");
    let args = ClusterArgs { kubeconfig: Some(missing), ..ClusterArgs::default() };
    let error = configured(&args).expect_err("no file").to_string();
    assert!(error.contains("none"), "it names the file: {error}");
    let args = ClusterArgs {
        kubeconfig: Some(file),
        context: Some("three".to_owned()),
        ..ClusterArgs::default()
    };
    let error = configured(&args).expect_err("no context").to_string();
    assert!(error.contains("three"), "it names the context: {error}");
}

#[test]
fn the_first_of_several_files_wins() {
    let (first, second) = (kubeconfig("first"), kubeconfig("second"));
    let text = fs::read_to_string(&second).expect("read");
    fs::write(&second, text.replace("\"one\"", "\"other\"")).expect("written");
    let both = merged(&[first, second]).expect("merged");
    assert_eq!(both.current_context.as_deref(), Some("one"));
    assert!(both.contexts.iter().any(|it| it.name == "other"));
}
