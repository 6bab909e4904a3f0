//! Which versions of a rollout's objects were read last: an event that shows no later one is no news.
//! Holds no object; what it has forgotten is news again.

use kube::ResourceExt;

use crate::name::Name;
use crate::per_rollout::PerRollout;

/// Kinds of objects that a look reads one by one, and that a watch shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum WatchedKind {
    CanaryRollout,
    Deployment,
    ControllerRevision,
}

/// How a watch has come to show an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum ShownAs {
    /// It has changed.
    Changed,
    /// It is there, as a new listing has it.
    Listed,
}

/// An object in one version, as it was read or shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    kind: WatchedKind,
    name: Box<str>,
    /// Its `resourceVersion`; `None`: that of an object of which only its deletion is known.
    version: Option<Box<str>>,
}

impl Seen {
    pub(crate) fn new(kind: WatchedKind, name: &str, version: Option<&str>) -> Self {
        Self { kind, name: name.into(), version: version.map(Into::into) }
    }

    pub(crate) fn of(kind: WatchedKind, object: &impl ResourceExt) -> Self {
        Self::new(kind, &object.name_any(), object.resource_version().as_deref())
    }

    /// Whether both are of one object.
    pub(crate) fn is_of(&self, other: &Self) -> bool {
        self.kind == other.kind && self.name == other.name
    }

    /// Whether whoever knows this one knows all that the other shows. Versions of one kind are ordered numbers
    /// (KEP-5504); those of a server that has others are only told equal from unequal.
    fn covers(&self, other: &Self, shown: ShownAs) -> bool {
        let (Some(own), Some(others)) = (&self.version, &other.version) else { return false };
        match (shown, own.parse::<u64>(), others.parse::<u64>()) {
            (ShownAs::Changed, Ok(own), Ok(others)) => others <= own,
            // A cluster that was restored from a backup lists lower ones, and they count.
            (ShownAs::Changed | ShownAs::Listed, _, _) => own == others,
        }
    }
}

/// What the last look at each rollout has read. Clones share it.
///
/// Many events of a rollout that moves tell of writes of our own, or of steps on the way to what was read: each look that
/// follows one costs five reads.
#[derive(Clone, Default)]
pub(crate) struct News(PerRollout<Vec<Seen>>);

impl News {
    /// A look has read these. It takes them in, or fails and is made again.
    pub(crate) fn read(&self, name: &Name, objects: Vec<Seen>) {
        self.0.insert(name, objects);
    }

    /// Whether this has anything to tell of the rollout.
    pub(crate) fn is_news(&self, name: &Name, seen: &Seen, shown: ShownAs) -> bool {
        let known = self.0.lock();
        let mut known = known.get(name).into_iter().flatten();
        !known.any(|it| it.is_of(seen) && it.covers(seen, shown))
    }

    /// Drops what is remembered of a rollout that is gone.
    pub(crate) fn forget(&self, name: &Name) {
        self.0.forget(name);
    }

    #[cfg(test)]
    pub(crate) fn remembers(&self, name: &Name) -> bool {
        self.0.knows(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn target(version: Option<&str>) -> Seen {
        Seen::new(WatchedKind::Deployment, "orders", version)
    }

    fn rollout() -> Name {
        Name::new("shop", "orders")
    }

    #[test]
    fn only_a_later_version_than_the_last_look_has_read_is_news() {
        let (news, name) = (News::default(), rollout());
        let is_news = |seen: &Seen| news.is_news(&name, seen, ShownAs::Changed);
        assert!(is_news(&target(Some("11"))), "nobody has looked");
        news.read(&name, vec![target(Some("11"))]);
        assert!(!is_news(&target(Some("9"))), "a step on the way to what was read");
        assert!(!is_news(&target(Some("11"))));
        assert!(is_news(&target(Some("12"))));
        assert!(is_news(&target(None)), "a deletion that nobody has watched");
        assert!(
            is_news(&Seen::new(WatchedKind::CanaryRollout, "orders", Some("9"))),
            "another kind"
        );
        assert!(is_news(&Seen::new(WatchedKind::Deployment, "orders-primary", Some("9"))));
        let other = Name::new("shop", "bills");
        assert!(news.is_news(&other, &target(Some("9")), ShownAs::Changed), "another rollout");
        news.read(&name, vec![Seen::new(WatchedKind::CanaryRollout, "orders", Some("9"))]);
        assert!(is_news(&target(Some("11"))), "the last look did not find it");
    }

    #[test]
    fn lower_versions_of_a_restored_cluster_and_versions_without_an_order_are_news() {
        let (news, name) = (News::default(), rollout());
        news.read(&name, vec![target(Some("11"))]);
        assert!(news.is_news(&name, &target(Some("9")), ShownAs::Listed));
        assert!(!news.is_news(&name, &target(Some("11")), ShownAs::Listed));
        assert!(news.is_news(&name, &target(Some("a9")), ShownAs::Changed));
    }
}
