//! What stands before every long step of the test bed: progress for a person, other programs watched, cargo called.
//! It depends on nothing but std, so that it speaks within seconds on a fresh clone.

pub mod cargo;
pub mod progress;
pub mod watched;
