//! What people and machines read of a pass: status, conditions, Events.
//! Pure texts, but for the Events; never fails a pass.

mod bounds;
pub mod conditions;
mod history;
pub mod refusals;
pub(crate) mod repairs;
pub mod reporter;
pub mod round;
#[cfg(test)]
mod runbook;
mod scaling;
pub mod status;
pub mod words;
