//! The operator: observe → judge → decide → apply → report, one pass for everything.
//! IO lives at the two ends (`observe`, `apply`) and in the wiring; what lies between is pure.

pub mod decide;
