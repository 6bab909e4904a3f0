//! Deterministic guards: crashes, stalls, rewinds, a group that falls behind, bounds of the user.
//! No statistics, and outside the budget of false rollbacks.

pub(crate) mod bounds;
pub(crate) mod crash;
pub(crate) mod gauge;
pub(crate) mod group_lag;
pub(crate) mod held;
pub(crate) mod measured;
pub(crate) mod rewind;
pub(crate) mod stall;
