//! The files of a working tree: their paths, and the text of those that a rule reads.
//! Judges nothing.

use std::path::Path;
use std::{fs, io};

/// A file of the tree.
#[derive(Clone, Debug)]
pub struct Source {
    /// Path from the workspace's root, with `/`.
    pub path: String,
    /// Its text; empty for a file that no rule reads.
    pub text: String,
}

impl Source {
    /// A file made up by a test.
    #[must_use]
    pub fn new(path: &str, text: &str) -> Self {
        Self { path: path.to_owned(), text: text.to_owned() }
    }

    /// What stands behind the last dot of its name.
    pub(crate) fn extension(&self) -> &str {
        self.path.rsplit_once('.').map_or("", |(_, extension)| extension)
    }
}

/// Reads all files below `root`, but for `target` folders and Git's own.
pub fn read_tree(root: &Path) -> io::Result<Vec<Source>> {
    let mut sources = Vec::new();
    read_folder(root, "", &mut sources)?;
    sources.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(sources)
}

const READ: [&str; 3] = ["rs", "toml", "md"];

fn read_folder(folder: &Path, prefix: &str, sources: &mut Vec<Source>) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let Ok(name) = entry.file_name().into_string() else { continue };
        let path = format!("{prefix}{name}");
        if entry.file_type()?.is_dir() {
            if name != "target" && name != ".git" {
                read_folder(&entry.path(), &format!("{path}/"), sources)?;
            }
            continue;
        }
        let mut source = Source { path, text: String::new() };
        if READ.contains(&source.extension()) {
            source.text = fs::read_to_string(entry.path())?;
        }
        sources.push(source);
    }
    Ok(())
}
