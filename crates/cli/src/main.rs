//! `kubectl-siskin`: rollouts shown, waited for and commanded; recorded ones judged again, and files checked.
//! Only the command line and the exit code: what is asked of a cluster stands below.

mod clock;
mod cluster;
mod completion;
mod judged;
mod lint;
mod live;
mod options;
mod picture;
mod replay;
mod report;
mod source;
mod table;

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;

use clap::error::ErrorKind;
use clap::{CommandFactory, Parser};

use crate::judged::JudgedTrace;
use crate::options::{Command, LintArgs, Options, ReplayArgs};

/// Word by which kubectl's completion asks what may follow the words behind it. No command: they need not be one yet.
const COMPLETE: &str = "__complete";

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args_os().map(|it| it.to_string_lossy().into()).collect();
    if let [_, first, typed @ ..] = words.as_slice()
        && first == COMPLETE
    {
        return printed(&completion::answer(typed));
    }
    let options = Options::parse();
    if let Command::Replay(args) = &options.command
        && args.svg.is_some()
        && args.files.len() > 1
    {
        let problem = "--svg draws one trace, and several were given";
        Options::command().error(ErrorKind::TooManyValues, problem).exit();
    }
    let (text, errors) = match options.command {
        Command::Live(command) => return live::run(&command),
        Command::Completion(args) => return printed(&completion::script(args.shell)),
        Command::Replay(args) => replayed(&args),
        Command::Lint(args) => linted(&args),
    };
    for error in &errors {
        eprintln!("{error}");
    }
    printed(&text);
    if errors.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

fn printed(text: &str) -> ExitCode {
    // A reader that has seen enough (`| head`) closes the pipe: that is no failure.
    let _ = std::io::stdout().write_all(text.as_bytes());
    ExitCode::SUCCESS
}

fn replayed(args: &ReplayArgs) -> (String, Vec<String>) {
    let mut text = String::new();
    let mut errors = Vec::new();
    for (file, outcome) in args.files.iter().zip(replay::all(args)) {
        let file = file.display();
        let outcome = outcome.map_err(|error| error.to_string());
        match outcome.and_then(|it| drawn(it, args.svg.as_deref())) {
            Ok(replayed) if args.json => text += &report::json(&file.to_string(), &replayed),
            Ok(replayed) => text += &report::text(&file.to_string(), &replayed),
            Err(error) => errors.push(format!("{file}: {error}")),
        }
    }
    (text, errors)
}

/// Draws the evidence into the file that was asked for, if any.
fn drawn(trace: JudgedTrace, svg: Option<&Path>) -> Result<JudgedTrace, String> {
    if let Some(path) = svg {
        std::fs::write(path, picture::draw(&trace))
            .map_err(|error| format!("writing the picture: {error}"))?;
    }
    Ok(trace)
}

fn linted(args: &LintArgs) -> (String, Vec<String>) {
    let file = args.file.display();
    let checked = std::fs::read_to_string(&args.file)
        .map_err(|error| vec![error.to_string()])
        .and_then(|text| lint::check(&text));
    match checked {
        Ok(rollouts) => {
            let mut text = format!("{file}: {} valid\n", rollouts.len());
            let (estimates, errors) = lint::estimates(&rollouts, &args.expected);
            text += &estimates;
            (text, errors.into_iter().map(|it| format!("{file}: {it}")).collect())
        }
        Err(errors) => {
            (String::new(), errors.into_iter().map(|it| format!("{file}: {it}")).collect())
        }
    }
}
