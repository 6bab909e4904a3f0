//! Which versions of a rollout's objects were read last: an event that shows one of them is no news.
//! Holds no object; what it has forgotten is news again.

use kube::ResourceExt;

use crate::name::Name;
use crate::per_rollout::PerRollout;

/// The versions that the last look at each rollout has read. Clones share them.
///
/// Many events of a rollout that moves tell of writes of our own, which the round after them has read: each would cost
/// five reads more. Versions are only told equal from unequal.
#[derive(Clone, Default)]
pub(crate) struct News(PerRollout<Box<[Box<str>]>>);

impl News {
    /// A look has read objects of these versions. It takes them in, or fails and is made again.
    pub(super) fn read<'a>(&self, name: &Name, versions: impl Iterator<Item = &'a str>) {
        self.0.insert(name, versions.map(Box::from).collect());
    }

    /// Whether an event with this object has anything to tell of the rollout.
    pub(crate) fn is_news(&self, name: &Name, object: &impl ResourceExt) -> bool {
        let Some(version) = object.resource_version() else { return true };
        !self.0.lock().get(name).is_some_and(|read| read.iter().any(|it| **it == *version))
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
    use k8s_openapi::api::apps::v1::Deployment;

    use super::*;

    fn event(version: Option<&str>) -> Deployment {
        let mut seen = Deployment::default();
        seen.metadata.resource_version = version.map(str::to_owned);
        seen
    }

    #[test]
    fn only_what_the_last_look_has_read_is_no_news() {
        let (news, name) = (News::default(), Name::new("shop", "orders"));
        let (old, new) = (event(Some("11")), event(Some("12")));
        assert!(news.is_news(&name, &old), "nobody has looked");
        news.read(&name, ["7", "11"].into_iter());
        assert!(!news.is_news(&name, &old));
        assert!(news.is_news(&name, &new));
        assert!(news.is_news(&Name::new("shop", "bills"), &old), "another rollout");
        news.read(&name, ["7", "12"].into_iter());
        assert!(news.is_news(&name, &old), "the last look read another");
        assert!(news.is_news(&name, &event(None)), "an object without a version");
    }
}
