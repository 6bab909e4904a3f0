//! Files out of the reach of a process, by Landlock: the service account's token is one of them.
//! Best effort: a kernel before Linux 5.13, or one without Landlock, confines nothing.
#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd as _, FromRawFd as _, OwnedFd};

// Equal on all architectures; libc does not have them for each.
const CREATE_RULESET: libc::c_long = 444;
const ADD_RULE: libc::c_long = 445;
const RESTRICT_SELF: libc::c_long = 446;
/// Asks for the version, instead of a ruleset.
const VERSION: libc::c_uint = 1;
/// A rule of a path and all below it.
const PATH_BENEATH: libc::c_uint = 1;

/// All that the first version knows: to run, write, read, list, make and remove.
const ALL_FILE_ACCESS: u64 = (1 << 13) - 1;
/// To read files, and to list folders.
const READ: u64 = 1 << 2 | 1 << 3;
/// Sockets without a path, and signals to processes outside.
const ALL_SCOPES: u64 = 1 << 0 | 1 << 1;
/// First version that knows scopes.
const SCOPES_SINCE: libc::c_long = 6;

/// What resolving a name needs: its configuration, and parts of the C library; and the public authorities in `/etc/ssl` or
/// `/etc/pki`. A folder that is not there is none that could be read.
const READABLE: [&str; 5] = ["/etc", "/lib", "/lib64", "/usr/lib", "/run/systemd/resolve"];

/// What a ruleset is about.
#[repr(C)]
#[derive(Default)]
struct Ruleset {
    file_access: u64,
    net_access: u64,
    scopes: u64,
}

/// What is allowed below a path.
#[repr(C, packed)]
struct PathRule {
    access: u64,
    parent: libc::c_int,
}

/// Leaves this thread, and those that it starts, no file but those that a name is resolved by; and
/// no signal to a process outside. What is open stays open.
pub(super) fn confine() -> io::Result<()> {
    let nothing = std::ptr::null::<Ruleset>();
    // SAFETY: without a ruleset only the version is asked for.
    let version = checked(unsafe { libc::syscall(CREATE_RULESET, nothing, 0_usize, VERSION) })?;
    let scopes = if SCOPES_SINCE <= version { ALL_SCOPES } else { 0 };
    let about = Ruleset { file_access: ALL_FILE_ACCESS, net_access: 0, scopes };
    // An older kernel knows the first field alone.
    let size = if scopes == 0 { size_of::<u64>() } else { size_of::<Ruleset>() };
    // SAFETY: the structure is alive, at least so long, and only read.
    let ruleset = unsafe { libc::syscall(CREATE_RULESET, &raw const about, size, 0) };
    let ruleset = libc::c_int::try_from(checked(ruleset)?).map_err(io::Error::other)?;
    // SAFETY: the descriptor was made right now and is owned by nobody else.
    let ruleset = unsafe { OwnedFd::from_raw_fd(ruleset) };
    for path in READABLE.iter().filter_map(|it| File::open(it).ok()) {
        let rule = PathRule { access: READ, parent: path.as_raw_fd() };
        let ruleset = ruleset.as_raw_fd();
        // SAFETY: the structure is alive and only read; both descriptors are open.
        checked(unsafe { libc::syscall(ADD_RULE, ruleset, PATH_BENEATH, &raw const rule, 0) })?;
    }
    let none: libc::c_ulong = 0;
    // SAFETY: no pointer is passed.
    let outcome = unsafe { libc::prctl(libc::PR_SET_NO_NEW_PRIVS, 1, none, none, none) };
    checked(outcome.into())?;
    // SAFETY: the descriptor is open.
    checked(unsafe { libc::syscall(RESTRICT_SELF, ruleset.as_raw_fd(), 0) })?;
    Ok(())
}

fn checked(outcome: libc::c_long) -> io::Result<libc::c_long> {
    if outcome < 0 { Err(io::Error::last_os_error()) } else { Ok(outcome) }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::net::ToSocketAddrs as _;

    use super::*;

    /// A kernel that can't confine says so: then there is nothing to be seen.
    #[test]
    fn a_confined_thread_reads_no_token_and_resolves_names_all_the_same() {
        let token = std::env::temp_dir().join(format!("siskin-token-{}", std::process::id()));
        fs::write(&token, "secret").expect("a file");
        let path = token.clone();
        let confined = std::thread::spawn(move || {
            confine()?;
            let name = ("localhost", 1).to_socket_addrs().map(Iterator::count);
            Ok::<_, io::Error>((fs::read(&path).map_err(|it| it.kind()), name.is_ok()))
        });
        match confined.join().expect("no panic") {
            Ok(found) => assert_eq!(found, (Err(io::ErrorKind::PermissionDenied), true)),
            Err(error) => assert!(
                matches!(error.raw_os_error(), Some(libc::ENOSYS | libc::EOPNOTSUPP)),
                "{error}"
            ),
        }
        assert!(fs::read(&token).is_ok(), "other threads are as before");
        fs::remove_file(token).expect("a file");
    }
}
