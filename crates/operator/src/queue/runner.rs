//! The queue of passes: each name once, one pass per name at a time, failed ones later.
//! Knows names; what a pass does is its own business.

use std::sync::Arc;
use std::time::Duration;

use futures::{Stream, StreamExt, future};
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::controller::{self, Action, ReconcileRequest};
use kube::runtime::reflector::ObjectRef;
use kube::runtime::watcher;

use crate::name::Name;
use crate::observe::index::Index;
use crate::pass::{PassFailed, Passes};
use crate::per_rollout::PerRollout;
use crate::queue::watches::{Scope, SeenRollout, Triggers, name, watch_names};

/// The first retry of a failed pass, doubled up to [`MAX_BACKOFF`].
const FIRST_BACKOFF: Duration = Duration::from_millis(500);
/// The longest time between two tries.
const MAX_BACKOFF: Duration = Duration::from_secs(300);

/// What the queue runs, and how often each rollout's pass has failed in a row.
struct Runner {
    passes: Passes,
    failures: PerRollout<u32>,
}

/// Runs passes until the process ends.
pub async fn run<P: Stream<Item = Pod> + Send + 'static>(
    scope: Scope,
    passes: Passes,
    index: Index,
    triggers: Triggers<P>,
) {
    let (store, names) = watch_names(&scope, &index, triggers);
    let queue = names.map(|name| {
        let reference = ObjectRef::<SeenRollout>::new(&name.name).within(&name.namespace);
        Ok::<_, watcher::Error>(ReconcileRequest::from(reference))
    });
    let runner = Arc::new(Runner { passes, failures: PerRollout::default() });
    let one = |seen: Arc<SeenRollout>, runner: Arc<Runner>| {
        Box::pin(async move { runner.pass(&name(&seen)).await })
    };
    let failed = |seen: Arc<SeenRollout>, error: &PassFailed, runner: Arc<Runner>| {
        Action::requeue(runner.failed(&name(&seen), error))
    };
    let config = controller::Config::default();
    controller::applier(one, failed, runner, store, queue.boxed(), config)
        .for_each(|outcome| {
            if let Err(error) = outcome {
                tracing::debug!(%error, "queue");
            }
            future::ready(())
        })
        .await;
}

impl Runner {
    async fn pass(&self, name: &Name) -> Result<Action, PassFailed> {
        let action = Box::pin(self.passes.pass(name)).await?;
        self.failures.forget(name);
        Ok(action)
    }

    /// How long to wait before the next try.
    fn failed(&self, name: &Name, error: &PassFailed) -> Duration {
        self.passes.metrics.pass_failed(error);
        let source = std::error::Error::source(error).and_then(std::error::Error::source);
        tracing::warn!(rollout = %name, %error, source = ?source.map(ToString::to_string), "a pass failed and is retried");
        self.failures.with(name, |failures| {
            *failures = failures.saturating_add(1);
            FIRST_BACKOFF.saturating_mul(1 << (*failures - 1).min(10)).min(MAX_BACKOFF)
        })
    }
}
