//! What is in the namespace, kept up to date by watches: hundreds of courses wait without asking.
//! Changes nothing.

use std::time::{Duration, Instant};

use futures::StreamExt as _;
use k8s_openapi::api::apps::v1::Deployment;
use kube::api::{ApiResource, DynamicObject};
use kube::runtime::reflector::{ObjectRef, Store, reflector, store::Writer};
use kube::runtime::watcher::{self, watcher};
use kube::{Api, Client};
use siskin_api::CanaryRollout;
use tokio::task::AbortHandle;

/// Pause between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(100);

/// The Deployments and rollouts of a namespace.
#[derive(Clone)]
pub(super) struct Mirror {
    namespace: String,
    deployments: Store<DynamicObject>,
    rollouts: Store<CanaryRollout>,
    resource: ApiResource,
    _watches: std::sync::Arc<Watches>,
}

struct Watches(Vec<AbortHandle>);

impl Drop for Watches {
    fn drop(&mut self) {
        self.0.iter().for_each(AbortHandle::abort);
    }
}

impl Mirror {
    /// Begins to watch.
    pub(super) fn of(client: &Client, namespace: &str) -> Self {
        let resource = ApiResource::erase::<Deployment>(&());
        let writer = Writer::new(resource.clone());
        let deployments = writer.as_reader();
        let api = Api::namespaced_with(client.clone(), namespace, &resource);
        let one = reflector(writer, watcher(api, watcher::Config::default()));
        let writer = Writer::default();
        let rollouts = writer.as_reader();
        let api: Api<CanaryRollout> = Api::namespaced(client.clone(), namespace);
        let two = reflector(writer, watcher(api, watcher::Config::default()));
        let watches = vec![
            tokio::spawn(one.for_each(|_| async {})).abort_handle(),
            tokio::spawn(two.for_each(|_| async {})).abort_handle(),
        ];
        let watches = std::sync::Arc::new(Watches(watches));
        let namespace = namespace.to_owned();
        Self { namespace, deployments, rollouts, resource, _watches: watches }
    }

    /// A Deployment.
    pub(super) fn deployment(&self, name: &str) -> Option<std::sync::Arc<DynamicObject>> {
        let key = ObjectRef::new_with(name, self.resource.clone()).within(&self.namespace);
        self.deployments.get(&key)
    }

    /// A rollout.
    pub(super) fn rollout(&self, name: &str) -> Option<std::sync::Arc<CanaryRollout>> {
        self.rollouts.get(&ObjectRef::new(name).within(&self.namespace))
    }

    /// Waits until something is so; `None` when it is not within the time.
    pub(super) async fn until<T>(
        &self,
        within: Duration,
        mut look: impl FnMut(&Self) -> Option<T>,
    ) -> Option<T> {
        let deadline = Instant::now() + within;
        loop {
            if let Some(found) = look(self) {
                return Some(found);
            }
            if deadline < Instant::now() {
                return None;
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
    }
}
