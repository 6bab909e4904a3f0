//! What stands before every long step of the test bed: progress for a person, other programs watched, cargo called.
//! It depends on nothing but std, so that it speaks within seconds on a fresh clone.
//!
//! ```
//! use std::process::Command;
//!
//! use siskin_launch::progress::Activity;
//! use siskin_launch::watched::run;
//!
//! // Tells how long it has taken so far, until it is dropped.
//! let activity = Activity::begin("asking for a version");
//! run(Command::new("cargo").arg("--version"), &activity)?;
//! # Ok::<(), String>(())
//! ```

pub mod cache;
pub mod cargo;
pub mod progress;
pub mod watched;
