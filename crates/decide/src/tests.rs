//! Tests of `decide`: a table row by row, its arithmetic, and a simulation of whole lives.
//! Nothing here reads a clock or a cluster.

mod autoscalers;
mod clocks;
mod crashes;
mod deletions;
mod document;
mod edges;
mod effects;
mod fleet;
mod neighbors;
mod refusals;
mod restarts;
mod rows;
mod simulation;
