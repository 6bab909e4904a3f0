//! Processes that outlive the command that started them: their start, their record, their signals.
//! A signal goes only to the very process that was recorded, never to a later one with its number.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};
use std::{io, thread};

use anyhow::{Context as _, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::places::{self, Places};
use super::shell;

/// Set for every daemon, to the folder of its bed: finds those that no record names, a container's shim for one.
const MARK: &str = "SISKIN_TESTBED";

/// A process, told from later ones with the same number by when it started.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Identity {
    pub(super) pid: i32,
    start: u64,
}

impl Identity {
    /// The process that this file records, alive or not.
    pub(super) fn recorded(record: &Path) -> Option<Self> {
        let text = fs::read_to_string(record).ok()?;
        let mut words = text.split_whitespace();
        Some(Self { pid: words.next()?.parse().ok()?, start: words.next()?.parse().ok()? })
    }

    /// This process.
    pub(super) fn own() -> Result<Self> {
        let pid = i32::try_from(std::process::id())?;
        Ok(Self { pid, start: stat(pid).context("reading /proc/self/stat")?.1 })
    }

    pub(super) fn write(self, record: &Path) -> Result<()> {
        Ok(fs::write(record, format!("{} {}\n", self.pid, self.start))?)
    }

    /// Runs, or is stopped by a signal; a dead one that its parent has not asked about is not alive.
    pub(super) fn alive(self) -> bool {
        self.state().is_some()
    }

    pub(super) fn paused(self) -> bool {
        self.state() == Some('T')
    }

    fn state(self) -> Option<char> {
        let (state, start) = stat(self.pid)?;
        (start == self.start && !matches!(state, 'Z' | 'X')).then_some(state)
    }

    /// Resident memory in KiB.
    pub(super) fn memory_kib(self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid)).ok()?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.split_whitespace().next()?.parse().ok()
    }

    pub(super) fn signal(self, signal: Signal) -> Result<()> {
        if !self.alive() {
            return Ok(());
        }
        let pid = Pid::from_raw(self.pid).context("no process number")?;
        match kill_process(pid, signal) {
            Ok(()) | Err(rustix::io::Errno::SRCH) => Ok(()),
            Err(error) => Err(error).with_context(|| format!("signaling process {}", self.pid)),
        }
    }

    /// Asks it to end, and makes it end if it has not by the deadline.
    pub(super) fn end(self, patience: Duration) -> Result<()> {
        self.signal(Signal::TERM)?;
        // A paused one sees no other signal.
        self.signal(Signal::CONT)?;
        if self.gone_within(patience) { Ok(()) } else { self.kill() }
    }

    /// Ends it as a crash would, and waits until it has ended.
    pub(super) fn kill(self) -> Result<()> {
        self.signal(Signal::KILL)?;
        // In the kernel's hands; seconds only if it waits for a disk.
        if !self.gone_within(Duration::from_secs(10)) {
            bail!("process {} does not end", self.pid);
        }
        Ok(())
    }

    fn gone_within(self, patience: Duration) -> bool {
        let begun = Instant::now();
        while self.alive() {
            if begun.elapsed() > patience {
                return false;
            }
            thread::sleep(Duration::from_millis(20));
        }
        true
    }
}

/// Starts a program in the namespace, in a session of its own, and returns who it is.
pub(super) fn launch(places: &Places, name: &str, program: &mut Command) -> Result<Identity> {
    let record = places.record(name);
    let log = File::options().create(true).append(true).open(places.log(name))?;
    let home = std::env::var_os("HOME").unwrap_or_else(|| "/root".into());
    let mut command = Command::new("setsid");
    command.arg("--fork").arg(places::in_repository("launch.sh")).arg(&record);
    command.arg(super::network::namespace_file());
    command.arg(program.get_program()).args(program.get_args());
    // What cargo sets for the program that it runs (its library path, above all) is not for daemons.
    mark(places, command.env_clear().env("PATH", daemon_path()).env("HOME", home));
    command.envs(program.get_envs().filter_map(|(name, value)| Some((name, value?))));
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    fs::remove_file(&record).or_else(absent_is_fine)?;
    let status = command.current_dir("/").status().context("running setsid")?;
    if !status.success() {
        bail!("setsid ended with {status}");
    }
    let mut found = None;
    let probe = || {
        found = Identity::recorded(&record);
        found.map(drop).context("no record")
    };
    // A shell's start: more than a moment only on a machine with far too much to do.
    shell::wait_until(&format!("{name} starts"), Duration::from_secs(20), probe, || Ok(()))?;
    found.context("a record was just read")
}

/// Makes the command one of the bed's, for the tear-down to end if its starter is killed meanwhile.
pub(super) fn mark<'a>(places: &Places, command: &'a mut Command) -> &'a mut Command {
    command.env(MARK, &places.run)
}

/// Every living process that was started for the bed in `run`, and the folders of other beds that have some.
pub(super) fn marked(run: &Path) -> Result<(Vec<Identity>, Vec<String>)> {
    let (mut ours, mut others) = (Vec::new(), Vec::new());
    let wanted = run.as_os_str().as_encoded_bytes();
    let prefix = format!("{MARK}=");
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        // A process may end, or be another user's, between the listing and the look.
        let Ok(environment) = fs::read(entry.path().join("environ")) else { continue };
        let mark = environment
            .split(|byte| *byte == 0)
            .find_map(|variable| variable.strip_prefix(prefix.as_bytes()));
        let (Some(mark), Some((state, start))) = (mark, stat(pid)) else { continue };
        if matches!(state, 'Z' | 'X') {
            continue;
        }
        if mark == wanted {
            ours.push(Identity { pid, start });
        } else {
            others.push(String::from_utf8_lossy(mark).into_owned());
        }
    }
    others.sort();
    others.dedup();
    Ok((ours, others))
}

/// The last lines that a daemon wrote, for an error.
pub(super) fn end_of_log(places: &Places, name: &str) -> String {
    const LINES: usize = 15;
    let path = places.log(name);
    // A log of hours may be large; its end is in the last few KiB.
    let text = fs::read(&path).unwrap_or_default();
    let text = String::from_utf8_lossy(&text[text.len().saturating_sub(8192)..]).into_owned();
    let lines: Vec<&str> = text.lines().collect();
    format!("{}:\n{}", path.display(), lines[lines.len().saturating_sub(LINES)..].join("\n"))
}

/// The folders of the system's programs, whatever the caller's own PATH is.
fn daemon_path() -> String {
    let own = std::env::var("PATH").unwrap_or_default();
    format!("{own}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
}

/// State and start time of a process, from the fields after its name, which may hold blanks.
fn stat(pid: i32) -> Option<(char, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut fields = text.rsplit_once(')')?.1.split_whitespace();
    let state = fields.next()?.chars().next()?;
    // The 22nd of all fields; two came before the name's end, one is the state.
    Some((state, fields.nth(18)?.parse().ok()?))
}

pub(super) fn absent_is_fine(error: io::Error) -> io::Result<()> {
    if error.kind() == io::ErrorKind::NotFound { Ok(()) } else { Err(error) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_is_alive_and_is_itself() {
        let own = Identity::own().unwrap();
        assert!(own.alive() && !own.paused());
        assert!(own.memory_kib().is_some_and(|kib| kib > 0));
    }

    #[test]
    fn a_later_process_with_the_same_number_is_someone_else() {
        let own = Identity::own().unwrap();
        let earlier = Identity { start: own.start - 1, ..own };
        assert!(!earlier.alive());
        // Were it taken for the recorded one, this test would end here.
        earlier.signal(Signal::KILL).unwrap();
    }

    #[test]
    fn a_half_written_record_names_nobody() {
        let folder = std::env::temp_dir().join(format!("siskin-record-{}", std::process::id()));
        fs::create_dir_all(&folder).unwrap();
        let record = folder.join("record");
        for text in ["", "12", "12 x", "x 12"] {
            fs::write(&record, text).unwrap();
            assert_eq!(Identity::recorded(&record), None, "{text:?}");
        }
        fs::remove_dir_all(&folder).unwrap();
    }
}
