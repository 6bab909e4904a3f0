//! The sample Kafka consumer of the test bed, with faults to order, and the load that it works on.
//! A test program: it may know nothing of Siskin, so that it stands for anybody's worker.
//!
//! ```
//! use std::time::Duration;
//!
//! use siskin_worker::units::{duration, share};
//!
//! // What a knob takes: the time that a message costs, and the share of those that fail.
//! assert_eq!(duration("2ms"), Ok(Duration::from_millis(2)));
//! assert_eq!(share("1.5"), Err("from 0 to 1".to_owned()));
//! ```

mod acknowledge;
mod clock;
mod fate;
pub mod groups;
mod ledger;
pub mod load;
mod membership;
pub mod metrics;
mod pace;
pub mod settings;
pub mod stop;
pub mod telemetry;
pub mod topics;
pub mod units;
pub mod verify;
pub mod work;
