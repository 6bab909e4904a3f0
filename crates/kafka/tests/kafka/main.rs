//! Snapshots through librdkafka's real client, from a broker that plays a script.
//! One binary; no network but the loopback.

mod broker;
mod snapshots;
