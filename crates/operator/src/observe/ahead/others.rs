//! Targets by the page: the Deployments of a namespace that were made for none. Pages go on for as long as
//! enough of what they hold is asked for.

use std::collections::HashMap;
use std::sync::Arc;

use kube::ResourceExt;
use kube::core::DynamicObject;
use parking_lot::Mutex;

use crate::cluster::calls::Cluster;

/// Rollouts whose objects are listed together: few requests, each of them short.
pub(super) const TOGETHER: u32 = 100;

/// A page that holds fewer of those that are asked for costs more than asking for each of them.
const FEWEST: usize = 25;

/// Where the pages of each namespace are.
#[derive(Default)]
pub(super) struct Others(Mutex<HashMap<Arc<str>, Pages>>);

/// The pages of one namespace.
#[derive(Default)]
enum Pages {
    #[default]
    NotBegun,
    /// The next one begins here.
    At(String),
    Over,
}

impl Others {
    /// From the first page of each namespace.
    pub(super) fn begin_anew(&self) {
        self.0.lock().clear();
    }

    /// Those of these targets that the next pages hold.
    pub(super) async fn take(
        &self,
        cluster: &Cluster,
        namespace: &Arc<str>,
        targets: &[&str],
    ) -> HashMap<String, DynamicObject> {
        let mut pages = self.0.lock().remove(namespace).unwrap_or_default();
        let mut found = HashMap::new();
        while FEWEST <= targets.len().saturating_sub(found.len()) {
            let from = match &pages {
                Pages::NotBegun => None,
                Pages::At(from) => Some(&**from),
                Pages::Over => break,
            };
            // Whoever asks for one of them is told what is wrong.
            let Ok((page, next)) = cluster.page_of_others(namespace, TOGETHER, from).await else {
                pages = Pages::Over;
                break;
            };
            let before = found.len();
            let named = page.into_iter().map(|it| (it.name_any(), it));
            found.extend(named.filter(|(name, _)| targets.contains(&&**name)));
            let serves = FEWEST <= found.len().saturating_sub(before);
            pages = next.filter(|_| serves).map_or(Pages::Over, Pages::At);
        }
        self.0.lock().insert(namespace.clone(), pages);
        found
    }
}

#[cfg(test)]
mod tests;
