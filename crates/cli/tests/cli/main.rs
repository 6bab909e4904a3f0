//! The command as a user runs it, one module per subject.
//! One binary, and no network but loopback: files and requests in, exit codes and texts out.

mod cluster;
mod command;
mod completion;
mod doctor;
mod estimate;
mod krew;
mod live;
mod orders;
mod page;
mod recorded;
mod traces;
mod waits;
