//! The command as a user runs it, one module per subject.
//! One binary, no cluster and no network: files in, exit codes and texts out.

mod command;
mod estimate;
mod recorded;
