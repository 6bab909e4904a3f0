//! Other programs, run to their end with their output read: its last line shows that they go on, all of it why they failed.
//! Nothing that they print reaches the terminal as it is, so none of their escape codes does.

use std::collections::VecDeque;
use std::io::{BufRead as _, BufReader, pipe};
use std::process::{Command, Stdio};

use crate::progress::Activity;

/// Lines that are kept for the error: more than a compiler has for one mistake.
const KEPT: usize = 200;

/// Runs the command to its end, and shows what it prints as the detail of `activity`.
///
/// # Errors
/// The command could not be run, or failed: with the end of what it printed.
pub fn run(command: &mut Command, activity: &Activity) -> Result<(), String> {
    let shown = shown(command);
    let failed = |error: std::io::Error| format!("running {shown}: {error}");
    let (reader, writer) = pipe().map_err(failed)?;
    command.stdin(Stdio::null()).stdout(writer.try_clone().map_err(failed)?).stderr(writer);
    let child = command.spawn();
    // The command holds the pipe's other end, which must be closed for the reader to see an end.
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let mut child = child.map_err(failed)?;
    let mut last = VecDeque::new();
    for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
        let line = plain(&String::from_utf8_lossy(&line));
        if !line.trim().is_empty() {
            activity.detail(&line);
        }
        if last.len() == KEPT {
            last.pop_front();
        }
        last.push_back(line);
    }
    let status = child.wait().map_err(failed)?;
    if status.success() {
        return Ok(());
    }
    Err(format!("{shown} ended with {status}:\n{}", Vec::from(last).join("\n")))
}

/// The command as a person would type it.
#[must_use]
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    words.map(|word| word.to_string_lossy()).collect::<Vec<_>>().join(" ")
}

/// A line without escape codes and other control characters, and what a carriage return left of it.
fn plain(line: &str) -> String {
    let last = line.rsplit('\r').find(|it| !it.is_empty()).unwrap_or_default();
    let (mut text, mut rest) = (String::new(), last.chars());
    while let Some(letter) = rest.next() {
        if letter == '\x1b' {
            skip_escape(&mut rest);
        } else if letter == '\t' || !letter.is_control() {
            text.push(letter);
        }
    }
    text
}

/// ECMA-48: `ESC [` and parameters up to a final byte, `ESC ]` and text up to BEL, or `ESC` and one more.
fn skip_escape(rest: &mut std::str::Chars<'_>) {
    match rest.next() {
        Some('[') => drop(rest.find(|it| ('@'..='~').contains(it))),
        Some(']') => drop(rest.find(|it| *it == '\x07')),
        Some(_) | None => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escape_codes_and_rewritten_lines_are_left_out() {
        assert_eq!(plain("\x1b[1m\x1b[32m   Compiling\x1b[0m kube v5"), "   Compiling kube v5");
        assert_eq!(plain("10 %\r50 %\r100 %\r"), "100 %");
        assert_eq!(plain("\x1b]0;title\x07text\x08"), "text");
        assert_eq!(plain("\x1b[K"), "");
    }

    #[test]
    fn a_failure_says_what_was_run_and_what_it_printed() {
        let activity = Activity::begin("test");
        let shell = |script: &str| run(Command::new("sh").args(["-c", script]), &activity);
        assert_eq!(shell("echo fine"), Ok(()));
        let error = shell("echo out; echo err >&2; exit 3").unwrap_err();
        assert!(error.contains("sh -c") && error.contains("exit status: 3"), "{error}");
        assert!(error.contains("\nout") && error.contains("\nerr"), "{error}");
        assert!(run(&mut Command::new("/no/such/program"), &activity).is_err());
    }
}
