//! The workspace as the rules see it: packages, and Rust files with their tokens and outlines.
//! Follows no path from file to file; that is `graph`.

use crate::lexer::{Lexed, lex};
use crate::manifest::{Manifest, manifest};
use crate::outline::items::Outline;
use crate::outline::outline;
use crate::source::Source;

/// A Rust file.
#[derive(Debug)]
pub struct RustFile<'a> {
    /// Path from the workspace's root.
    pub path: &'a str,
    /// Its text.
    pub text: &'a str,
    /// Its tokens and comments.
    pub lexed: Lexed<'a>,
    /// What it declares and imports.
    pub outline: Outline<'a>,
    /// Index of its package.
    pub package: usize,
}

/// A package of the workspace.
#[derive(Debug)]
pub struct Package<'a> {
    /// Its folder, with a `/` at the end.
    pub folder: &'a str,
    /// Its name.
    pub name: &'a str,
    /// Its manifest.
    pub manifest: Manifest<'a>,
}

impl Package<'_> {
    /// The name by which Rust code knows its library.
    pub fn library(&self) -> String {
        self.name.replace('-', "_")
    }
}

/// All files, packages and Rust files.
#[derive(Debug)]
pub struct Workspace<'a> {
    /// Every file of the tree.
    pub sources: &'a [Source],
    /// Version of the workspace, if its manifest is among the sources.
    pub version: Option<&'a str>,
    /// Its packages.
    pub packages: Vec<Package<'a>>,
    /// The Rust files of its packages.
    pub files: Vec<RustFile<'a>>,
}

impl<'a> Workspace<'a> {
    /// Reads manifests and Rust files among `sources`.
    #[must_use]
    pub fn new(sources: &'a [Source]) -> Self {
        let mut packages = Vec::new();
        let mut version = None;
        for source in sources {
            let Some(folder) = source.path.strip_suffix("Cargo.toml") else { continue };
            let manifest = manifest(&source.text);
            version = version.or(manifest.workspace_version);
            packages.extend(manifest.name.map(|name| Package { folder, name, manifest }));
        }
        let files = sources.iter().filter(|source| source.extension() == "rs");
        let files = files.filter_map(|source| rust_file(source, &packages)).collect();
        Self { sources, version, packages, files }
    }

    /// The package of `file`.
    #[must_use]
    pub fn package_of(&self, file: &RustFile<'_>) -> &Package<'a> {
        &self.packages[file.package]
    }

    /// Path of `file` within its package.
    #[must_use]
    pub fn within_package(&self, file: &RustFile<'a>) -> &'a str {
        &file.path[self.packages[file.package].folder.len()..]
    }
}

/// A file belongs to the innermost package around it.
fn rust_file<'a>(source: &'a Source, packages: &[Package<'a>]) -> Option<RustFile<'a>> {
    let around = packages.iter().enumerate().filter(|(_, it)| source.path.starts_with(it.folder));
    let (package, _) = around.max_by_key(|(_, it)| it.folder.len())?;
    let lexed = lex(&source.text);
    let outline = outline(&lexed.tokens);
    Some(RustFile { path: &source.path, text: &source.text, lexed, outline, package })
}
