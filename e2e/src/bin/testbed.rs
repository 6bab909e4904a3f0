//! `cargo testbed`: the test bed by hand.
//! It parses and prints; what it does is in the library, where the tests use it too.

use std::ffi::OsString;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use clap::{Args, Parser, Subcommand};
use siskin_e2e::testbed::image::{Image, Loaded};
use siskin_e2e::testbed::{Artifact, Health, Part, PartStatus, Profile, Testbed};
use siskin_launch::cargo::Program;

/// A real Kubernetes and a real Kafka on this machine, without Docker, for Siskin's tests and for trying it out.
///
/// The first `up` builds Kubernetes, etcd and Prometheus with Go and fetches Kafka with Maven (some ten minutes, into
/// ~/.cache/siskin or `$SISKIN_CACHE`); later ones take seconds. It needs root on Linux, and installs what it
/// lacks from Debian's packages.
#[derive(Debug, Parser)]
#[command(name = "cargo testbed", bin_name = "cargo testbed", after_help = EXAMPLE)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

const EXAMPLE: &str = "A first session:
  cargo testbed up
  cargo testbed operator          # Siskin as a pod, under its own rights, with the guard
  cargo testbed worker            # the sample consumer's image: localhost/siskin-worker:dev
  eval \"$(cargo testbed env)\"     # kubectl, KUBECONFIG, KAFKA_BOOTSTRAP, PROMETHEUS_URL, ...
  kubectl get nodes
  cargo testbed down

One bed is up on a machine at a time, in the network namespace `siskin`, at 10.243.255.2: the API server
at :6443, Kafka at :9092 (plain), :9094 (SASL_SSL), :9095 (SSL), Prometheus at :9090; with --brokers 3 the
other brokers are at :9292 and :9392 (plain). Pods reach the same addresses. There is no cluster DNS, and of the Services only `kubernetes` works: use pod addresses.
Logs are in $TESTBED_RUN/log.";

#[derive(Debug, Subcommand)]
enum Command {
    /// Start the test bed; does nothing if a healthy one is up, replaces a broken one
    Up {
        /// End a running test bed first, with everything in it
        #[arg(long)]
        fresh: bool,
        /// Brokers of Kafka, 1 to 3; a running bed gets those that it lacks
        #[arg(long, default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=3))]
        brokers: u8,
    },
    /// Install, fetch and build what `up` needs, and start nothing
    Provision {
        /// Also Helm 4 and Helm 3, which the checks of the chart need; five minutes
        #[arg(long)]
        helm: bool,
        /// Also what the suite `ecosystem` needs: KEDA, Helm 4, Helm 3, kustomize-controller; half an hour
        #[arg(long)]
        ecosystem: bool,
    },
    /// End the test bed and remove every trace of it but the cache
    Down,
    /// Show each part: process, health, memory, address. Fails unless all are healthy
    Status,
    /// Print `export` lines for: eval "$(cargo testbed env)"
    Env,
    /// Make an image of a binary of this machine, with the libraries it links to, and load it
    LoadImage(LoadImage),
    /// Build Siskin from this work tree and run it, in the cluster or here
    Operator(Operator),
    /// Add fake nodes, for thousands of pods that run nothing and are ready at once
    FakeNodes {
        /// How many, of 110 pods each
        count: u32,
    },
    /// Build the sample consumer and load it as localhost/siskin-worker:dev
    Worker {
        /// Build it with optimizations
        #[arg(long)]
        release: bool,
    },
    /// Measure Siskin from outside: how soon it reacts, what it costs at rest
    #[command(disable_help_flag = true)]
    Measure {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<OsString>,
    },
}

#[derive(Debug, Args)]
struct LoadImage {
    /// The image's name, as localhost/NAME:TAG; pods use it with imagePullPolicy: Never
    name: String,
    /// The program; it becomes the entry point
    #[arg(long)]
    binary: PathBuf,
    /// An argument for when a pod gives none; may be repeated
    #[arg(long = "arg", allow_hyphen_values = true)]
    arguments: Vec<String>,
}

#[derive(Debug, Args)]
struct Operator {
    /// Run it as a process of this machine, as the administrator, until Ctrl-C
    #[arg(long)]
    local: bool,
    /// Build it with optimizations
    #[arg(long)]
    release: bool,
    /// With --local: the operator's own arguments
    #[arg(last = true, requires = "local")]
    arguments: Vec<String>,
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("testbed: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    match command {
        Command::Up { fresh, brokers } => {
            if fresh {
                Testbed::down()?;
            }
            let more = Part::BROKERS.into_iter().take(usize::from(brokers) - 1);
            Testbed::up(&Part::USUAL.into_iter().chain(more).collect::<Vec<_>>())?;
            eprintln!("testbed: the test bed is up; `eval \"$(cargo testbed env)\"` to use it");
        }
        Command::Provision { helm, ecosystem } => {
            Testbed::provision()?;
            if helm {
                Testbed::provide(&Artifact::HELMS)?;
            }
            if ecosystem {
                Testbed::provide(&Artifact::ECOSYSTEM)?;
            }
        }
        Command::Down => Testbed::down()?,
        Command::Status => return Ok(print_status(&Testbed::status()?)),
        Command::Env => print!("{}", Testbed::attach()?.environment()?),
        Command::LoadImage(wanted) => {
            let image = Image {
                names: vec![wanted.name.clone()],
                binary: wanted.binary,
                arguments: wanted.arguments,
            };
            say_loaded(&wanted.name, Testbed::attach()?.load(&image)?);
        }
        Command::Operator(wanted) => run_operator(&wanted)?,
        Command::FakeNodes { count } => Testbed::attach()?.fake_nodes(count)?,
        Command::Worker { release } => {
            let loaded = Testbed::attach()?.load_worker(profile(release))?;
            say_loaded("localhost/siskin-worker:dev", loaded);
        }
        // A program of its own: it speaks of rollouts, and this one must do without the crates that do.
        Command::Measure { arguments } => bail!(Program::MEASURE.launch(arguments)),
    }
    Ok(ExitCode::SUCCESS)
}

fn run_operator(wanted: &Operator) -> Result<()> {
    let bed = Testbed::attach()?;
    if wanted.local {
        match bed.become_operator(profile(wanted.release), &wanted.arguments)? {}
    }
    bed.install_operator(profile(wanted.release))
}

fn profile(release: bool) -> Profile {
    if release { Profile::Release } else { Profile::Debug }
}

fn say_loaded(name: &str, loaded: Loaded) {
    match loaded {
        Loaded::Imported => eprintln!("testbed: loaded {name}"),
        Loaded::AlreadyThere => eprintln!("testbed: {name} is loaded already"),
    }
}

fn print_status(parts: &[PartStatus]) -> ExitCode {
    println!("{:<24} {:>8} {:>8}  {:<10} ADDRESS", "PART", "PID", "MEMORY", "HEALTH");
    for status in parts {
        let pid = status.pid.map_or_else(|| "-".to_owned(), |pid| pid.to_string());
        let memory =
            status.memory_kib.map_or_else(|| "-".to_owned(), |kib| format!("{} MB", kib / 1024));
        println!(
            "{:<24} {pid:>8} {memory:>8}  {:<10} {}",
            status.part.name(),
            status.health,
            status.part.address()
        );
    }
    let total: u64 = parts.iter().filter_map(|status| status.memory_kib).sum();
    println!("{:<24} {:>8} {:>5} MB", "in all", "", total / 1024);
    for status in parts.iter().filter(|status| matches!(status.health, Health::Broken(_))) {
        println!("the log of {}: {}", status.part.name(), status.log.display());
    }
    let fine = |it: &PartStatus| matches!(it.health, Health::Healthy | Health::Unneeded);
    let healthy = parts.iter().all(fine);
    if healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}
