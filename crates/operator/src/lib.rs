//! The operator: observe → judge → decide → apply → report, one pass for everything.
//! IO lives at the two ends (`observe`, `apply`) and in the wiring; what lies between is pure.

pub mod admin;
pub mod apply;
pub mod clock;
pub mod cluster;
pub mod commands;
pub mod evidence;
pub mod name;
pub mod observe;
pub mod options;
pub mod pass;
pub mod persisted;
pub mod process;
pub mod queue;
pub mod report;
pub mod traces;
pub mod workloads;
