//! The test bed: etcd, Kubernetes, containerd, Kafka and Prometheus as processes of this machine.
//! Everything here blocks; nothing here knows what Siskin does.

mod artifact;
mod bed;
mod certificates;
mod cgroups;
mod containers;
mod daemon;
mod faulted;
mod faults;
mod health;
pub mod image;
mod kwok;
mod lifecycle;
mod lock;
mod machine;
mod mounts;
mod network;
mod operator;
mod part;
mod places;
mod provision;
pub(crate) mod shell;
mod start;
mod status;
mod sysctls;
mod teardown;
mod templates;
#[cfg(test)]
mod tests;

pub use bed::{SecuredKafka, Testbed};
pub use operator::Profile;
pub use part::Part;
pub use status::{Health, PartStatus};
