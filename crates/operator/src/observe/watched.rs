//! Autoscalers as their watches show them, by namespace and by what they scale. Makes no call, and holds
//! of each only what decisions read.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use kube::ResourceExt;
use kube::core::DynamicObject;
use siskin_decide::{ScalerKind, ScalerName};

use crate::cluster::autoscalers::{AutoscalerFound, Scaled};

/// Autoscalers of one namespace, by what they scale.
pub(super) type ByScaled = HashMap<Scaled, Vec<Arc<AutoscalerFound>>>;

/// Namespace and name of an autoscaler.
type Id = (Arc<str>, ScalerName);

/// All autoscalers that scale a Deployment or a rollout.
#[derive(Default)]
pub(super) struct Watched {
    by_scaled: HashMap<Arc<str>, ByScaled>,
    /// What each of them scales.
    scales: HashMap<Id, Scaled>,
    /// Kinds of which a listing was complete.
    listed: HashSet<ScalerKind>,
    /// What the listings under way have shown so far.
    shown: HashMap<ScalerKind, HashSet<Id>>,
}

impl Watched {
    /// Those of a namespace, if there are any.
    pub(super) fn of(&self, namespace: &str) -> Option<&ByScaled> {
        self.by_scaled.get(namespace)
    }

    /// Whether every kind was listed: what is not known before may be there.
    pub(super) fn is_whole(&self) -> bool {
        let kinds = [ScalerKind::HorizontalPodAutoscaler, ScalerKind::ScaledObject];
        kinds.iter().all(|it| self.listed.contains(it))
    }

    /// One as it is now, or none any more; what it scales and has scaled, if that is news.
    pub(super) fn note(
        &mut self,
        kind: ScalerKind,
        object: &DynamicObject,
        now: Option<AutoscalerFound>,
    ) -> Vec<(Arc<str>, Scaled)> {
        let name = ScalerName { kind, name: object.name_any().into() };
        let id: Id = (object.namespace().unwrap_or_default().into(), name);
        if let Some(shown) = self.shown.get_mut(&kind) {
            shown.insert(id.clone());
        }
        let before = self.remove(&id);
        let news = match (&before, &now) {
            (Some(before), Some(now)) => !before.says_the_same(now),
            (None, None) => false,
            (Some(_), None) | (None, Some(_)) => true,
        };
        let scaled = [before.map(|it| it.scales.clone()), now.as_ref().map(|it| it.scales.clone())];
        if let Some(now) = now {
            self.scales.insert(id.clone(), now.scales.clone());
            let of = self.by_scaled.entry(id.0.clone()).or_default();
            of.entry(now.scales.clone()).or_default().push(Arc::new(now));
        }
        let scaled: HashSet<_> = scaled.into_iter().flatten().filter(|_| news).collect();
        scaled.into_iter().map(|it| (id.0.clone(), it)).collect()
    }

    /// A listing of this kind begins.
    pub(super) fn listing_begins(&mut self, kind: ScalerKind) {
        self.shown.insert(kind, HashSet::new());
    }

    /// A listing of this kind has shown everything: what it has not shown is gone.
    pub(super) fn listing_ends(&mut self, kind: ScalerKind) -> Vec<(Arc<str>, Scaled)> {
        self.listed.insert(kind);
        let shown = self.shown.remove(&kind).unwrap_or_default();
        let is_gone = |it: &&Id| it.1.kind == kind && !shown.contains(*it);
        let gone: Vec<_> = self.scales.keys().filter(is_gone).cloned().collect();
        let scaled =
            gone.iter().filter_map(|id| Some((id.0.clone(), self.remove(id)?.scales.clone())));
        scaled.collect()
    }

    fn remove(&mut self, id: &Id) -> Option<Arc<AutoscalerFound>> {
        let scaled = self.scales.remove(id)?;
        let of = self.by_scaled.get_mut(&id.0)?;
        let all = of.get_mut(&scaled)?;
        let removed = all.iter().position(|it| it.name == id.1).map(|it| all.swap_remove(it));
        if all.is_empty() {
            of.remove(&scaled);
        }
        if of.is_empty() {
            self.by_scaled.remove(&id.0);
        }
        removed
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::cluster::autoscalers::{parse, resource};

    const KEDA: ScalerKind = ScalerKind::ScaledObject;

    fn scaled_object(name: &str, scales: &str, spec: u32) -> DynamicObject {
        let mut it: DynamicObject = DynamicObject::new(name, &resource(KEDA)).within("shop");
        it.data = json!({"spec": {"scaleTargetRef": {"name": scales}, "more": spec}});
        it
    }

    fn note(watched: &mut Watched, it: &DynamicObject) -> Vec<(Arc<str>, Scaled)> {
        let mut told = watched.note(KEDA, it, parse(KEDA, it));
        told.sort();
        told
    }

    fn of(name: &str) -> (Arc<str>, Scaled) {
        ("shop".into(), Scaled::Deployment(name.into()))
    }

    #[test]
    fn what_has_come_gone_or_points_elsewhere_is_told_and_the_rest_is_not() {
        let mut watched = Watched::default();
        let first = scaled_object("a", "orders", 1);
        assert_eq!(note(&mut watched, &first), [of("orders")]);
        let mut status = first.clone();
        status.metadata.resource_version = Some("9".into());
        assert_eq!(note(&mut watched, &status), [], "only its version is another one");
        assert_eq!(note(&mut watched, &scaled_object("a", "orders", 2)), [of("orders")]);
        let moved = scaled_object("a", "carts", 2);
        assert_eq!(note(&mut watched, &moved), [of("carts"), of("orders")]);
        assert_eq!(watched.note(KEDA, &moved, None), [of("carts")]);
        assert_eq!(watched.by_scaled.len() + watched.scales.len(), 0);
    }

    #[test]
    fn nothing_is_known_before_every_kind_was_listed_and_a_listing_forgets_what_is_gone() {
        let mut watched = Watched::default();
        note(&mut watched, &scaled_object("a", "orders", 1));
        note(&mut watched, &scaled_object("b", "carts", 1));
        watched.listing_begins(KEDA);
        note(&mut watched, &scaled_object("b", "carts", 1));
        assert_eq!(watched.listing_ends(KEDA), [of("orders")]);
        assert!(!watched.is_whole(), "one kind is missing");
        watched.listing_ends(ScalerKind::HorizontalPodAutoscaler);
        assert!(watched.is_whole());
        assert_eq!(watched.of("shop").map(HashMap::len), Some(1));
    }
}
