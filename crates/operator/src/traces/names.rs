//! How stored traces are named: safe for a file system, and in the order of time.
//! Reads and writes nothing.

use std::path::PathBuf;

use jiff::Timestamp;

use crate::traces::outgoing::Recorded;

/// What every file of a trace ends with.
const ENDING: &str = ".jsonl.gz";

/// The longest name that Kubernetes gives, in bytes; file systems take 255.
const LONGEST_NAME: usize = 253;

/// `20261121T183500.123Z`: as text in the order of time.
const TIME: &str = "%Y%m%dT%H%M%S.%3fZ";

/// `<namespace>/<name>/<time>-<rolloutId>.jsonl.gz`. The time is that of the beginning: an operator
/// that goes on with an attempt of another one makes a file of its own.
pub(super) fn path(of: &Recorded) -> PathBuf {
    let began = Timestamp::from_millisecond(of.began.max(0)).unwrap_or_default();
    let file = format!("{}-{}{ENDING}", began.strftime(TIME), of.id);
    [folder(&of.name.namespace), folder(&of.name.name), file].iter().collect()
}

/// Whether a directory could be that of a namespace or a rollout: what else lies in a volume, such
/// as
/// `lost+found`, is not looked into.
pub(super) fn is_folder(name: &str) -> bool {
    let plain = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit();
    let ends = name.bytes().next().zip(name.bytes().next_back());
    ends.is_some_and(|(first, last)| plain(first) && plain(last))
        && name.len() <= LONGEST_NAME
        && name.bytes().all(|it| plain(it) || it == b'-' || it == b'.')
}

/// Whether a file bears the name of a trace.
pub(super) fn is_trace(file: &str) -> bool {
    let Some(stem) = file.strip_suffix(ENDING) else { return false };
    let Some((began, id)) = stem.split_once("Z-") else { return false };
    let digits = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    let dated = began.split_once('T').and_then(|(day, time)| {
        let (seconds, millis) = time.split_once('.')?;
        Some([day, seconds, millis].into_iter().all(digits))
    });
    dated == Some(true) && id.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-')
}

/// What Kubernetes accepts as a name is safe in every file system: lower case, no separator, never
/// `.` or `..`, and short enough. Whatever else should ever come is kept from being a path.
fn folder(name: &str) -> String {
    if is_folder(name) {
        return name.to_owned();
    }
    name.bytes().fold(String::new(), |hex, it| hex + &format!("{it:02x}"))
}

#[cfg(test)]
mod tests;
