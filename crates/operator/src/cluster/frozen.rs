//! The listing of frozen templates: as new as anything that was seen of any, through the API server's
//! cache where that is new enough by itself. What is in them is not known here.

use std::time::Duration;

use k8s_openapi::api::apps::v1::ControllerRevision;
use kube::api::{ListParams, ObjectList, VersionMatch};
use kube::{Api, Error};
use tokio::time::timeout;

use crate::cluster::calls::{CallFailed, Cluster, call, of_targets};

/// A cache that has what is asked for answers within milliseconds. One that has not waits for 3 s and
/// refuses, and the client tries that again.
const CACHE_WITHIN: Duration = Duration::from_millis(500);

impl Cluster {
    /// The frozen templates of these targets, as new as anything that was seen of any: the first
    /// time as new as can be.
    pub(crate) async fn frozen(
        &self,
        namespace: &str,
        targets: &[&str],
    ) -> Result<Vec<ControllerRevision>, CallFailed> {
        let (api, selection) = (self.revisions(namespace), of_targets(targets));
        let what = || format!("ControllerRevisions of {}", targets.join(", "));
        let list = Box::pin(call("list", what, self.list_frozen(&api, &selection))).await;
        match &list {
            Ok(list) => self.newest.note(list.metadata.resource_version.as_deref()),
            Err(_) => self.newest.forget(),
        }
        Ok(list?.items)
    }

    async fn list_frozen(
        &self,
        api: &Api<ControllerRevision>,
        selection: &ListParams,
    ) -> kube::Result<ObjectList<ControllerRevision>> {
        if let Some(version) = self.newest.known() {
            let selection = selection.clone().at(&version).matching(VersionMatch::NotOlderThan);
            match timeout(CACHE_WITHIN, api.list(&selection)).await {
                Ok(Err(error)) if is_too_new(&error) => {}
                Ok(answer) => return answer,
                Err(_) => {}
            }
            tracing::debug!(version, "the API server's cache of ControllerRevisions lags");
            self.newest.lags();
        }
        api.list(selection).await
    }
}

/// Whether the API server's cache has not reached the version that was asked for.
fn is_too_new(error: &Error) -> bool {
    let Error::Api(status) = error else { return false };
    status.message.contains("Too large resource version")
}

#[cfg(test)]
mod tests;
