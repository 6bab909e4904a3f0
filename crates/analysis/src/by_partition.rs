//! Lists sorted by partition that are walked side by side, because looking each partition up costs
//! most of a pass. In steady state nothing is allocated and nothing moves; no value is read here.

use crate::PartitionId;

/// One value per partition, sorted by partition.
#[derive(Clone, Debug)]
pub(crate) struct ByPartition<T> {
    rows: Vec<(PartitionId, T)>,
}

/// Walks a list that is sorted by partition, in step with another one.
pub(crate) struct Walk<'a, T, F> {
    rest: &'a [T],
    id: F,
}

impl<T> Default for ByPartition<T> {
    fn default() -> Self {
        Self { rows: Vec::new() }
    }
}

impl<T> ByPartition<T> {
    /// A list that was made in order.
    pub(crate) fn sorted(rows: Vec<(PartitionId, T)>) -> Self {
        debug_assert!(rows.is_sorted_by(|a, b| a.0 < b.0));
        Self { rows }
    }

    /// Keeps the values of these partitions, which come sorted and each once; forgets the others
    /// and starts those that are new.
    pub(crate) fn follow<'a>(
        &mut self,
        ids: impl ExactSizeIterator<Item = &'a PartitionId> + Clone,
        fresh: impl Fn() -> T,
    ) {
        if self.rows.len() == ids.len() && self.rows.iter().zip(ids.clone()).all(|(a, b)| a.0 == *b)
        {
            return;
        }
        let mut old = std::mem::take(&mut self.rows).into_iter().peekable();
        let kept = ids.map(|id| {
            while old.next_if(|(other, _)| other < id).is_some() {}
            old.next_if(|(other, _)| other == id).unwrap_or_else(|| (id.clone(), fresh()))
        });
        self.rows = kept.collect();
    }

    pub(crate) fn clear(&mut self) {
        self.rows.clear();
    }

    pub(crate) fn iter(&self) -> std::slice::Iter<'_, (PartitionId, T)> {
        self.rows.iter()
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = (&PartitionId, &mut T)> {
        self.rows.iter_mut().map(|(id, value)| (&*id, value))
    }

    pub(crate) fn values(&self) -> impl Iterator<Item = &T> {
        self.rows.iter().map(|(_, value)| value)
    }

    /// Finds the values of ascending partitions.
    pub(crate) fn walk(
        &self,
    ) -> Walk<'_, (PartitionId, T), impl Fn(&(PartitionId, T)) -> &PartitionId> {
        Walk::new(&self.rows, |row: &(PartitionId, T)| &row.0)
    }
}

impl<'a, T, F: Fn(&T) -> &PartitionId> Walk<'a, T, F> {
    /// Over a list that is sorted by what `id` tells.
    pub(crate) fn new(list: &'a [T], id: F) -> Self {
        Self { rest: list, id }
    }

    /// The entry of a partition that lies behind all those asked for before.
    pub(crate) fn find(&mut self, wanted: &PartitionId) -> Option<&'a T> {
        while let [first, rest @ ..] = self.rest {
            let id = (self.id)(first);
            if id == wanted {
                self.rest = rest;
                return Some(first);
            }
            if id > wanted {
                return None;
            }
            self.rest = rest;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::ByPartition;
    use crate::PartitionId;

    fn ids(numbers: &[i32]) -> Vec<PartitionId> {
        let id = |&partition: &i32| PartitionId { topic: Arc::from("orders"), partition };
        numbers.iter().map(id).collect()
    }

    #[test]
    fn what_stays_keeps_its_value_and_the_rest_comes_and_goes() {
        let mut list = ByPartition::default();
        list.follow(ids(&[1, 3, 5]).iter(), || 0);
        list.iter_mut().for_each(|(id, value)| *value = id.partition);
        list.follow(ids(&[0, 3, 4, 5, 9]).iter(), || -1);
        assert_eq!(list.values().copied().collect::<Vec<_>>(), [-1, 3, -1, 5, -1]);
        list.follow(ids(&[]).iter(), || -1);
        assert_eq!(list.iter().count(), 0);
    }

    #[test]
    fn a_walk_finds_what_is_there_and_skips_the_rest() {
        let rows = ids(&[1, 3, 5]).into_iter().map(|id| (id.clone(), id.partition)).collect();
        let list = ByPartition::sorted(rows);
        let mut walk = list.walk();
        let found = ids(&[0, 1, 2, 5, 7]).iter().map(|id| walk.find(id).map(|row| row.1)).collect();
        assert_eq!(Vec::<Option<i32>>::as_slice(&found), [None, Some(1), None, Some(5), None]);
    }
}
