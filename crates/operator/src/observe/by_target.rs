//! Something of each pod, by the target of the pod: a look at one rollout costs its own pods, not all.
//! Knows no field of a pod, and asks nobody.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use parking_lot::RwLock;

use crate::name::Name;

/// Values of pods, by target and pod. Clones share them.
#[derive(Debug)]
pub struct ByTarget<T>(Arc<RwLock<Places<T>>>);

#[derive(Debug)]
struct Places<T> {
    /// Apart from the tree, which has room for eleven where six are.
    targets: HashMap<Name, BTreeMap<Name, Box<T>>>,
    /// Target of each pod.
    pods: HashMap<Name, Name>,
    /// Pods that the listing under way has shown so far.
    listed: Option<HashSet<Name>>,
}

impl<T: Clone> ByTarget<T> {
    /// Values of the pods of a target, by the name of the pod.
    pub(crate) fn of(&self, namespace: &str, target: &str) -> Vec<T> {
        let places = self.0.read();
        let pods = places.targets.get(&Name::new(namespace, target));
        pods.into_iter().flat_map(BTreeMap::values).map(|it| T::clone(it)).collect()
    }

    /// Values of pods of the other targets of a namespace.
    pub(crate) fn others(&self, namespace: &str, target: &str) -> Vec<T> {
        let places = self.0.read();
        let others = places.targets.iter();
        let others = others
            .filter(|(it, _)| it.namespace.as_ref() == namespace && it.name.as_ref() != target);
        others.flat_map(|(_, pods)| pods.values()).map(|it| T::clone(it)).collect()
    }

    /// Values of pods whose targets are in other namespaces, `most` at most.
    pub(crate) fn elsewhere(&self, namespace: &str, most: usize) -> Vec<T> {
        let places = self.0.read();
        let others = places.targets.iter().filter(|(it, _)| it.namespace.as_ref() != namespace);
        others.flat_map(|(_, pods)| pods.values()).take(most).map(|it| T::clone(it)).collect()
    }

    /// Sets the value of a pod of `target`. Answers with the targets whose pods have changed.
    pub(crate) fn set(&self, pod: Name, target: Name, value: T) -> Vec<Name> {
        let mut places = self.0.write();
        if let Some(listed) = &mut places.listed {
            listed.insert(pod.clone());
        }
        let before = places.remove(&pod).map(|it| it.0).filter(|it| *it != target);
        places.pods.insert(pod.clone(), target.clone());
        places.targets.entry(target.clone()).or_default().insert(pod, Box::new(value));
        before.into_iter().chain([target]).collect()
    }

    /// Forgets a pod. Answers with its target and its value, if the pod was known.
    pub(crate) fn remove(&self, pod: &Name) -> Option<(Name, T)> {
        self.0.write().remove(pod)
    }

    /// A listing begins: what it does not show is gone.
    pub(crate) fn listing_begins(&self) {
        self.0.write().listed = Some(HashSet::new());
    }

    /// A listing has shown everything. Forgets the pods that it has not shown, and gives them back
    /// with their targets: no event will tell of them.
    pub(crate) fn listing_ends(&self) -> Vec<(Name, T)> {
        let mut places = self.0.write();
        let Some(listed) = places.listed.take() else { return vec![] };
        let gone = places.pods.keys().filter(|it| !listed.contains(*it)).cloned();
        let gone: Vec<Name> = gone.collect();
        gone.iter().filter_map(|it| places.remove(it)).collect()
    }
}

impl<T> Places<T> {
    fn remove(&mut self, pod: &Name) -> Option<(Name, T)> {
        let target = self.pods.remove(pod)?;
        let pods = self.targets.get_mut(&target)?;
        let value = pods.remove(pod)?;
        if pods.is_empty() {
            self.targets.remove(&target);
        }
        Some((target, *value))
    }
}

impl<T> Clone for ByTarget<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for ByTarget<T> {
    fn default() -> Self {
        let places = Places { targets: HashMap::new(), pods: HashMap::new(), listed: None };
        Self(Arc::new(RwLock::new(places)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pod(name: &str) -> Name {
        Name::new("shop", name)
    }

    #[test]
    fn pods_are_found_by_their_target_and_namespace() {
        let pods = ByTarget::default();
        assert_eq!(pods.set(pod("b"), pod("orders"), 2), [pod("orders")]);
        pods.set(pod("a"), pod("orders"), 1);
        pods.set(Name::new("other", "a"), Name::new("other", "orders"), 3);
        assert_eq!(pods.of("shop", "orders"), [1, 2]);
        assert_eq!(pods.remove(&pod("a")), Some((pod("orders"), 1)));
        assert_eq!(pods.of("shop", "orders"), [2]);
        assert_eq!(pods.of("other", "orders"), [3]);
        assert_eq!((pods.elsewhere("shop", 9), pods.elsewhere("other", 9)), (vec![3], vec![2]));
        assert!(pods.elsewhere("other", 0).is_empty());
        pods.set(pod("c"), pod("payments"), 4);
        assert_eq!(pods.others("shop", "orders"), [4], "of its namespace, and not its own");
    }

    #[test]
    fn a_listing_forgets_the_pods_that_it_does_not_show_and_names_their_targets() {
        let pods = ByTarget::default();
        pods.set(pod("gone"), pod("orders"), 1);
        pods.set(pod("kept"), pod("invoices"), 2);
        pods.listing_begins();
        pods.set(pod("kept"), pod("invoices"), 3);
        assert_eq!(pods.of("shop", "orders"), [1], "half a listing says nothing of the rest");
        assert_eq!(pods.listing_ends(), [(pod("orders"), 1)]);
        assert_eq!((pods.of("shop", "orders"), pods.of("shop", "invoices")), (vec![], vec![3]));
    }

    #[test]
    fn a_pod_that_changes_its_target_asks_for_both() {
        let pods = ByTarget::default();
        pods.set(pod("a"), pod("orders"), 1);
        assert_eq!(pods.set(pod("a"), pod("invoices"), 1), [pod("orders"), pod("invoices")]);
        pods.remove(&pod("a"));
        let left = pods.0.read();
        assert!(left.targets.is_empty() && left.pods.is_empty(), "nothing is left behind");
    }
}
