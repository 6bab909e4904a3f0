//! Which cluster, and which rollout there: what all commands that speak to a cluster take.
//! Parses and bounds; reads no kubeconfig.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

/// Namespace of the operator, where nobody says another one.
pub(crate) const OPERATOR_NAMESPACE: &str = "siskin-system";

/// Which cluster, as whom, and where: kubectl's flags, with kubectl's meaning.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct ClusterArgs {
    /// Namespace, instead of that of the context.
    #[arg(short, long, value_name = "NAMESPACE")]
    pub(crate) namespace: Option<String>,
    /// Context of the kubeconfig, instead of the current one.
    #[arg(long, value_name = "NAME")]
    pub(crate) context: Option<String>,
    /// The kubeconfig, instead of those of $KUBECONFIG, and ~/.kube/config.
    #[arg(long, value_name = "FILE")]
    pub(crate) kubeconfig: Option<PathBuf>,
    /// User to impersonate.
    #[arg(long = "as", value_name = "USER")]
    pub(crate) as_user: Option<String>,
    /// Group to impersonate. Can be given several times; needs --as.
    #[arg(long = "as-group", value_name = "GROUP", requires = "as_user")]
    pub(crate) as_groups: Vec<String>,
}

/// The rollout that is meant: by its own name, or by that of its Deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Subject {
    Rollout(String),
    Deployment(String),
}

impl FromStr for Subject {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (kind, name) = text.split_once('/').unwrap_or(("cro", text));
        if name.is_empty() || name.contains('/') {
            return Err("want NAME, canaryrollout/NAME or deployment/NAME".to_owned());
        }
        match kind {
            "cro" | "canaryrollout" | "canaryrollouts" | "canaryrollout.siskin.dev" => {
                Ok(Self::Rollout(name.to_owned()))
            }
            "deploy" | "deployment" | "deployments" | "deployment.apps" => {
                Ok(Self::Deployment(name.to_owned()))
            }
            other => Err(format!("{other} is neither canaryrollout nor deployment")),
        }
    }
}
