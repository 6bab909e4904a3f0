//! The Kafka client in a process of its own: what a broker answers may end it, and nothing else.
//! One process for each cluster and credentials; it reads its orders from a pipe and has no other.
//!
//! librdkafka is C, and asserts much of what it is told: an answer without the group that was asked
//! for ends its process, a list of brokers that is null is a segmentation fault. Whoever may write
//! one `CanaryRollout` names the address that answers.
//!
//! | module | purpose |
//! |---|---|
//! | `frames`, `messages` | what goes through the pipes, and how far it is believed |
//! | `child` | the process: a client, its orders, its reports |
//! | `limits`, `confinement` | what the process may take of memory, stacks and files, and which it may read |
//! | `source`, `conversation` | the other side: a [`GroupSource`](crate::GroupSource) that asks a process |
//! | `crashes`, `refusals` | when a process is started again, and when not |

pub(crate) mod child;
mod confinement;
mod conversation;
mod crashes;
mod frames;
mod limits;
mod messages;
mod refusals;
pub(crate) mod source;
