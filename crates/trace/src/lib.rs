//! Traces: the recording of one trial as JSON Lines, written by the operator, read by the command
//! line. Judges nothing. `docs/trace.md` is the format's public contract.
//!
//! | room | holds |
//! |---|---|
//! | [`mod@line`] | header, observation lines and marks, as values |
//! | [`checks`] | what a line may not say |
//! | `form` | the same on the wire |
//! | [`read`], [`mod@write`] | streams of lines, one in memory at a time |
//! | [`gzip`] | members of a compressed trace |
//!
//! ```
//! use siskin_analysis::Settings;
//! use siskin_analysis::observation::Observation;
//! use siskin_trace::{Header, Line, Mark, Reader, Seen, Writer, gzip};
//!
//! let settings = Settings {
//!     interval: 10_000,
//!     warm_up: 60_000,
//!     false_rollback_probability: 0.01,
//!     minimum_evidence: siskin_analysis::MinimumEvidence::Proven,
//!     user: [].into(),
//!     remembered: siskin_analysis::Remembered::default(),
//! };
//! let header = Header { rollout: "shop/orders".to_owned(), settings };
//! let at = 1_780_000_000_000;
//! let begin = Line::Mark { at, mark: Mark::TrialStarted };
//! let seen = Observation { at: at + 10_000, group: None, pods: Vec::new() };
//! let seen = Line::Seen(Seen { observation: seen, primary_healthy: Some(true) });
//!
//! let mut writer = Writer::new(Vec::new(), &header)?;
//! writer.write(&begin)?;
//! writer.write(&seen)?;
//! let file = gzip::member(writer.sink());
//!
//! let reader = Reader::new(gzip::text(&file[..])?)?;
//! assert_eq!(reader.header(), &header);
//! assert_eq!(reader.collect::<Result<Vec<_>, _>>()?, [begin, seen]);
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

pub mod checks;
mod form;
pub mod gzip;
pub mod line;
pub mod read;
pub mod write;

pub use checks::Nonsense;
pub use line::{Header, LONGEST_LINE, Line, Mark, Seen, VERSION};
pub use read::{Reader, TraceError};
pub use write::Writer;
