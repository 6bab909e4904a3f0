//! Names of topics and pods in a short text: each once, by the order in which they were first used.
//! Only a table; what is saved under a name others know.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::numbers::tally;

/// Longest name of a pod in Kubernetes, and a few more bytes than that of a topic in Kafka.
const LONGEST_NAME: usize = 253;

/// Names by the order in which they were first used.
#[derive(Default)]
pub(crate) struct NameTable {
    pub(crate) list: Vec<Arc<str>>,
    index: BTreeMap<Arc<str>, u32>,
}

impl NameTable {
    pub(crate) fn index(&mut self, name: &Arc<str>) -> u32 {
        *self.index.entry(name.clone()).or_insert_with(|| {
            self.list.push(short(name));
            tally(self.list.len() - 1)
        })
    }
}

/// A name as a cluster can have it. What belongs to any other is lost by saving, as what belongs to
/// a pod that is gone: its capital returns to the pool.
fn short(name: &Arc<str>) -> Arc<str> {
    let plain = |c: char| c.is_ascii_graphic() && c != '"' && c != '\\';
    if name.len() <= LONGEST_NAME && name.chars().all(plain) {
        return name.clone();
    }
    name.chars().filter(|c| plain(*c)).take(LONGEST_NAME).collect::<String>().into()
}

/// The name that [`NameTable::index`] gave this number; `None`: the table has no such row.
pub(crate) fn name(names: &[Arc<str>], index: u32) -> Option<Arc<str>> {
    names.get(usize::try_from(index).ok()?).cloned()
}
