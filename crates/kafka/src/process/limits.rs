//! What the process of a client may take: memory, stacks, files; and that the kernel ends it first.
//! Set by the process itself, before it has read anything; decides nothing.
#![allow(unsafe_code)]

use std::fs;
use std::io;

/// Memory that may be written to, in bytes, stacks included: what is not held by it is the program
/// itself. A group of 50,000 partitions took 38 MiB; an answer that would take more ends the process.
const MEMORY: libc::rlim_t = 96 << 20;
/// Stack of each thread, in bytes. librdkafka has a thread for each broker: by this and [`MEMORY`]
/// there can't be more than some 350, whatever a list of brokers says.
const STACK: libc::rlim_t = 256 << 10;
/// Files that are open at once: a connection for each broker, and some.
const FILES: libc::rlim_t = 512;

/// Sets the limits of this process. A stack counts for threads of programs that begin after it.
pub(super) fn set() -> io::Result<()> {
    limit(libc::RLIMIT_DATA, MEMORY)?;
    limit(libc::RLIMIT_STACK, STACK)?;
    limit(libc::RLIMIT_NOFILE, FILES)?;
    // It writes no file: no core of what holds a password, either.
    limit(libc::RLIMIT_CORE, 0)?;
    limit(libc::RLIMIT_FSIZE, 0)?;
    Ok(())
}

/// Where a container says whether all of its processes end with the one that the kernel picks (cgroup v2; Kubernetes sets
/// it since 1.28).
const ENDS_AS_A_WHOLE: &str = "/sys/fs/cgroup/memory.oom.group";

/// Asks the kernel to end this process before any other of the container. Not where they end together: on a node that is
/// short of memory, whoever offers itself takes the operator with it. Whoever may not ask goes without: the limits hold all
/// the same.
pub(super) fn be_ended_first() {
    let together = fs::read_to_string(ENDS_AS_A_WHOLE).is_ok_and(|it| it.trim() == "1");
    if !together {
        fs::write("/proc/self/oom_score_adj", "1000").ok();
    }
}

/// The type of a limit's name.
#[cfg(not(target_env = "musl"))]
type Resource = libc::__rlimit_resource_t;
/// The type of a limit's name.
#[cfg(target_env = "musl")]
type Resource = libc::c_int;

/// Lowers a limit; one that is lower stays.
fn limit(resource: Resource, most: libc::rlim_t) -> io::Result<()> {
    let mut found = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: the structure is alive and is written to as a whole.
    if unsafe { libc::getrlimit(resource, &raw mut found) } != 0 {
        return Err(io::Error::last_os_error());
    }
    let most = most.min(found.rlim_max);
    let wanted = libc::rlimit { rlim_cur: most, rlim_max: most };
    // SAFETY: the structure is alive and is only read.
    match unsafe { libc::setrlimit(resource, &raw const wanted) } {
        0 => Ok(()),
        _ => Err(io::Error::last_os_error()),
    }
}

/// Ends this process as it is. Nothing is tidied up: threads of librdkafka are at work.
pub(super) fn end(code: i32) -> ! {
    // SAFETY: no precondition.
    unsafe { libc::_exit(code) }
}
