//! The API server: calls with their deadlines, patches with their preconditions.
//! The only room that owns a client; decides nothing.

pub mod autoscalers;
pub mod calls;
pub mod connection;
mod frozen;
pub mod newest;
pub mod patch;
pub mod refusal;
pub mod requests;
pub mod taken;
pub(crate) mod wire;
