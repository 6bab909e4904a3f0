//! The commands that speak to a cluster, each started with what it needs, and its exit code.
//! The order of things only: what is shown and decided stands in the files below.

mod advice;
mod ago;
mod doctor;
mod history;
mod list;
pub(crate) mod names;
mod order;
mod orders;
mod output;
mod paint;
mod replay_ranges;
mod status;
mod trace;
mod undo;
mod view;
mod wait;
mod waiting;

use std::process::ExitCode;

use tokio::runtime::Runtime;

use crate::cluster::Cluster;
use crate::cluster::ask_error::{AskError, CANNOT_ASK};
use crate::options::live::LiveCommand;

/// Runs a command to its end.
pub(crate) fn run(command: &LiveCommand) -> ExitCode {
    let ended = match runtime() {
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

/// What requests run on.
fn runtime() -> std::io::Result<Runtime> {
    // A second provider may be compiled in by whatever depends on rustls: this one is named.
    let _ = rustls::crypto::ring::default_provider().install_default();
    tokio::runtime::Builder::new_current_thread().enable_all().build()
}

async fn ended(command: &LiveCommand) -> Result<u8, AskError> {
    match command {
        LiveCommand::List(args) => list::run(&Cluster::of(&args.cluster).await?, args).await,
        LiveCommand::Status(args) => status::run(&Cluster::of(&args.cluster).await?, args).await,
        LiveCommand::History(args) => history::run(&Cluster::of(&args.cluster).await?, args).await,
        LiveCommand::ReplayRanges(args) => {
            replay_ranges::run(&Cluster::of(&args.cluster).await?, args).await
        }
        LiveCommand::Doctor(args) => doctor::run(&Cluster::of(&args.cluster).await?, args).await,
        LiveCommand::Trace(command) => Ok(trace::run(command).await),
        LiveCommand::Order(command) => orders::run(command).await,
        LiveCommand::Wait(args) => wait::run(&Cluster::of(&args.cluster).await?, args).await,
    }
}
