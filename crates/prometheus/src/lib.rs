//! What the pods of one rollout export, read through Prometheus or from the pods themselves.
//! Yields metrics per pod or says why not; computes no verdict, reads no clock, knows no cluster.
//!
//! [`Prometheus`] asks a server that speaks Prometheus' HTTP API, [`Scraper`] the pods' own
//! endpoints; both take a [`Series`] of [`Selector`]s and give a [`Reading`]. A user's own query
//! is a [`Template`].
//!
//! # What becomes of what was read
//!
//! | what comes | what it counts as |
//! |---|---|
//! | no answer, a refusal, an answer with warnings (what PromQL tells about the query is none) | a [`ReadError`]; that metric is unknown for all pods, the others stay |
//! | no series for a pod | absent (`None`); the analysis knows when absent means 0 |
//! | NaN, infinite, negative | unknown, counted in [`Skipped`] |
//! | newest sample no newer than in the previous reading | unknown: the pod was not scraped anew; counted |
//! | newest sample older than three intervals, or of unknown age | unknown, counted |
//! | histogram without an infinite bucket, or with counts that fall | unknown, counted |
//! | native histogram | [`Fault::Unsupported`]; the other metrics stay |
//! | a counter of one topic under two names, with `.` and with `_` (kafka-clients 4.1 and later) | counted once, told in [`Skipped`] |
//! | a container and the one that it took the place of | the newest one |
//! | series of other pods, or without a pod | left out, counted |
//! | more than 40,000 series, 8 MiB, 10 s | [`Fault::TooLarge`], [`Fault::TimedOut`]; read no further |
//! | a scraped text with one line that is none | [`Fault::Malformed`]; nothing of that pod is taken |
//!
//! All questions of one reading carry the same evaluation time, and equal questions of several
//! rollouts that are under way at once are asked once.
//!
//! # Modules
//!
//! | module | purpose |
//! |---|---|
//! | `prometheus`, `gather`, `answer`, `data`, `flights` | questions to a server, and what its answers say of which pod |
//! | `scraper`, `exposition` | pods' own endpoints, and the text that they answer with |
//! | `request`, `reading`, `histogram` | what is asked for, and what may be believed of it |
//! | `selector`, `series`, `promql`, `quoting`, `cursor` | which series are meant, as text and as PromQL |
//! | `template` | a user's own query |
//! | `topics`, `containers` | counters that were registered twice, and containers that were there before |
//! | `address`, `security`, `http`, `in_flight`, `withheld` | where the server is, as whom it is asked, the bounded client, and whom it asks nothing |
//! | `error` | why something could not be read |
//!
//! # Example
//!
//! A query is checked when it is written, and no name of a pod can leave its string.
//!
//! ```
//! use std::time::Duration;
//!
//! use siskin_analysis::observation::Role;
//! use siskin_prometheus::{Template, TemplateError, TemplateValues};
//!
//! let query = Template::counter(r#"sum by (pod) (failures_total{pod=~"{{pods}}"})"#)?;
//! let text = query.render(&TemplateValues {
//!     pods: &["orders-canary-5d9f-x2b4c".into()],
//!     pod: "",
//!     role: Role::Canary,
//!     namespace: "shop",
//!     revision: "5d9f",
//!     window: Duration::from_secs(60),
//! });
//! assert_eq!(text, r#"sum by (pod) (failures_total{pod=~"orders-canary-5d9f-x2b4c"})"#);
//!
//! let rate = Template::counter(r#"rate(failures_total{pod=~"{{pods}}"}[1m])"#);
//! assert_eq!(rate, Err(TemplateError::NoCounter { function: "rate" }));
//! # Ok::<(), TemplateError>(())
//! ```

mod address;
mod answer;
mod containers;
mod cursor;
mod data;
mod error;
mod exposition;
mod flights;
mod gather;
mod histogram;
mod http;
mod in_flight;
mod prometheus;
mod promql;
mod quoting;
mod reading;
mod request;
mod scraper;
mod security;
mod selector;
mod series;
mod template;
#[cfg(test)]
mod test_server;
mod topics;
mod withheld;

pub use address::{Address, AddressError};
pub use error::{Asked, Fault, ReadError};
pub use gather::Measured;
pub use http::SetupError;
pub use prometheus::Prometheus;
pub use promql::{LabelName, LabelNameError, TargetLabels};
pub use reading::{PodReading, Reading, Scrapes, Skipped};
pub use request::PodsRequest;
pub use scraper::{ScrapeTarget, Scraper, ScraperError};
pub use security::{Access, AccessError};
pub use selector::{Selector, SelectorError, SelectorProblem};
pub use series::{Preset, Series, Signal};
pub use template::{Template, TemplateError, TemplateValues};
pub use withheld::is_withheld;
