//! What the roles are to have: pairs with names, because a swapped pair is an outage.
//! Values only; how far a count may go in one move is for `transfer` to say.

use crate::revision::Revision;

/// Pods of both roles.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) primary: u32,
    pub(crate) canary: u32,
}

/// The template and the pods of one role.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Goal {
    pub(crate) revision: Revision,
    pub(crate) replicas: u32,
}

impl Revision {
    /// This revision with `replicas` pods.
    pub(crate) const fn at(self, replicas: u32) -> Goal {
        Goal { revision: self, replicas }
    }
}
