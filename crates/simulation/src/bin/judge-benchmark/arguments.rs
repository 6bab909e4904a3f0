//! The command line: how many seeds, which of the two sets, where to write.
//! Scoring and tuning use seeds that never meet.

use std::path::PathBuf;

use crate::scenario::Scenario;
use crate::sweep::ONE_SEED_IN;

/// Most seeds of a set, so that no two sets can meet.
const MOST: u64 = 900_000;
/// Where they leave something open it is run on as many times these seeds in all.
const MORE: u64 = 4;
/// First seed of the runs that constants may be tried on, and of their sweep of effect sizes.
const TUNING: (u64, u64) = (1, 2_000_000);
/// First seed of the runs that are reported, and of their sweep.
const SCORING: (u64, u64) = (1_000_000, 3_000_000);
/// Seeds per scenario if none are asked for.
const RUNS: u64 = 1_000;

/// What `--help` says.
pub const HELP: &str = "\
judge-benchmark: how fast a judge finds a fault, and how often it rolls back a healthy canary

Simulates a consumer group with a canary, scenario by scenario and seed by seed, shows the same
observations to Siskin and to six rules that other tools use, and prints tables of false rollbacks,
of times to detection, and of the targets. The same seeds give the same bytes on any machine; all
cores are used.

usage: judge-benchmark [OPTIONS]

  --seeds N            runs of each scenario, from 1 to 900000 (default: 1000); where they leave open
                       whether a healthy one is rolled back in at most 1 %, Siskin gets 3 N more
  --tuning             seeds from 1, for trying constants; without it, the seeds for scoring, from
                       1000000, which nobody looks at while tuning (default: scoring)
  --only PART          only scenarios whose name contains PART (default: all)
  --json FILE          also write all figures, with the time of every rollback (default: nowhere)
  --report DIRECTORY   also sweep effect sizes, with a fifth of the seeds and others than these, and
                       write judge.md, judge.csv, power.csv and the plots there; the directory must
                       exist (default: nowhere)
  --sensitivity FILE   instead of all this, halve and double each main constant of the judge, on the
                       seeds for tuning, and write a table there; needs --features sensitivity
  --help               print this

example, a quick look at a few scenarios:
  cargo run --release -p siskin-simulation --bin judge-benchmark -- --tuning --seeds 20 --only errors

Exit code 0; 1 if the arguments can't be read or a file can't be written.
";

/// What the program is to do.
#[derive(Clone, Debug)]
pub enum Command {
    /// Print [`HELP`].
    Help,
    /// Run the benchmark.
    Run(Arguments),
}

/// What was asked for.
#[derive(Clone, Debug)]
pub struct Arguments {
    /// Seeds per scenario.
    pub runs: u64,
    /// Whether these are the seeds for tuning.
    pub tuning: bool,
    /// Only scenarios whose name contains this.
    pub only: Option<String>,
    /// Where all figures go, as JSON.
    pub json: Option<PathBuf>,
    /// The directory of the report, its CSV and its plots.
    pub report: Option<PathBuf>,
    /// Where the table of constants goes, instead of everything else.
    #[cfg(feature = "sensitivity")]
    pub sensitivity: Option<PathBuf>,
}

impl Command {
    /// Reads the command line.
    ///
    /// # Errors
    /// Names what it can't read.
    pub fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments = Arguments {
            runs: RUNS,
            tuning: false,
            only: None,
            json: None,
            report: None,
            #[cfg(feature = "sensitivity")]
            sensitivity: None,
        };
        let mut words = words;
        while let Some(word) = words.next() {
            let mut value = || words.next().ok_or_else(|| usage(&format!("{word} needs a value")));
            match word.as_str() {
                "--seeds" => {
                    let runs = value()?.parse().ok().filter(|runs| (1..=MOST).contains(runs));
                    arguments.runs = runs.ok_or_else(|| usage("--seeds is from 1 to 900000"))?;
                }
                "--json" => arguments.json = Some(value()?.into()),
                "--report" => arguments.report = Some(value()?.into()),
                "--only" => arguments.only = Some(value()?),
                "--tuning" => arguments.tuning = true,
                #[cfg(feature = "sensitivity")]
                "--sensitivity" => arguments.sensitivity = Some(value()?.into()),
                #[cfg(not(feature = "sensitivity"))]
                "--sensitivity" => {
                    return Err(usage(
                        "--sensitivity is there if built with --features sensitivity",
                    ));
                }
                "--help" | "-h" => return Ok(Self::Help),
                other => return Err(usage(&format!("{other} is unknown"))),
            }
        }
        Ok(Self::Run(arguments))
    }
}

impl Arguments {
    /// The seeds of this run.
    pub fn seeds(&self) -> Vec<u64> {
        let (first, _) = self.first();
        (first..first + self.runs).collect()
    }

    /// The seeds after these, for what these leave open; none where they would be somebody else's.
    pub fn more_seeds(&self) -> Vec<u64> {
        let (first, _) = self.first();
        let (from, to) = (first + self.runs, first + MORE * self.runs);
        if MORE * self.runs <= MOST { (from..to).collect() } else { Vec::new() }
    }

    /// As many of the seeds for tuning, whatever was asked for.
    #[cfg(feature = "sensitivity")]
    pub fn tuning_seeds(&self) -> Vec<u64> {
        (TUNING.0..TUNING.0 + self.runs).collect()
    }

    /// The seeds of its sweep of effect sizes.
    pub fn sweep_seeds(&self) -> Vec<u64> {
        let (_, first) = self.first();
        (first..first + self.runs.div_ceil(ONE_SEED_IN)).collect()
    }

    fn first(&self) -> (u64, u64) {
        if self.tuning { TUNING } else { SCORING }
    }

    /// The scenarios of this run.
    pub fn chosen(&self, all: Vec<Scenario>) -> Vec<Scenario> {
        let wanted = |one: &Scenario| self.only.as_ref().is_none_or(|part| one.name.contains(part));
        all.into_iter().filter(wanted).collect()
    }
}

fn usage(problem: &str) -> String {
    format!("{problem}; --help says what there is")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(words: &str) -> Result<Command, String> {
        Command::parse(words.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn help_names_every_option() {
        assert!(matches!(parse("--seeds 3 --help"), Ok(Command::Help)));
        for option in
            ["--seeds", "--tuning", "--only", "--json", "--report", "--sensitivity", "--help"]
        {
            assert!(HELP.contains(option), "{option}");
        }
    }

    #[test]
    fn what_is_not_known_is_named() {
        for (words, named) in [
            ("--seed 3", "--seed is unknown"),
            ("--only", "--only needs a value"),
            ("--seeds 0", "from 1"),
        ] {
            let problem = parse(words).map(|_| ()).expect_err("can't be read");
            assert!(problem.contains(named), "{problem}");
        }
    }

    #[test]
    fn no_two_sets_of_seeds_meet() {
        let mut ends = Vec::new();
        for words in ["--seeds 900000 --tuning", "--seeds 900000"] {
            let Ok(Command::Run(arguments)) = parse(words) else { panic!("{words} can be read") };
            for seeds in [arguments.seeds(), arguments.sweep_seeds()] {
                ends.push((seeds[0], seeds[seeds.len() - 1]));
            }
        }
        ends.sort_unstable();
        assert!(ends.windows(2).all(|pair| pair[0].1 < pair[1].0), "{ends:?}");
    }
}
