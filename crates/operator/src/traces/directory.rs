//! The directory of stored traces: whole files, the oldest removed for the newest.
//! Touches no file that does not bear the name of a trace; blocks, so never call it from a task.

use std::fs::{self, File};
use std::hash::{BuildHasher, RandomState};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use axum::body::Bytes;
use serde::Serialize;

use crate::traces::names;
use crate::traces::outgoing::Recorded;

/// Files at most, so that looking through them stays short: some 10 ms. At 512 MiB it is reached by
/// traces of 134 kB on average, those of trials of an hour and a half at 12 partitions.
pub const MAX_FILES: usize = 4000;

/// The smallest bound in bytes that can be asked for: two traces of the greatest size.
pub const MIN_BYTES: u64 = 8 << 20;

/// What is being written bears this name and a suffix of its process. No namespace is named so.
const PARTIAL: &str = ".partial-";

/// Where traces are stored. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Directory {
    root: Arc<Path>,
    /// What is being written: on the same file system, so that it can be renamed.
    partial: Arc<Path>,
    bytes: u64,
}

/// A stored trace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Stored {
    /// `<namespace>/<name>/<file>`, below the directory.
    pub path: String,
    /// Its size.
    pub bytes: u64,
}

/// Why a directory can't be used.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// It is not there, or no directory.
    #[error(
        "look into the trace directory {path}: mount a volume there, create it, or start without \
         --trace-directory"
    )]
    Look {
        /// Its path as configured.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Nothing can be written into it.
    #[error(
        "write into the trace directory {path}: mount its volume writable, for the group of the \
         process (fsGroup of the pod), or start without --trace-directory"
    )]
    Write {
        /// Its path as configured.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
}

/// Why a trace was not stored.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    /// What is there can't be told, or not be removed.
    #[error("make room for a trace of {bytes} bytes in {root}")]
    Room { root: PathBuf, bytes: u64, source: io::Error },
    /// The disk is full, read-only or broken.
    #[error("write the trace {path}")]
    Write { path: PathBuf, source: io::Error },
}

impl Directory {
    /// This directory, bounded to so many bytes and [`MAX_FILES`] files. Removes what an earlier
    /// process was about to write when it ended, and makes sure that files can be written.
    ///
    /// # Errors
    /// If it can't be read or written.
    pub fn open(root: &Path, bytes: u64) -> Result<Self, OpenError> {
        let look = |source| OpenError::Look { path: root.to_owned(), source };
        for entry in fs::read_dir(root).map_err(look)? {
            let entry = entry.map_err(look)?;
            if entry.file_name().to_string_lossy().starts_with(PARTIAL) {
                // Of another process that writes just now, perhaps: it will write once more.
                fs::remove_file(entry.path()).ok();
            }
        }
        // Keys of hash maps are random for each process: in a container, its id is always the same.
        let suffix = RandomState::new().hash_one(());
        let partial = root.join(format!("{PARTIAL}{suffix:016x}"));
        let probed = File::create(&partial).and_then(|mut it| it.write_all(b"siskin"));
        let removed = fs::remove_file(&partial);
        probed.and(removed).map_err(|source| OpenError::Write { path: root.to_owned(), source })?;
        Ok(Self { root: root.into(), partial: partial.into(), bytes })
    }

    /// Writes a trace, in place of an earlier part of the same one, and removes the oldest ones
    /// that there is no room for with it. Its file is whole at every moment.
    ///
    /// # Errors
    /// If that can't be done: then there is no file, or the one before.
    pub(crate) fn store(&self, of: &Recorded, members: &[Bytes]) -> Result<(), StoreError> {
        let path = self.root.join(names::path(of));
        let bytes = members.iter().map(|it| it.len() as u64).sum();
        self.make_room(bytes, &path).map_err(|source| {
            let root = self.root.to_path_buf();
            StoreError::Room { root, bytes, source }
        })?;
        self.write(&path, members).map_err(|source| {
            // Half a trace must not stay on a full disk. Where even that fails, the next start
            // does.
            fs::remove_file(&self.partial).ok();
            StoreError::Write { path, source }
        })
    }

    /// All traces, the oldest first.
    ///
    /// # Errors
    /// If a directory can't be read.
    pub fn list(&self) -> io::Result<Vec<Stored>> {
        let mut all = Vec::new();
        for namespace in folders(&self.root)? {
            for name in folders(&self.root.join(&namespace))? {
                for (file, bytes) in traces(&self.root.join(&namespace).join(&name))? {
                    all.push((file, format!("{namespace}/{name}"), bytes));
                }
            }
        }
        // Files are named by time.
        all.sort();
        let stored = |(file, of, bytes)| Stored { path: format!("{of}/{file}"), bytes };
        Ok(all.into_iter().map(stored).collect())
    }

    /// What is in the file of a trace; `None` if there is no such trace.
    pub(crate) fn read(
        &self,
        namespace: &str,
        name: &str,
        file: &str,
    ) -> io::Result<Option<Vec<u8>>> {
        if !names::is_folder(namespace) || !names::is_folder(name) || !names::is_trace(file) {
            return Ok(None);
        }
        let path = self.root.join(namespace).join(name).join(file);
        let Some(file) = found(File::open(path))? else { return Ok(None) };
        let mut content = Vec::new();
        // None that was stored here is longer.
        file.take(MIN_BYTES).read_to_end(&mut content)?;
        Ok(Some(content))
    }

    /// What is being written, so that a test can put something else in its place.
    #[cfg(test)]
    pub(super) fn partial(&self) -> &Path {
        &self.partial
    }

    /// Removes the oldest traces until one of so many bytes fits, which takes the place of `path`.
    fn make_room(&self, bytes: u64, path: &Path) -> io::Result<()> {
        let mut others = self.list()?;
        others.retain(|it| self.root.join(&it.path) != path);
        let mut taken: u64 = others.iter().map(|it| it.bytes).sum();
        let mut left = others.len();
        for oldest in others {
            if taken + bytes <= self.bytes && left < MAX_FILES {
                break;
            }
            let path = self.root.join(&oldest.path);
            found(fs::remove_file(&path))?;
            taken -= oldest.bytes;
            left -= 1;
            // Only empty ones can be removed: of a rollout, and of a namespace.
            for folder in path.ancestors().skip(1).take(2) {
                fs::remove_dir(folder).ok();
            }
        }
        Ok(())
    }

    fn write(&self, path: &Path, members: &[Bytes]) -> io::Result<()> {
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        let mut partial = File::create(&self.partial)?;
        members.iter().try_for_each(|it| partial.write_all(it))?;
        // Before the name: else a machine that fails could keep the name and lose the content.
        partial.sync_all()?;
        fs::rename(&self.partial, path)
    }
}

/// Directories that could be those of namespaces or rollouts.
fn folders(of: &Path) -> io::Result<Vec<String>> {
    let mut all = Vec::new();
    for entry in entries(of)? {
        let entry = entry?;
        let name = entry.file_name().into_string().unwrap_or_default();
        if names::is_folder(&name) && entry.file_type()?.is_dir() {
            all.push(name);
        }
    }
    Ok(all)
}

/// Traces with their sizes.
fn traces(of: &Path) -> io::Result<Vec<(String, u64)>> {
    let mut all = Vec::new();
    for entry in entries(of)? {
        let entry = entry?;
        let name = entry.file_name().into_string().unwrap_or_default();
        if !names::is_trace(&name) {
            continue;
        }
        if let Some(metadata) = found(entry.metadata())?.filter(fs::Metadata::is_file) {
            all.push((name, metadata.len()));
        }
    }
    Ok(all)
}

/// What is in a directory; nothing if it is gone.
fn entries(of: &Path) -> io::Result<impl Iterator<Item = io::Result<fs::DirEntry>> + use<>> {
    Ok(found(fs::read_dir(of))?.into_iter().flatten())
}

/// `None` of what is not there: a person, or another process, may remove files at any time.
fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(it) => Ok(Some(it)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests;
