//! What is autoscaled: of all namespaces as last swept, and of one as asked for when a decision counts
//! on it. Decides nothing, and asks for no pass.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use parking_lot::{Mutex, RwLock};
use tokio::time::Instant;

use crate::cluster::autoscalers::{AutoscalerFound, Scaled};
use crate::cluster::calls::{CallFailed, Cluster};

/// An answer that is not there by then is none: what has to be drained does not wait for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// Namespaces whose last answer is kept; more than that are forgotten together.
const MAX_NAMESPACES: usize = 2_000;

/// The autoscalers' names, by what they scale.
type ByScaled = HashMap<Scaled, Arc<str>>;

/// All of them, by namespace.
type ByNamespace = HashMap<Arc<str>, ByScaled>;

/// The last answer of a namespace. Locked while it is asked: who comes meanwhile shares the answer.
type LastAsked = Arc<tokio::sync::Mutex<Option<Asked>>>;

/// What is known of the autoscalers. Clones share it.
#[derive(Clone)]
pub struct Autoscalers {
    cluster: Cluster,
    /// The one namespace that is looked at; `None`: all.
    namespace: Option<Arc<str>>,
    /// `None` before the first sweep, and after one that failed.
    swept: Arc<RwLock<Option<ByNamespace>>>,
    asked: Arc<Mutex<HashMap<Arc<str>, LastAsked>>>,
}

/// The last answer of one namespace, and when it was asked for.
#[derive(Clone)]
struct Asked {
    at: Instant,
    found: Arc<ByScaled>,
}

/// Whether something is autoscaled, and the words for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AutoscaledBy {
    /// By nobody.
    Nobody,
    /// By this autoscaler: its kind and name.
    Named(Arc<str>),
    /// Nobody could say; the reason, if it was asked.
    Unknown(Option<Arc<str>>),
}

impl Autoscalers {
    /// Looks at one namespace, or at all.
    #[must_use]
    pub fn new(cluster: Cluster, namespace: Option<&str>) -> Self {
        let namespace = namespace.map(Into::into);
        Self { cluster, namespace, swept: Arc::default(), asked: Arc::default() }
    }

    /// Who scales this, by the last sweep.
    pub(crate) fn known(&self, namespace: &str, scaled: &Scaled) -> AutoscaledBy {
        match &*self.swept.read() {
            None => AutoscaledBy::Unknown(None),
            Some(all) => answer(all.get(namespace), scaled),
        }
    }

    /// Who scales this, by an answer that is no older than `age`; those who ask at the same time
    /// share one.
    pub(crate) async fn ask(
        &self,
        namespace: &str,
        scaled: &Scaled,
        age: Duration,
    ) -> AutoscaledBy {
        let unknown = |why: String| AutoscaledBy::Unknown(Some(why.into()));
        match tokio::time::timeout(PATIENCE, Box::pin(self.list(namespace, age))).await {
            Ok(Ok(found)) => answer(Some(&*found), scaled),
            Ok(Err(error)) => unknown(error.to_string()),
            Err(_) => unknown(format!("no list of autoscalers within {}s", PATIENCE.as_secs())),
        }
    }

    async fn list(&self, namespace: &str, age: Duration) -> Result<Arc<ByScaled>, CallFailed> {
        let now = Instant::now();
        let lane = {
            let mut asked = self.asked.lock();
            if MAX_NAMESPACES <= asked.len() && !asked.contains_key(namespace) {
                asked.clear();
            }
            Arc::clone(asked.entry(namespace.into()).or_default())
        };
        let mut last = lane.lock().await;
        if let Some(Asked { at, found }) = &*last
            && now <= *at + age
        {
            return Ok(Arc::clone(found));
        }
        let at = Instant::now();
        let all = self.cluster.autoscalers(Some(namespace)).await?;
        let found = Arc::new(all.into_iter().map(|it| (it.scales, it.called)).collect());
        *last = Some(Asked { at, found: Arc::clone(&found) });
        Ok(found)
    }

    /// Looks at all namespaces; what has come, gone, or is scaled by another one since the last time.
    pub(crate) async fn sweep(&self) -> Result<HashSet<(Arc<str>, Scaled)>, CallFailed> {
        let list = Box::pin(self.cluster.autoscalers(self.namespace.as_deref())).await;
        if list.is_err() {
            // What is not known any more is not said.
            *self.swept.write() = None;
        }
        let mut now: ByNamespace = HashMap::new();
        for AutoscalerFound { namespace, called, scales } in list? {
            now.entry(namespace).or_default().insert(scales, called);
        }
        let before = self.swept.write().replace(now.clone()).unwrap_or_default();
        let changed = changed(&before, &now);
        let mut asked = self.asked.lock();
        for (namespace, _) in &changed {
            // Whoever looks for this change must not be given the answer from before it.
            asked.remove(namespace);
        }
        Ok(changed)
    }
}

fn answer(found: Option<&ByScaled>, scaled: &Scaled) -> AutoscaledBy {
    match found.and_then(|it| it.get(scaled)) {
        Some(called) => AutoscaledBy::Named(Arc::clone(called)),
        None => AutoscaledBy::Nobody,
    }
}

fn changed(before: &ByNamespace, now: &ByNamespace) -> HashSet<(Arc<str>, Scaled)> {
    let missing_in = |one: &ByNamespace, other: &ByNamespace| {
        let mut missing = Vec::new();
        for (namespace, all) in one {
            let there = other.get(namespace);
            let differs = all
                .iter()
                .filter(|(scaled, called)| there.and_then(|it| it.get(scaled)) != Some(called));
            missing.extend(differs.map(|(scaled, _)| (Arc::clone(namespace), scaled.clone())));
        }
        missing
    };
    missing_in(before, now).into_iter().chain(missing_in(now, before)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scaled_by(all: &[(&str, &str, &str)]) -> ByNamespace {
        let mut map: ByNamespace = HashMap::new();
        for (namespace, target, by) in all {
            let scaled = Scaled::Deployment((*target).into());
            map.entry((*namespace).into()).or_default().insert(scaled, (*by).into());
        }
        map
    }

    #[test]
    fn what_has_come_gone_or_changed_hands_is_told_and_the_rest_is_not() {
        let before = scaled_by(&[("a", "stays", "x"), ("a", "goes", "x"), ("b", "moves", "x")]);
        let now = scaled_by(&[("a", "stays", "x"), ("c", "comes", "x"), ("b", "moves", "y")]);
        let mut told: Vec<_> = changed(&before, &now).into_iter().collect();
        told.sort();
        let of = |namespace: &str, name: &str| (namespace.into(), Scaled::Deployment(name.into()));
        assert_eq!(told, [of("a", "goes"), of("b", "moves"), of("c", "comes")]);
        assert!(changed(&now, &now).is_empty());
    }
}
