//! What people and machines read of a pass: status, conditions, Events.
//! Pure texts, but for the Events; never fails a pass.

pub mod conditions;
mod repairs;
pub mod reporter;
pub mod round;
pub mod status;
pub mod words;
