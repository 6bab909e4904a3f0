//! End-to-end tests of Siskin: a real Kubernetes and a real Kafka on this machine, and what drives them.
//! It speaks to the cluster as a user does, and may not reach into the operator's own code.
//!
//! ```no_run
//! // What `cargo testbed up` has started.
//! let bed = siskin_e2e::testbed::Testbed::attach()?;
//! println!("{}", bed.kubectl(&["get", "nodes"])?);
//! # Ok::<(), anyhow::Error>(())
//! ```

#[cfg(feature = "scenario")]
pub mod courses;
#[cfg(feature = "scenario")]
pub mod demo;
#[cfg(feature = "scenario")]
pub mod gitops;
#[cfg(feature = "scenario")]
pub mod manifests;
#[cfg(feature = "scenario")]
pub mod measure;
#[cfg(feature = "scenario")]
pub mod scenario;
pub mod testbed;
