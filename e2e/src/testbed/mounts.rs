//! What is mounted below a folder, and how to unmount it.
//! It reads the kernel's own table; it never guesses from a path.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rustix::mount::{UnmountFlags, unmount};

/// Every mount point at or below `folder`, the last mounted first.
pub(super) fn below(folder: &Path) -> Result<Vec<PathBuf>> {
    let table = fs::read_to_string("/proc/self/mountinfo").context("reading the mount table")?;
    let mut points: Vec<PathBuf> = table
        .lines()
        .filter_map(|line| line.split(' ').nth(4))
        .map(|point| PathBuf::from(unescaped(point)))
        .filter(|point| point.starts_with(folder))
        .collect();
    points.reverse();
    Ok(points)
}

/// Unmounts all of them, those in use too: their users are gone or going. Fails if one stays.
pub(super) fn unmount_below(folder: &Path) -> Result<()> {
    // A mount may hide another one at the same place; each round uncovers one.
    for _ in 0..8 {
        let points = below(folder)?;
        if points.is_empty() {
            return Ok(());
        }
        for point in points {
            // One that went away with its parent is gone all the same; the next round tells.
            let _ = unmount(&point, UnmountFlags::DETACH);
        }
    }
    let left = below(folder)?;
    anyhow::ensure!(left.is_empty(), "these do not unmount: {left:?}");
    Ok(())
}

/// The kernel writes blanks and backslashes as three octal digits.
fn unescaped(field: &str) -> String {
    let codes = [("\\040", " "), ("\\011", "\t"), ("\\012", "\n"), ("\\134", "\\")];
    codes.iter().fold(field.to_owned(), |text, (code, char)| text.replace(code, char))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_root_is_a_mount_and_nowhere_is_none() {
        assert!(below(Path::new("/")).unwrap().contains(&PathBuf::from("/")));
        assert!(below(Path::new("/no/such/folder")).unwrap().is_empty());
    }

    #[test]
    fn blanks_in_a_mount_point_are_read() {
        assert_eq!(unescaped("/a\\040b\\134c"), "/a b\\c");
    }
}
