//! The operator among other people's things, by theme: their autoscalers, policies, nodes, shapes, clients and tools, and the
//! life of an installation. Each is a test of its own, as in `scenarios`, which has what Siskin does where nobody interferes.

mod autoscalers;
mod blame;
mod fake_pods;
mod gitops;
mod guarded_autoscalers;
mod java;
mod metered;
mod outages;
mod plugin;
mod policies;
mod room;
mod shapes;
mod templates;
mod uninstall;
