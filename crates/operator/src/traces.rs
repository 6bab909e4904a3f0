//! Traces of what the judges were given: in memory, and in files if there is a directory.
//! A side observation: no decision reads one.

pub mod archive;
pub mod directory;
pub mod marks;
mod names;
pub mod outgoing;
pub mod recording;
pub mod shelf;
