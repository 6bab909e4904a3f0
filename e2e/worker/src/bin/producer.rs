//! The load, and the check that nothing of it was lost: settings, signals, one line of JSON.
//! What is produced and what is counted, `load` and `verify` know.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use anyhow::{Context, ensure};
use clap::error::ErrorKind;
use clap::{CommandFactory, Parser, Subcommand};
use siskin_worker::groups::Shape;
use siskin_worker::load::options::Load;
use siskin_worker::stop::signalled;
use siskin_worker::units::duration;
use siskin_worker::{groups, load, topics, verify};

/// Produces records at a steady rate until COUNT, DURATION or SIGTERM; then prints one line of JSON:
/// what Kafka has confirmed.
#[derive(Debug, Parser)]
#[command(name = "producer", version, args_conflicts_with_subcommands = true)]
struct Arguments {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    load: Load,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Compares a topic with its acknowledgements; prints one line of JSON; fails if a record is
    /// missing.
    Verify {
        /// Kafka brokers, host:port, comma separated.
        #[arg(long, env = "KAFKA_BOOTSTRAP", default_value = "127.0.0.1:9092")]
        bootstrap: String,
        /// What was produced.
        #[arg(long, env = "TOPIC")]
        topic: String,
        /// Topic in which the workers acknowledged. A topic that does not exist holds no acknowledgement.
        #[arg(long, env = "OUTPUT_TOPIC")]
        output: String,
        /// How long reading may take.
        #[arg(long, value_parser = duration, default_value = "1m")]
        patience: Duration,
    },
    /// Makes consumer groups without members, each of which has committed offset 0 on every partition of topics of its own,
    /// which are made, too: GROUP-0, GROUP-1, and so on.
    Groups {
        /// Kafka brokers, host:port, comma separated.
        #[arg(long, env = "KAFKA_BOOTSTRAP", default_value = "127.0.0.1:9092")]
        bootstrap: String,
        /// Topics of each group.
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u16).range(1..))]
        topics: u16,
        /// Partitions of each topic.
        #[arg(long, default_value_t = 20, value_parser = clap::value_parser!(i32).range(1..))]
        partitions: i32,
        /// Names of the groups.
        #[arg(required = true)]
        groups: Vec<String>,
    },
}

#[tokio::main(worker_threads = 1)]
async fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    if let Err(error) = arguments.load.check() {
        Arguments::command().error(ErrorKind::ValueValidation, error).exit();
    }
    let errors = std::io::stderr;
    tracing_subscriber::fmt().with_ansi(false).with_target(false).with_writer(errors).init();
    match arguments.command {
        Some(Command::Verify { bootstrap, topic, output, patience }) => {
            let account = verify::account(&bootstrap, &topic, &output, patience)?;
            println!("{}", serde_json::to_string(&account)?);
            ensure!(account.missing == 0, "{} records are missing", account.missing);
            Ok(())
        }
        Some(Command::Groups { bootstrap, topics, partitions, groups }) => {
            let shape = Shape { topics, partitions };
            groups::make(&bootstrap, &groups, shape).await
        }
        None => produce(arguments.load).await,
    }
}

async fn produce(load: Load) -> anyhow::Result<()> {
    let partitions = topics::make(&load.bootstrap, &load.topic, load.partitions).await?;
    if load.create_only {
        return Ok(());
    }
    let stop = Arc::new(AtomicBool::new(false));
    let told = Arc::clone(&stop);
    let stopped = signalled()?;
    tokio::spawn(async move {
        stopped.await;
        told.store(true, Ordering::Relaxed);
    });
    let producing = tokio::task::spawn_blocking(move || load::produce(&load, partitions, &stop));
    let produced = producing.await.context("the producing thread died")??;
    println!("{}", serde_json::to_string(&produced)?);
    ensure!(produced.failed == 0, "{} records were not produced", produced.failed);
    Ok(())
}
