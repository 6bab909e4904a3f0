//! From samples to evidence: what Kafka answered, attributed to pods, recorded and judged.
//! The verdict itself is `siskin-analysis`'s; here it is only fed and asked.

mod ledger;
mod neighbours;
mod replay;
mod watches;

pub use ledger::{Ledger, Saved, is_fail};
pub use neighbours::Neighbours;
pub use replay::Replay;
pub use watches::{Feed, Source, Watches, feed};
