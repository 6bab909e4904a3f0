//! Watches of autoscalers: asks for passes of rollouts that one has begun to scale, or their target, or
//! no longer. A kind that is not installed is looked for again.

use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use kube::ResourceExt;
use kube::runtime::watcher;
use siskin_api::annotations::SCALE_TARGET;
use siskin_decide::ScalerKind;

use crate::cluster::autoscalers::Scaled;
use crate::name::{Name, Trigger};
use crate::observe::autoscalers::Autoscalers;
use crate::observe::index::Index;
use crate::process::gate::Gate;
use crate::workloads::children::target_of;

/// A kind that is not installed is looked for this often.
const DISCOVER_EVERY: Duration = Duration::from_secs(600);

/// A watch that failed is tried again after this long, doubled up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_secs(1);

/// Longest wait of a watch that fails again and again.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Time between two looks at whether there is any rollout.
const IDLE: Duration = Duration::from_secs(1);

/// Objects of one page of a listing.
const LISTED_AT_ONCE: u32 = 100;

/// Watches until the process ends; while this process leads, and there are rollouts.
pub async fn run(autoscalers: Autoscalers, index: Index, trigger: Trigger, gate: Gate) {
    if gate.leading().await.is_err() {
        // It never will, and ends by itself.
        std::future::pending::<()>().await;
    }
    while index.is_empty() {
        tokio::time::sleep(IDLE).await;
    }
    let watch = |kind| watch(kind, &autoscalers, Asks { index: &index, trigger: &trigger });
    futures::join!(watch(ScalerKind::HorizontalPodAutoscaler), watch(ScalerKind::ScaledObject));
}

/// What follows from a change.
#[derive(Clone, Copy)]
struct Asks<'a> {
    index: &'a Index,
    trigger: &'a Trigger,
}

async fn watch(kind: ScalerKind, autoscalers: &Autoscalers, asks: Asks<'_>) {
    let mut wait = FIRST_WAIT;
    let config = watcher::Config::default().page_size(LISTED_AT_ONCE);
    let mut events = pin!(watcher(autoscalers.api(kind), config));
    while let Some(event) = events.next().await {
        let changed = match event {
            Ok(watcher::Event::Apply(it)) => {
                wait = FIRST_WAIT;
                autoscalers.note(kind, &it)
            }
            Ok(watcher::Event::InitApply(it)) => {
                wait = FIRST_WAIT;
                let mut changed = autoscalers.note(kind, &it);
                // A listing shows everything there is: one that is where it belongs is no news.
                let belongs = it.annotations().contains_key(SCALE_TARGET);
                changed.retain(|(_, scaled)| !belongs || matches!(scaled, Scaled::Deployment(_)));
                changed
            }
            Ok(watcher::Event::Delete(it)) => autoscalers.forget(kind, &it),
            Ok(watcher::Event::Init) => {
                autoscalers.listing_begins(kind);
                vec![]
            }
            Ok(watcher::Event::InitDone) => autoscalers.listing_ends(kind),
            Err(error) if is_not_installed(&error) => {
                autoscalers.listing_begins(kind);
                asks.look(autoscalers.listing_ends(kind));
                tokio::time::sleep(DISCOVER_EVERY).await;
                continue;
            }
            Err(error) => {
                let kind: &'static str = kind.into();
                tracing::warn!(%error, kind, "the watch of autoscalers failed and is retried");
                tokio::time::sleep(wait).await;
                wait = (wait * 2).min(LONGEST_WAIT);
                continue;
            }
        };
        asks.look(changed);
    }
}

impl Asks<'_> {
    fn look(self, changed: Vec<(Arc<str>, Scaled)>) {
        for (namespace, scaled) in changed {
            let names = match scaled {
                Scaled::Deployment(name) => {
                    let targets = [Some(&*name), target_of(&name)].into_iter().flatten();
                    targets.flat_map(|it| self.index.of_target(&namespace, it)).collect()
                }
                Scaled::Rollout(name) => vec![Name::new(namespace, name)],
            };
            for name in names {
                self.trigger.ask(name);
            }
        }
    }
}

fn is_not_installed(error: &watcher::Error) -> bool {
    match error {
        watcher::Error::InitialListFailed(kube::Error::Api(it))
        | watcher::Error::WatchStartFailed(kube::Error::Api(it)) => it.code == 404,
        watcher::Error::InitialListFailed(_)
        | watcher::Error::WatchStartFailed(_)
        | watcher::Error::WatchError(_)
        | watcher::Error::WatchFailed(_)
        | watcher::Error::NoResourceVersion => false,
    }
}
