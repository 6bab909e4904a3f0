//! The operator: observe → judge → decide → apply → report, one pass for everything.
//! IO lives at the two ends (`observe`, `apply`) and in the wiring; what lies between is pure.

pub mod admin;
pub mod apply;
pub mod archive;
pub mod children;
pub mod clock;
pub mod cluster;
pub mod commands;
pub mod events;
pub mod gate;
pub mod judge;
pub mod lease;
pub mod metrics;
pub mod newest;
pub mod observe;
pub mod options;
pub mod pass;
pub mod patch;
pub mod preflight;
pub mod queue;
pub mod record;
pub mod report;
pub mod template;
pub mod trace;
pub mod wiring;
