//! The API server as Siskin sees it: which calls, with which deadline. No decision is made here.
//! Deployments travel as JSON: a field that this build does not know must survive a round trip.

use std::fmt::Debug;
use std::future::Future;
use std::time::Duration;

use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::api::apps::v1::{ControllerRevision, Deployment};
use k8s_openapi::api::core::v1::{ConfigMap, Namespace, Secret};
use kube::api::{
    ApiResource, DynamicObject, GetParams, ListParams, ObjectList, PostParams, VersionMatch,
};
use kube::core::DeserializeGuard;
use kube::{Api, Client, Resource};
use serde::de::DeserializeOwned;
use siskin_api::CanaryRollout;
use siskin_api::annotations::{ROLE, TARGET};

use crate::cluster::answers::{is_denial, is_leaving};
use crate::cluster::newest::NewestRevision;
use crate::cluster::taken::Taken;
use crate::cluster::watching::telling;
use crate::cluster::wire::as_written_by_the_server;
use crate::name::Name;

/// A read that has not been answered by then is given up; the pass is tried again.
const READ_DEADLINE: Duration = Duration::from_secs(10);
/// A write, or the try of one, that has not been answered by then is given up. A webhook may take
/// 30 s, and the API server ends any write after 34: whoever waits less never hears which webhook
/// it was.
pub(crate) const WRITE_DEADLINE: Duration = Duration::from_secs(40);

/// A call that failed: what was attempted, and why it failed.
#[derive(Debug, thiserror::Error)]
#[error("could not {verb} {what}")]
pub struct CallFailed {
    pub(crate) verb: &'static str,
    /// The kind, and which one.
    pub what: String,
    #[source]
    pub(crate) source: CallError,
}

/// Why a call failed.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The API server refused, or could not be reached.
    #[error(transparent)]
    Api(#[from] kube::Error),
    /// No answer in time.
    #[error("no answer within {}s", .0.as_secs())]
    Deadline(Duration),
}

impl CallFailed {
    /// Whether the API server refused because of this field.
    pub(crate) fn is_about(&self, field: &str) -> bool {
        let CallError::Api(kube::Error::Api(status)) = &self.source else { return false };
        let causes = status.details.iter().flat_map(|it| &it.causes);
        status.code == 422 && causes.into_iter().any(|it| it.field == field)
    }

    /// Whether an object of this name exists already.
    pub(crate) fn is_taken(&self) -> bool {
        let CallError::Api(kube::Error::Api(status)) = &self.source else { return false };
        status.reason == "AlreadyExists"
    }

    /// Whether there is no such object.
    pub(crate) fn is_absent(&self) -> bool {
        let CallError::Api(kube::Error::Api(status)) = &self.source else { return false };
        status.code == 404 && !is_denial(status)
    }

    /// Somebody else changed or removed the object since it was read: look again, nothing is wrong.
    /// A webhook may answer with any code, and its no is none of it.
    pub(crate) fn is_conflict(&self) -> bool {
        match &self.source {
            CallError::Api(kube::Error::Api(status)) => {
                matches!(status.code, 404 | 409) && !is_denial(status) && !is_leaving(status)
            }
            CallError::Api(_) | CallError::Deadline(_) => false,
        }
    }
}

/// An object, if it is there.
pub type Found<T> = Result<Option<T>, CallFailed>;

/// How new the answer to a read of one object must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// What is true now: whatever is done about it counts on that.
    Live,
    /// What the API server's cache has, commonly some milliseconds old: a third of the cost.
    Cached,
}

/// Calls of one namespace.
#[derive(Clone)]
pub struct Cluster {
    client: Client,
    freshness: Freshness,
    /// How new a listing of frozen templates must be.
    pub newest: NewestRevision,
    /// What the cluster makes of what is written.
    pub(crate) taken: Taken,
}

impl Cluster {
    /// Calls through this client.
    #[must_use]
    pub fn new(client: Client) -> Self {
        let (newest, taken) = (NewestRevision::default(), Taken::default());
        Self { client, freshness: Freshness::Live, newest, taken }
    }

    /// Calls like these, with objects read like this.
    pub(crate) fn reading(&self, freshness: Freshness) -> Self {
        Self { freshness, ..self.clone() }
    }

    pub(crate) const fn freshness(&self) -> Freshness {
        self.freshness
    }

    /// The client, for calls of this room.
    pub(super) fn client(&self) -> Client {
        self.client.clone()
    }

    /// Objects of one namespace, or of all: for watches.
    #[must_use]
    pub fn all<K>(&self, namespace: Option<&str>) -> Api<K>
    where
        K: Resource<Scope = NamespaceResourceScope>,
        K::DynamicType: Default,
    {
        match namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        }
    }

    /// As this, and `taken` is called whenever the API server takes up a watch.
    pub(crate) fn telling(&self, taken: impl Fn() + Send + Sync + 'static) -> Self {
        Self { client: telling(self.client.clone(), taken), ..self.clone() }
    }

    /// Deployments as JSON.
    pub(crate) fn deployments(&self, namespace: &str) -> Api<DynamicObject> {
        let resource = ApiResource::erase::<Deployment>(&());
        Api::namespaced_with(self.client.clone(), namespace, &resource)
    }

    /// The rollouts of a namespace.
    #[must_use]
    pub fn rollouts(&self, namespace: &str) -> Api<CanaryRollout> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// One frozen template.
    pub(crate) async fn revision(&self, namespace: &str, name: &str) -> Found<ControllerRevision> {
        get(&self.revisions(namespace), "ControllerRevision", name).await
    }

    /// Creates a frozen template, in the form in which the API server gives it back.
    pub(crate) async fn create_frozen(
        &self,
        namespace: &str,
        object: &ControllerRevision,
        params: &PostParams,
    ) -> kube::Result<ControllerRevision> {
        let url = ControllerRevision::url_path(&(), Some(namespace));
        let body = as_written_by_the_server(object).map_err(kube::Error::SerdeError)?;
        let request = kube::core::Request::new(url).create(params, body);
        self.client.request(request.map_err(kube::Error::BuildRequest)?).await
    }

    /// The frozen templates of a namespace.
    pub(crate) fn revisions(&self, namespace: &str) -> Api<ControllerRevision> {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// One Deployment.
    pub(crate) async fn deployment(&self, namespace: &str, name: &str) -> Found<DynamicObject> {
        let api = self.deployments(namespace);
        match self.freshness {
            Freshness::Live => get(&api, "Deployment", name).await,
            Freshness::Cached => cached(&api, "Deployment", name).await,
        }
    }

    /// One rollout.
    pub(crate) async fn rollout(&self, name: &Name) -> Found<CanaryRollout> {
        let api = self.rollouts(&name.namespace);
        match self.freshness {
            Freshness::Live => get(&api, "CanaryRollout", &name.name).await,
            Freshness::Cached => cached(&api, "CanaryRollout", &name.name).await,
        }
    }

    /// Rollouts of a namespace in the order of their names, so many at most, and where the next ones
    /// begin. One that can't be read is left out.
    pub(crate) async fn page_of_rollouts(
        &self,
        namespace: &str,
        most: u32,
        from: Option<&str>,
    ) -> Result<(Vec<CanaryRollout>, Option<String>), CallFailed> {
        let api: Api<DeserializeGuard<CanaryRollout>> =
            Api::namespaced(self.client.clone(), namespace);
        let what = || format!("CanaryRollouts of {namespace}");
        let page = page(ListParams::default().limit(most), from);
        let (rollouts, next) = parted(call("list", what, api.list(&page)).await?);
        Ok((rollouts.into_iter().filter_map(|it| it.0.ok()).collect(), next))
    }

    /// Deployments of a namespace that were made for no target, in the order of their names, so many
    /// at most, and where the next ones begin.
    pub(crate) async fn page_of_others(
        &self,
        namespace: &str,
        most: u32,
        from: Option<&str>,
    ) -> Result<(Vec<DynamicObject>, Option<String>), CallFailed> {
        let others = ListParams::default().labels(&format!("!{ROLE}")).limit(most);
        let (api, page) = (self.deployments(namespace), page(others, from));
        let what = || format!("Deployments of {namespace}");
        Ok(parted(call("list", what, api.list(&page)).await?))
    }

    /// The children of these targets, as the API server's cache has them.
    pub(crate) async fn cached_children(
        &self,
        namespace: &str,
        targets: &[&str],
    ) -> Result<Vec<DynamicObject>, CallFailed> {
        let selection = of_targets(targets).at("0").matching(VersionMatch::NotOlderThan);
        let what = || format!("Deployments made for {}", targets.join(", "));
        let list = call("list", what, self.deployments(namespace).list(&selection)).await?;
        Ok(list.items)
    }

    /// Whether the namespace is going away. Where this process may not ask, it stays: what runs is
    /// kept.
    pub(crate) async fn is_terminating(&self, namespace: &str) -> Result<bool, CallFailed> {
        let api: Api<Namespace> = Api::all(self.client.clone());
        let found = match get(&api, "Namespace", namespace).await {
            Err(error) if error.is_refused() => return Ok(false),
            found => found?,
        };
        Ok(found.is_none_or(|it| it.metadata.deletion_timestamp.is_some()))
    }

    /// A `ConfigMap`: replay ranges.
    pub(crate) async fn config_map(&self, namespace: &str, name: &str) -> Found<ConfigMap> {
        get(&self.all(Some(namespace)), "ConfigMap", name).await
    }

    /// A Secret, for credentials.
    pub(crate) async fn secret(&self, namespace: &str, name: &str) -> Found<Secret> {
        get(&Api::namespaced(self.client.clone(), namespace), "Secret", name).await
    }
}

/// The page of a listing that begins here, or the first one.
pub(super) fn page(listing: ListParams, from: Option<&str>) -> ListParams {
    match from {
        Some(from) => listing.continue_token(from),
        None => listing,
    }
}

/// The objects of a page, and where the next one begins.
pub(super) fn parted<K: Clone>(page: ObjectList<K>) -> (Vec<K>, Option<String>) {
    (page.items, page.metadata.continue_.filter(|it| !it.is_empty()))
}

/// What belongs to any of these targets.
pub(super) fn of_targets(targets: &[&str]) -> ListParams {
    ListParams::default().labels(&match targets {
        [target] => format!("{TARGET}={target}"),
        targets => format!("{TARGET} in ({})", targets.join(",")),
    })
}

async fn get<K: Clone + Debug + DeserializeOwned>(
    api: &Api<K>,
    kind: &str,
    name: &str,
) -> Found<K> {
    call("get", || format!("{kind} {name}"), api.get_opt(name)).await
}

/// Reads an object as the API server's cache has it.
async fn cached<K: Clone + Debug + DeserializeOwned>(
    api: &Api<K>,
    kind: &str,
    name: &str,
) -> Found<K> {
    let found = async {
        match api.get_with(name, &GetParams::any()).await {
            Ok(found) => Ok(Some(found)),
            Err(kube::Error::Api(status)) if status.code == 404 => Ok(None),
            Err(error) => Err(error),
        }
    };
    call("get", || format!("{kind} {name}"), found).await
}

/// One read under its deadline.
pub(crate) async fn call<T>(
    verb: &'static str,
    what: impl FnOnce() -> String,
    answer: impl Future<Output = kube::Result<T>>,
) -> Result<T, CallFailed> {
    within(READ_DEADLINE, verb, what, answer).await
}

/// One call that admission has a say in, under its deadline: a write, or the try of one.
pub(crate) async fn admitted<T>(
    verb: &'static str,
    what: impl FnOnce() -> String,
    answer: impl Future<Output = kube::Result<T>>,
) -> Result<T, CallFailed> {
    within(WRITE_DEADLINE, verb, what, answer).await
}

async fn within<T>(
    deadline: Duration,
    verb: &'static str,
    what: impl FnOnce() -> String,
    answer: impl Future<Output = kube::Result<T>>,
) -> Result<T, CallFailed> {
    let source = match tokio::time::timeout(deadline, answer).await {
        Ok(Ok(found)) => return Ok(found),
        Ok(Err(error)) => CallError::Api(error),
        Err(_) => CallError::Deadline(deadline),
    };
    Err(CallFailed { verb, what: what(), source })
}

#[cfg(test)]
mod tests;
