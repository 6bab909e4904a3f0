//! Names of `CanaryRollouts`, for completions: at once or not at all.
//! Says nothing of errors: whoever presses Tab has asked for no text.

use std::time::Duration;

use kube::ResourceExt as _;

use crate::cluster::Cluster;
use crate::cluster::ask_error::AskError;
use crate::completion::words::Suggestion;
use crate::live::{runtime, view};
use crate::options::cluster::ClusterArgs;

/// Longest wait after a Tab.
const ANSWERS_WITHIN: Duration = Duration::from_secs(2);

/// The names in the namespace that is meant; none if they can't be had in time.
pub(crate) fn of(args: &ClusterArgs) -> Vec<Suggestion> {
    let Ok(runtime) = runtime() else { return Vec::new() };
    let asked = async { tokio::time::timeout(ANSWERS_WITHIN, names(args)).await };
    let names = match runtime.block_on(asked) {
        Ok(Ok(names)) => names,
        Ok(Err(_)) | Err(_) => Vec::new(),
    };
    // A login program that hangs is not waited for either.
    runtime.shutdown_background();
    names
}

async fn names(args: &ClusterArgs) -> Result<Vec<Suggestion>, AskError> {
    let rollouts = Cluster::of(args).await?.rollouts(false).await?;
    let phase = |it: &siskin_api::CanaryRollout| it.status.as_ref().and_then(|it| it.phase);
    let suggestion = |it: &siskin_api::CanaryRollout| Suggestion {
        word: it.name_any(),
        about: phase(it).map_or("not seen yet", view::phase).to_owned(),
    };
    Ok(rollouts.iter().map(suggestion).collect())
}
