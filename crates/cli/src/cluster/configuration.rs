//! Kubeconfig and flags as one configuration, by kubectl's rules.
//! Reads files and runs what the kubeconfig names for a login; asks no cluster.

use std::path::{Path, PathBuf};

use kube::Config;
use kube::config::{KubeConfigOptions, Kubeconfig};

use crate::cluster::ask_error::AskError;
use crate::options::cluster::ClusterArgs;

/// The configuration that kubectl would have with these flags.
pub(crate) async fn of(args: &ClusterArgs) -> Result<Config, AskError> {
    let files = files(args.kubeconfig.as_deref());
    let mut config = if files.is_empty() {
        // In a pod, as kubectl does it; but who names a context wants a kubeconfig.
        let incluster = Config::incluster().ok().filter(|_| args.context.is_none());
        incluster.ok_or(AskError::NoKubeconfig)?
    } else {
        let options =
            KubeConfigOptions { context: args.context.clone(), ..KubeConfigOptions::default() };
        let merged = merged(&files)?;
        Config::from_custom_kubeconfig(merged, &options)
            .await
            .map_err(|it| AskError::Kubeconfig(it.to_string()))?
    };
    if let Some(namespace) = &args.namespace {
        config.default_namespace.clone_from(namespace);
    }
    if let Some(user) = &args.as_user {
        config.auth_info.impersonate = Some(user.clone());
        config.auth_info.impersonate_groups = Some(args.as_groups.clone());
    }
    Ok(config)
}

/// One that is named has to be there; of the others those count that exist.
fn files(named: Option<&Path>) -> Vec<PathBuf> {
    if let Some(named) = named {
        return vec![named.to_owned()];
    }
    let listed = std::env::var_os("KUBECONFIG").filter(|it| !it.is_empty());
    let all = match &listed {
        Some(listed) => std::env::split_paths(listed).collect(),
        None => std::env::home_dir().map(|it| it.join(".kube/config")).into_iter().collect(),
    };
    let all: Vec<PathBuf> = all;
    all.into_iter().filter(|it| it.is_file()).collect()
}

/// The first file that says something wins.
fn merged(files: &[PathBuf]) -> Result<Kubeconfig, AskError> {
    files.iter().try_fold(Kubeconfig::default(), |merged, file| {
        let read = Kubeconfig::read_from(file);
        let next = read.map_err(|it| AskError::Kubeconfig(it.to_string()))?;
        merged.merge(next).map_err(|it| AskError::Kubeconfig(it.to_string()))
    })
}

#[cfg(test)]
mod tests;
