//! The commands that speak to a cluster, each started with what it needs, and its exit code.
//! The order of things only: what is shown and decided stands in the files below.

mod advice;
mod ago;
mod history;
mod list;
mod order;
mod orders;
mod output;
mod status;
mod undo;
mod view;
mod wait;
mod waiting;

use std::process::ExitCode;

use crate::cluster::Cluster;
use crate::cluster::ask_error::AskError;
use crate::options::live::LiveCommand;

/// Exit code of what can't be done: wrong usage, and a cluster that can't be asked.
pub(crate) const CANNOT_ASK: u8 = 2;

/// Runs a command to its end.
pub(crate) fn run(command: &LiveCommand) -> ExitCode {
    // A second provider may be compiled in by whatever depends on rustls: this one is named.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(ended(command)),
        Err(error) => {
            eprintln!("error: {error}");
            return ExitCode::from(CANNOT_ASK);
        }
    };
    match ended {
        Ok(code) => ExitCode::from(code),
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(CANNOT_ASK)
        }
    }
}

async fn ended(command: &LiveCommand) -> Result<u8, AskError> {
    match command {
        LiveCommand::List(args) => list::run(&Cluster::of(&args.cluster).await?, args).await,
        LiveCommand::Status(args) => status::run(&Cluster::of(&args.cluster).await?, args).await,
        LiveCommand::History(args) => history::run(&Cluster::of(&args.cluster).await?, args).await,
        LiveCommand::Order(command) => orders::run(command).await,
        LiveCommand::Wait(args) => wait::run(&Cluster::of(&args.cluster).await?, args).await,
    }
}
