//! Snapshots through librdkafka's real client, from brokers that play a script; and its process.
//! One binary; no network but the loopback.

mod broker;
mod child;
mod hostile;
mod mutations;
mod processes;
mod snapshots;
