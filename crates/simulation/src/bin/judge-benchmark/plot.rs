//! Plots as SVG: times to detection, false rollbacks, power. What all of them are drawn with is
//! in `picture`; they differ only where a figure does.

pub mod detection;
mod picture;
pub mod power;
pub mod rollbacks;
