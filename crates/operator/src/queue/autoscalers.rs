//! Asks for passes of rollouts that an autoscaler has begun to scale, or their target, or no longer.
//! Two lists at a pace, however many rollouts there are; a watch would bring every autoscaler's status.

use std::time::Duration;

use crate::cluster::autoscalers::Scaled;
use crate::name::{Name, Trigger};
use crate::observe::autoscalers::Autoscalers;
use crate::observe::index::Index;
use crate::process::gate::Gate;

/// Time between two sweeps: an autoscaler is told of within a minute.
const EVERY: Duration = Duration::from_secs(30);

/// Sweeps until the process ends; while this process leads, and there are rollouts.
pub async fn run(autoscalers: Autoscalers, index: Index, trigger: Trigger, gate: Gate) {
    if gate.leading().await.is_err() {
        // It never will, and ends by itself.
        std::future::pending::<()>().await;
    }
    let mut told = false;
    loop {
        if index.is_empty() {
            tokio::time::sleep(EVERY / 30).await;
            continue;
        }
        match autoscalers.sweep().await {
            Ok(changed) => {
                told = false;
                for (namespace, scaled) in changed {
                    let names = match scaled {
                        Scaled::Deployment(name) => index.of_target(&namespace, &name),
                        Scaled::Rollout(name) => vec![Name::new(namespace, name)],
                    };
                    for name in names {
                        trigger.ask(name);
                    }
                }
            }
            Err(error) if !told => {
                told = true;
                tracing::warn!(%error, "autoscalers can't be listed: who scales a target is not known");
            }
            Err(error) => tracing::debug!(%error, "autoscalers can't be listed yet"),
        }
        tokio::time::sleep(EVERY).await;
    }
}
