//! An API server in memory, for tests of programs that speak to one: real HTTP, on loopback.
//! Grants all but what a test denies, and validates nothing; no program of a release depends on it.
//!
//! ```no_run
//! # async fn example() {
//! use serde_json::json;
//! use siskin_api_server::Server;
//!
//! let server = Server::start().await;
//! server.put("/api/v1/namespaces/shop/secrets/kafka", json!({"metadata": {"name": "kafka"}}));
//! std::fs::write("kubeconfig", server.kubeconfig("shop").to_string()).expect("written");
//! # }
//! ```
#![expect(clippy::missing_panics_doc, reason = "what a test did not mean ends the test")]

mod asked;
mod server;
mod store;

pub use asked::Right;
pub use server::Server;
