//! Objects that a watch has shown: those that a new listing does not show any more were deleted while
//! nobody watched, and no event tells of them. Keeps names and labels alone; asks for no look.

use std::collections::HashMap;
use std::sync::Arc;

use kube::core::ObjectMeta;
use siskin_api::annotations::TARGET;

use crate::name::Name;

/// Objects that a watch has shown, each with the target in its labels.
#[derive(Debug, Default)]
pub(super) struct WatchedObjects {
    known: HashMap<Name, Option<Arc<str>>>,
    /// Those that the listing under way has shown so far.
    listed: Option<HashMap<Name, Option<Arc<str>>>>,
}

impl WatchedObjects {
    /// Notes an object as the watch shows it.
    pub(super) fn note(&mut self, object: &ObjectMeta) {
        let target = object.labels.as_ref().and_then(|it| it.get(TARGET));
        let target = target.map(|it| it.as_str().into());
        self.listed.as_mut().unwrap_or(&mut self.known).insert(name_of(object), target);
    }

    /// Forgets an object whose deletion was told.
    pub(super) fn forget(&mut self, object: &ObjectMeta) {
        self.known.remove(&name_of(object));
    }

    /// A listing begins: what it does not show is gone.
    pub(super) fn listing_begins(&mut self) {
        self.listed = Some(HashMap::new());
    }

    /// A listing has shown everything. Forgets the objects that it has not shown, and gives back what is
    /// known of them.
    pub(super) fn listing_ends(&mut self) -> Vec<ObjectMeta> {
        let Some(listed) = self.listed.take() else { return vec![] };
        let before = std::mem::replace(&mut self.known, listed);
        let gone = before.into_iter().filter(|(name, _)| !self.known.contains_key(name));
        gone.map(|(name, target)| remnant(&name, target.as_deref())).collect()
    }
}

fn name_of(object: &ObjectMeta) -> Name {
    let text = |it: &Option<String>| it.as_deref().unwrap_or_default().to_owned();
    Name::new(text(&object.namespace), text(&object.name))
}

/// What is known of an object that is gone; it has no version.
fn remnant(name: &Name, target: Option<&str>) -> ObjectMeta {
    ObjectMeta {
        namespace: Some(name.namespace.to_string()),
        name: Some(name.name.to_string()),
        labels: target.map(|it| [(TARGET.to_owned(), it.to_owned())].into()),
        ..ObjectMeta::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(name: &str) -> ObjectMeta {
        remnant(&Name::new("shop", name), Some("orders"))
    }

    #[test]
    fn a_listing_gives_back_what_it_does_not_show_and_what_was_not_told_to_be_deleted() {
        let mut objects = WatchedObjects::default();
        objects.listing_begins();
        for it in ["a", "b", "c"] {
            objects.note(&object(it));
        }
        assert_eq!(objects.listing_ends(), [], "the first one shows what there is");
        objects.note(&object("d"));
        objects.forget(&object("c"));
        objects.listing_begins();
        objects.note(&object("a"));
        objects.listing_begins();
        objects.note(&object("b"));
        objects.note(&object("d"));
        assert_eq!(objects.listing_ends(), [object("a")], "one that broke off says nothing");
        assert_eq!(objects.listing_ends(), []);
    }
}
