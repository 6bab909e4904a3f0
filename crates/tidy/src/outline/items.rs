//! What a file declares, as plain data.
//! Reads nothing; `outline` fills it.

/// A module's body within a file: the file itself, or an inline module.
#[derive(Debug, Default)]
pub struct Scope<'a> {
    /// Name of an inline module; empty for the file itself.
    pub name: &'a str,
    /// Index of the scope around it.
    pub parent: Option<usize>,
    /// Names of the items that it defines, but for modules.
    pub items: Vec<&'a str>,
    /// Modules in files of their own.
    pub modules: Vec<ModuleFile<'a>>,
    /// Each name that a `use` brings in.
    pub imports: Vec<Import<'a>>,
    /// Each path of two or more segments outside a `use`.
    pub paths: Vec<PathUse<'a>>,
}

/// A declaration `mod name;`.
#[derive(Debug)]
pub struct ModuleFile<'a> {
    /// Its name.
    pub name: &'a str,
    /// What `#[path]` says, if it is there.
    pub path: Option<&'a str>,
    /// Whether it is test code.
    pub test: bool,
}

/// One leaf of a `use` tree.
#[derive(Debug)]
pub struct Import<'a> {
    /// All segments from the first on, without a `*`.
    pub path: Vec<&'a str>,
    /// The name under which it is known here; `*` brings in everything.
    pub name: &'a str,
    /// Line of the last segment.
    pub line: usize,
}

/// A path in code, as `super::file::Item`.
#[derive(Debug)]
pub struct PathUse<'a> {
    /// Its segments.
    pub path: Vec<&'a str>,
    /// Line of the first segment.
    pub line: usize,
}

/// An inline `mod tests { … }`.
#[derive(Debug)]
pub struct InlineTests {
    /// Line of its name.
    pub line: usize,
    /// Lines from the name to the closing brace.
    pub length: usize,
}

/// What a file says of itself.
#[derive(Debug, Default)]
pub struct Outline<'a> {
    /// The file itself, then its inline modules.
    pub scopes: Vec<Scope<'a>>,
    /// Its inline test modules.
    pub inline_tests: Vec<InlineTests>,
    /// Whether `#![cfg(test)]` makes all of it test code.
    pub test: bool,
}
