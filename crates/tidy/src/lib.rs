//! The rules of the house, as a test: rooms, circles, sizes, parameters, names, comments, forms.
//! Reads the working tree and reports; it changes nothing but the table of rooms in the docs, and that when asked.
//!
//! ```
//! use tidy::{Source, Table, Workspace, findings};
//!
//! let sources = [
//!     Source::new("crates/tidy/Cargo.toml", "[package]\nname = \"tidy\""),
//!     Source::new("crates/tidy/src/lib.rs", "//! Adds. Prints nothing.\npub fn add((a, b): (u8, u8)) -> u8 { a + b }"),
//! ];
//! let findings = findings(&Workspace::new(&sources), &Table::read("crate tidy | | Adds.").expect("a table"));
//! assert!(findings[0].to_string().starts_with("crates/tidy/src/lib.rs:2: parameters: "));
//! ```

mod finding;
mod graph;
mod lexer;
mod manifest;
mod outline;
mod rooms;
mod rules;
mod source;
mod workspace;

pub use finding::Finding;
pub use rooms::render::{PAGE, with_table};
pub use rooms::table::{ROOMS, Table};
pub use rules::findings;
pub use source::{Source, read_tree};
pub use workspace::Workspace;
