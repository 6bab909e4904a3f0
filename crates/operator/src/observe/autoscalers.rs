//! Autoscalers: of all namespaces as their watches show them, and of one as asked for when a decision
//! counts on it. Decides nothing, and asks for no pass.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use kube::core::DynamicObject;
use parking_lot::RwLock;
use siskin_decide::ScalerKind;

use crate::cluster::autoscalers::{AutoscalerFound, Scaled, parse};
use crate::cluster::calls::{CallFailed, Cluster};
use crate::observe::lanes::Lanes;
use crate::observe::watched::{ByScaled, Watched};

/// An answer that is not there by then is none: what has to be drained does not wait for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// What is known of the autoscalers. Clones share it.
#[derive(Clone)]
pub struct Autoscalers {
    cluster: Cluster,
    /// The one namespace that is looked at; `None`: all.
    namespace: Option<Arc<str>>,
    watched: Arc<RwLock<Watched>>,
    asked: Lanes<ByScaled>,
    vertical: Lanes<HashSet<Arc<str>>>,
}

/// Those that scale what was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AutoscalersSeen {
    /// These, in the order of their names.
    Known(Vec<Arc<AutoscalerFound>>),
    /// Nobody could say; the reason, if it was asked.
    Unknown(Option<Arc<str>>),
}

impl Autoscalers {
    /// Looks at one namespace, or at all.
    #[must_use]
    pub fn new(cluster: Cluster, namespace: Option<&str>) -> Self {
        let (watched, asked, vertical) = (Arc::default(), Lanes::default(), Lanes::default());
        Self { cluster, namespace: namespace.map(Into::into), watched, asked, vertical }
    }

    /// Where this kind is watched.
    pub(crate) fn api(&self, kind: ScalerKind) -> kube::Api<DynamicObject> {
        self.cluster.autoscaler_api(kind, self.namespace.as_deref())
    }

    /// Who scales one of these, as the watches show it.
    pub(crate) fn known(&self, namespace: &str, interest: &[Scaled]) -> AutoscalersSeen {
        let watched = self.watched.read();
        if watched.is_whole() {
            AutoscalersSeen::Known(pick(watched.of(namespace), interest))
        } else {
            AutoscalersSeen::Unknown(None)
        }
    }

    /// Who scales one of these, by an answer that is no older than `age`; those who ask at the same
    /// time share one.
    pub(crate) async fn ask(
        &self,
        namespace: &str,
        interest: &[Scaled],
        age: Duration,
    ) -> AutoscalersSeen {
        let list = async {
            let mut all = ByScaled::new();
            for it in Box::pin(self.cluster.autoscalers(namespace)).await? {
                all.entry(it.scales.clone()).or_default().push(Arc::new(it));
            }
            Ok(all)
        };
        match bounded(self.asked.get(namespace, age, list)).await {
            Ok(found) => AutoscalersSeen::Known(pick(Some(&found), interest)),
            Err(why) => AutoscalersSeen::Unknown(Some(why)),
        }
    }

    /// Whether a vertical autoscaler acts on this Deployment, by an answer that is no older than
    /// `age`; else why nobody can say.
    pub(crate) async fn ask_vertical(
        &self,
        namespace: &str,
        deployment: &str,
        age: Duration,
    ) -> Result<bool, Arc<str>> {
        let list = self.cluster.scaled_vertically(namespace);
        bounded(self.vertical.get(namespace, age, list)).await.map(|it| it.contains(deployment))
    }

    /// What was asked before is no answer any more.
    pub(crate) fn changed(&self, namespace: &str) {
        self.asked.forget(namespace);
    }

    /// One as a watch shows it; what it scales now and has scaled until now, if that is news.
    pub(crate) fn note(&self, kind: ScalerKind, it: &DynamicObject) -> Vec<(Arc<str>, Scaled)> {
        let changed = self.watched.write().note(kind, it, parse(kind, it));
        self.tell(changed)
    }

    /// One that is gone.
    pub(crate) fn forget(&self, kind: ScalerKind, it: &DynamicObject) -> Vec<(Arc<str>, Scaled)> {
        let changed = self.watched.write().note(kind, it, None);
        self.tell(changed)
    }

    /// A listing of this kind begins: what it does not show is gone.
    pub(crate) fn listing_begins(&self, kind: ScalerKind) {
        self.watched.write().listing_begins(kind);
    }

    /// A listing has shown everything; what was scaled by those that it has not shown.
    pub(crate) fn listing_ends(&self, kind: ScalerKind) -> Vec<(Arc<str>, Scaled)> {
        let changed = self.watched.write().listing_ends(kind);
        self.tell(changed)
    }

    /// Whoever looks for this change must not be given the answer from before it.
    fn tell(&self, changed: Vec<(Arc<str>, Scaled)>) -> Vec<(Arc<str>, Scaled)> {
        for (namespace, _) in &changed {
            self.asked.forget(namespace);
        }
        changed
    }
}

async fn bounded<T>(answer: impl Future<Output = Result<T, CallFailed>>) -> Result<T, Arc<str>> {
    match tokio::time::timeout(PATIENCE, Box::pin(answer)).await {
        Ok(answer) => answer.map_err(|it| it.told().into()),
        Err(_) => Err(format!("no list of autoscalers within {}s", PATIENCE.as_secs()).into()),
    }
}

fn pick(found: Option<&ByScaled>, interest: &[Scaled]) -> Vec<Arc<AutoscalerFound>> {
    let all = interest.iter().filter_map(|it| found?.get(it)).flatten();
    let mut all: Vec<_> = all.cloned().collect();
    all.sort_by(|one, other| one.name.cmp(&other.name));
    all
}
