//! Running other programs: what they printed, or an error that says what was run and what it complained of.
//! It starts nothing that outlives the call.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Error, Result, anyhow};
use siskin_launch::progress::{self, Activity};
use siskin_launch::watched::{self, shown};

/// One line of progress, for a person.
pub(super) fn say(line: &str) {
    progress::say(&format!("testbed: {line}"));
}

/// What takes a while begins: until it is dropped, how long it has taken so far is told.
pub(super) fn doing(what: &str) -> Activity {
    Activity::begin(format!("testbed: {what}"))
}

/// Runs the command to its end and returns its standard output.
pub(crate) fn output(command: &mut Command) -> Result<String> {
    let output = command.stdin(Stdio::null()).output();
    finished(command, &output.with_context(|| format!("running {}", shown(command)))?)
}

/// Runs the command with this input to its end and returns its standard output.
pub(crate) fn output_with_input(command: &mut Command, input: &str) -> Result<String> {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().with_context(|| format!("running {}", shown(command)))?;
    let mut stdin = child.stdin.take().context("a pipe was asked for")?;
    // The write fails if the program ends early; what it then says is the better error.
    let written = thread::scope(|scope| {
        let writer = scope.spawn(move || stdin.write_all(input.as_bytes()));
        let output = child.wait_with_output();
        (output, writer.join())
    });
    finished(command, &written.0?)
}

/// Runs the command to its end; what it printed is in the error, and its last line in the progress of `activity`.
pub(super) fn run_watched(command: &mut Command, activity: &Activity) -> Result<()> {
    watched::run(command, activity).map_err(Error::msg)
}

/// Asks again until it is so. `broken` ends the wait early: what is waited for can no longer come.
pub(super) fn wait_until(
    what: &str,
    deadline: Duration,
    mut probe: impl FnMut() -> Result<()>,
    broken: impl Fn() -> Result<()>,
) -> Result<()> {
    // Short enough to be lost in the start of any part, long enough to leave the processor to it.
    const PAUSE: Duration = Duration::from_millis(100);
    let begun = Instant::now();
    loop {
        let Err(error) = probe() else { return Ok(()) };
        broken()?;
        if begun.elapsed() > deadline {
            return Err(error.context(format!("waited {} s until {what}", deadline.as_secs())));
        }
        thread::sleep(PAUSE);
    }
}

fn finished(command: &Command, output: &Output) -> Result<String> {
    if output.status.success() {
        return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
    }
    let complaint = String::from_utf8_lossy(&output.stderr);
    Err(anyhow!("{} ended with {}: {}", shown(command), output.status, complaint.trim()))
}
