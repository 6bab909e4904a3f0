//! State per partition as columns: a value for each one of a list, at its place in it.
//! The list itself is kept elsewhere, once; a column only follows how that list changes.

use std::ops::{Deref, DerefMut};

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

/// Up to eight yes-or-no facts of a partition in a byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Flags(u8);

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

impl Flags {
    /// Whether a mark is set.
    pub(crate) fn has<const MARK: u8>(self) -> bool {
        self.0 & (1 << MARK) != 0
    }

    /// Sets a mark, or takes it off.
    pub(crate) fn put<const MARK: u8>(&mut self, set: bool) {
        self.0 = self.0 & !(1 << MARK) | u8::from(set) << MARK;
    }
}

/// A place as an index.
pub(crate) fn index(place: u32) -> usize {
    usize::try_from(place).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
