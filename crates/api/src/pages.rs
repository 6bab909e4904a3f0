//! Pages of `docs/reference` that are made from this crate: the fields of its kinds, and every name it gives.
//! Makes texts; reads and writes no file.

pub mod fields;
pub mod names;

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// File in the repository.
    pub file: &'static str,
    /// What is in it.
    pub text: String,
}

/// All of them.
#[must_use]
pub fn all() -> [Page; 2] {
    [
        Page { file: "docs/reference/api.md", text: fields::page() },
        Page { file: "docs/reference/names.md", text: names::page() },
    ]
}
