//! The API server: calls with their deadlines, patches with their preconditions.
//! The only room that owns a client; decides nothing.

mod answers;
pub mod autoscalers;
pub mod calls;
pub mod connection;
mod frozen;
pub mod newest;
pub mod patch;
pub(crate) mod pods;
pub mod refusal;
pub mod requests;
pub mod taken;
mod watching;
pub(crate) mod wire;
