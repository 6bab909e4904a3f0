//! The operator: rollouts observed, their evidence weighed, the plan applied and told. One pass
//! over one rollout does all of it; what is decided is `siskin-decide`'s business, not this
//! crate's.
//!
//! The rooms from the ground up; each uses only those before it:
//!
//! | room | holds | never |
//! |---|---|---|
//! | [`name`], [`clock`], [`per_rollout`], [`commands`], [`persisted`] | small words | reads the cluster |
//! | [`process`] | election, gate, health, metrics, Events | knows a rollout's content |
//! | [`workloads`] | what a Deployment should look like | reads or writes |
//! | [`cluster`] | the API server's calls, each with its deadline | decides |
//! | [`observe`] | Kubernetes read into an immutable [`World`](observe::world::World) | asks for evidence, writes |
//! | [`traces`] | what the judges were given, to be judged again | changes a decision |
//! | [`evidence`] | Kafka and metrics asked, the judge fed, into an [`EvidenceView`](evidence::view::EvidenceView) | writes to the cluster |
//! | [`observed`] | world and evidence together: all that `decide` may know | reads |
//! | [`apply`] | a plan made into writes, and what became of them: [`Applied`](apply::effects::Applied) | decides |
//! | [`report`] | status, conditions, Events | fails a pass |
//! | [`guard`] | which targets the admission guard keeps drained, written per namespace | knows a pass |
//! | [`pass`] | the order of a pass | anything else |
//! | [`queue`], [`admin`], [`options`] | who is looked at and when; endpoints; the command line | knows content |
//!
//! Templates are named by their content, so a restart is no new version:
//!
//! ```
//! use serde_json::json;
//! use siskin_operator::workloads::template::PodTemplate;
//!
//! let labels = json!({"labels": {"app": "orders"}});
//! let template = json!({"metadata": labels, "spec": {"containers": [{"image": "orders:2"}]}});
//! let mut restarted = template.clone();
//! restarted["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"] = json!("2026-11-28");
//! assert_eq!(PodTemplate::of(&template), PodTemplate::of(&restarted));
//! ```

pub mod admin;
pub mod apply;
pub mod clock;
pub mod cluster;
pub mod commands;
pub mod evidence;
pub mod guard;
pub mod name;
pub mod observe;
pub mod observed;
pub mod options;
pub mod pass;
pub mod per_rollout;
pub mod persisted;
pub mod process;
pub mod queue;
pub mod report;
pub mod traces;
pub mod workloads;
