//! The test bed: etcd, Kubernetes, containerd, Kafka and Prometheus as processes of this machine, and what others bring.
//! Everything here blocks; nothing here knows what Siskin does.

mod aggregation;
mod artifact;
mod bed;
mod brokers;
mod certificates;
mod cgroups;
mod containers;
mod daemon;
mod definitions;
mod extra;
mod faulted;
mod faults;
mod flux;
mod health;
mod helm;
pub mod image;
mod keda;
mod kwok;
mod lifecycle;
mod lock;
mod machine;
mod meter;
mod mounts;
mod network;
mod operator;
mod part;
mod places;
mod prometheus;
mod provision;
pub(crate) mod shell;
mod start;
mod status;
mod sysctls;
mod teardown;
mod templates;
#[cfg(test)]
mod tests;

pub use artifact::Artifact;
pub use bed::{SecuredKafka, Testbed};
pub use flux::Published;
pub use helm::Helm;
pub use keda::KedaRights;
pub use operator::Profile;
pub use part::Part;
#[cfg(feature = "scenario")]
pub(crate) use places::work_tree;
pub use prometheus::Alert;
pub use status::{Health, PartStatus};
