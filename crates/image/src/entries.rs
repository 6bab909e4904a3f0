//! Files of a layer or an archive, in one order, and their bytes as a tar.
//! It knows no image and reads no disk.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io;

/// One file, link or folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Entry {
    /// A regular file.
    File {
        /// Its bytes.
        content: Vec<u8>,
        /// Its permissions.
        mode: u32,
    },
    /// A symbolic link.
    Link {
        /// The path that it points to.
        target: String,
    },
    /// A folder. Those that have nothing special need none: whoever unpacks makes them.
    Folder {
        /// Its permissions.
        mode: u32,
    },
}

/// Entries by their absolute paths.
pub type Entries = BTreeMap<String, Entry>;

impl Entry {
    /// A file that all may read.
    #[must_use]
    pub fn text(content: impl Into<Vec<u8>>) -> Self {
        Self::File { content: content.into(), mode: 0o644 }
    }

    /// A file that all may run, as nobody but themselves: there is no setuid bit.
    #[must_use]
    pub const fn program(content: Vec<u8>) -> Self {
        Self::File { content, mode: 0o755 }
    }
}

/// A tar with no time, no owner and one order: equal entries, equal bytes.
///
/// # Errors
/// A path or the target of a link that a tar can't hold.
pub fn packed(entries: &Entries) -> io::Result<Vec<u8>> {
    let mut tar = tar::Builder::new(Vec::new());
    for (path, entry) in entries {
        let mut header = tar::Header::new_gnu();
        let (content, mode, kind) = match entry {
            Entry::File { content, mode } => (&content[..], *mode, tar::EntryType::Regular),
            Entry::Folder { mode } => (&[][..], *mode, tar::EntryType::Directory),
            Entry::Link { target } => {
                header.set_link_name(target)?;
                (&[][..], 0o777, tar::EntryType::Symlink)
            }
        };
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_size(content.len() as u64);
        header.set_mtime(0);
        tar.append_data(&mut header, path.trim_start_matches('/'), content)?;
    }
    tar.into_inner()
}

/// SHA-256 in hexadecimal digits.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    let sum = ring::digest::digest(&ring::digest::SHA256, bytes);
    sum.as_ref().iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}
