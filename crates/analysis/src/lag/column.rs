//! State per partition as columns: a value for each one of a list, at its place in it.
//! The list itself is kept elsewhere, once; a column only follows how that list changes.

use std::collections::BTreeMap;
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use crate::numbers::tally;

/// An index into a list of kind `L`, which is no index into another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position<L>(u32, PhantomData<L>);

/// The place of a partition in the sorted list of all.
pub(crate) type Place = Position<Partitions>;
/// The rank of a partition of the canary's in the sorted list of these.
pub(crate) type Rank = Position<CanaryPartitions>;
/// The number of a pod in the list of all that own something, or did.
pub(crate) type PodNumber = Position<Pods>;

/// All partitions of a group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Partitions {}

/// Partitions of the canary.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum CanaryPartitions {}

/// Pods in their roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Pods {}

/// How a list of partitions changed from one moment to the next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Moves {
    /// Not at all: as many in the same order.
    Same(usize),
    /// For each partition now, its place before; `None`: it is new.
    Changed(Vec<Option<u32>>),
}

/// A value for each partition of a list.
#[derive(Clone, Debug)]
pub(crate) struct Column<T>(Vec<T>);

impl<L> Position<L> {
    /// Stands for none: no list is as long.
    pub(crate) const NONE: Self = Self(u32::MAX, PhantomData);

    pub(crate) fn at(index: usize) -> Self {
        Self(tally(index), PhantomData)
    }

    pub(crate) fn index(self) -> usize {
        index(self.0)
    }
}

impl Moves {
    /// From one sorted list to another.
    pub(crate) fn between<T: Ord>(before: &[T], now: &[T]) -> Self {
        if before == now {
            return Self::Same(now.len());
        }
        let mut old = (0_u32..).zip(before).peekable();
        let place = |key: &T| {
            while old.next_if(|(_, other)| *other < key).is_some() {}
            old.next_if(|(_, other)| *other == key).map(|(place, _)| place)
        };
        Self::Changed(now.iter().map(place).collect())
    }

    /// Where the partition at a place now was before.
    pub(crate) fn before(&self, place: usize) -> Option<usize> {
        match self {
            Self::Same(_) => Some(place),
            Self::Changed(places) => places.get(place).copied().flatten().map(index),
        }
    }

    /// This change and the `next` one as a single change.
    pub(crate) fn then(&self, next: &Self) -> Self {
        match (self, next) {
            (Self::Same(_), _) => next.clone(),
            (Self::Changed(_), Self::Same(_)) => self.clone(),
            (Self::Changed(earlier), Self::Changed(places)) => {
                let before = |place: &Option<u32>| *earlier.get(index((*place)?))?;
                Self::Changed(places.iter().map(before).collect())
            }
        }
    }

    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Same(all) => *all,
            Self::Changed(places) => places.len(),
        }
    }
}

impl<T> Default for Column<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: Copy> Column<T> {
    /// Keeps the values of the partitions that stay, and starts those that are new.
    pub(crate) fn follow(&mut self, moves: &Moves, fresh: T) {
        match moves {
            Moves::Same(all) if self.0.len() == *all => {}
            Moves::Same(_) | Moves::Changed(_) => {
                let kept = |place| self.0.get(moves.before(place)?).copied();
                let all = (0..moves.len()).map(|place| kept(place).unwrap_or(fresh));
                self.0 = all.collect();
            }
        }
    }
}

impl<T> Deref for Column<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> DerefMut for Column<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        &mut self.0
    }
}

/// Takes what is kept of some items along when their list changes.
pub(crate) fn follow_some<L: Ord, T: Copy>(kept: &mut BTreeMap<Position<L>, T>, moves: &Moves) {
    if let Moves::Changed(_) = moves {
        let before = std::mem::take(kept);
        let earlier = |now| before.get(&Position::at(moves.before(now)?)).copied();
        let stays = |now| Some((Position::at(now), earlier(now)?));
        *kept = (0..moves.len()).filter_map(stays).collect();
    }
}

fn index(position: u32) -> usize {
    usize::try_from(position).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
