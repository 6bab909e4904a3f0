//! The command line: how many seeds, which of the two sets, where to write.
//! Scoring and tuning use seeds that never meet.

use std::path::PathBuf;

use crate::catalogue;
use crate::catalogue::plans::PlanCase;
use crate::scenario::Scenario;
use crate::set::Set;

/// Most seeds of a set, so that no two sets can meet.
const MOST: u64 = 900_000;
/// Where they leave something open a scenario is run on as many more seeds, so often at most.
const MORE: u64 = 3;
/// Runs that can show less than 1 % at all, with 97.5 % confidence: with fewer, none are added.
const ENOUGH: u64 = 370;
/// Most runs of a hard scenario: none rolled back among these is less than 1 % with 97.5 % confidence.
const MOST_HARD: u64 = 400;
/// Most runs of a scenario with a fault: a percentile of times needs no more.
const MOST_FAULTS: u64 = 100;
/// Most runs of a rollout. Where it is slow to pass, one takes as long as four trials.
const MOST_PLANS: u64 = 50;
/// First seeds of the runs that constants may be tried on.
const TUNING: First = First { trials: 1, sweep: 2_000_000, plans: 4_000_000 };
/// First seeds of the runs that are reported.
const SCORING: First = First { trials: 1_000_000, sweep: 3_000_000, plans: 5_000_000 };
/// Seeds per scenario if none are asked for.
const RUNS: u64 = 1_000;

/// What `--help` says.
pub const HELP: &str = "\
judge-benchmark: how fast a judge finds a fault, and how often it rolls back a healthy canary

Simulates a consumer group with a canary, scenario by scenario and seed by seed, shows the same
observations to Siskin, to six rules that other tools use and to seven stronger ones, and prints
tables of false rollbacks, of times to detection, of rollouts by the usual plan, and of the targets.
The same seeds give the same bytes on any machine; all cores are used.

usage: judge-benchmark [OPTIONS]

  --seeds N            runs of each scenario, from 1 to 900000 (default: 1000); at most 400 of a hard
                       one, 100 of one with a fault, 50 of a rollout. Where they leave open whether
                       a healthy one is rolled back in at most 1 %, Siskin gets up to 3 N more
  --tuning             seeds from 1, for trying constants; without it, the seeds for scoring, from
                       1000000, which nobody looks at while tuning (default: scoring)
  --set SETS           only these sets, with commas between them (default: all)
                         usual   what the judge was built on: 34 faults, 33 healthy canaries
                         hard    healthy canaries that are hard to tell from bad ones
                         faults  faults that an engineer on call expects to be found
                         plans   rollouts of two steps, held 10m and 30m, until they are promoted,
                                 paused or rolled back; other seeds than those of the trials
  --only PART          only scenarios whose name contains PART (default: all)
  --list               print the names of what would be run, and run nothing
  --json FILE          also write all figures, with the time of every rollback (default: nowhere)
  --report DIRECTORY   also sweep effect sizes, on at most 100 other seeds, and write judge.md,
                       judge.csv, plans.csv, power.csv and the plots there; the directory must
                       exist (default: nowhere)
  --sensitivity FILE   instead of all this, halve and double each main constant of the judge, on the
                       seeds for tuning, and write a table there; needs --features sensitivity
  --help               print this

example, a quick look at a few scenarios:
  cargo run --release -p siskin-simulation --bin judge-benchmark -- --tuning --seeds 20 --only errors

does a healthy version of a small or quiet group get through its plan? what of a warm-up?
  cargo run --release -p siskin-simulation --bin judge-benchmark -- --tuning --seeds 2 --set plans
  cargo run --release -p siskin-simulation --bin judge-benchmark -- --tuning --seeds 20 --set hard --only '5 min'

Exit code 0; 1 if the arguments can't be read or a file can't be written.
";

/// First seeds of a run.
#[derive(Clone, Copy, Debug)]
struct First {
    trials: u64,
    sweep: u64,
    plans: u64,
}

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
    /// The sets that are run.
    pub sets: Vec<Set>,
    /// Whether names are all that is wanted.
    pub list: bool,
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
            sets: Set::ALL.to_vec(),
            list: false,
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
                "--set" => {
                    let problem = "--set is of usual, hard, faults, plans, with commas between";
                    arguments.sets = Set::parse_list(&value()?).ok_or_else(|| usage(problem))?;
                }
                "--list" => arguments.list = true,
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
    /// The seeds of a scenario.
    pub fn seeds(&self, scenario: &Scenario) -> Vec<u64> {
        let first = self.first().trials;
        (first..first + self.runs_of(scenario)).collect()
    }

    /// The seeds after these, in lists, for what these leave open; none where they would be somebody
    /// else's.
    pub fn more_seeds(&self, scenario: &Scenario) -> Vec<Vec<u64>> {
        let (first, runs) = (self.first().trials, self.runs_of(scenario));
        let times = if (ENOUGH..=MOST).contains(&((MORE + 1) * runs)) { MORE } else { 0 };
        let list = |time: u64| (first + time * runs..first + (time + 1) * runs).collect();
        (1..=times).map(list).collect()
    }

    fn runs_of(&self, scenario: &Scenario) -> u64 {
        match scenario.set {
            Set::Usual | Set::Hard | Set::Faults if scenario.bad => self.runs.min(MOST_FAULTS),
            Set::Usual => self.runs,
            Set::Hard | Set::Faults => self.runs.min(MOST_HARD),
            Set::Plans => self.runs.min(MOST_PLANS),
        }
    }

    /// As many of the seeds for tuning, whatever was asked for.
    #[cfg(feature = "sensitivity")]
    pub fn tuning_seeds(&self) -> Vec<u64> {
        let first = TUNING.trials;
        (first..first + self.runs).collect()
    }

    /// The seeds of its sweep of effect sizes.
    pub fn sweep_seeds(&self) -> Vec<u64> {
        let first = self.first().sweep;
        (first..first + self.runs.min(MOST_FAULTS)).collect()
    }

    /// The seeds of its plans.
    pub fn plan_seeds(&self) -> Vec<u64> {
        let first = self.first().plans;
        (first..first + self.runs.min(MOST_PLANS)).collect()
    }

    fn first(&self) -> First {
        if self.tuning { TUNING } else { SCORING }
    }

    /// The scenarios of this run that are one trial each.
    pub fn trials(&self) -> Vec<Scenario> {
        let all = self.sets.iter().flat_map(|set| catalogue::trials(*set));
        all.filter(|one| self.wants(one.name)).collect()
    }

    /// The rollouts of this run.
    pub fn plans(&self) -> Vec<PlanCase> {
        let all =
            if self.sets.contains(&Set::Plans) { catalogue::plans::cases() } else { Vec::new() };
        all.into_iter().filter(|case| self.wants(&case.name())).collect()
    }

    fn wants(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|part| name.contains(part))
    }
}

fn usage(problem: &str) -> String {
    format!("{problem}; --help says what there is")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::BASE;

    fn parse(words: &str) -> Result<Command, String> {
        Command::parse(words.split_whitespace().map(str::to_owned))
    }

    #[test]
    fn help_names_every_option() {
        assert!(matches!(parse("--seeds 3 --help"), Ok(Command::Help)));
        let options = "--seeds --tuning --set --only --list --json --report --sensitivity --help";
        for option in options.split(' ').chain(Set::ALL.map(Set::name)) {
            assert!(HELP.contains(option), "{option}");
        }
    }

    #[test]
    fn what_is_not_known_is_named() {
        for (words, named) in [
            ("--seed 3", "--seed is unknown"),
            ("--only", "--only needs a value"),
            ("--seeds 0", "from 1"),
            ("--set usual,odd", "--set is of usual, hard"),
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
            for seeds in [arguments.seeds(&BASE), arguments.sweep_seeds(), arguments.plan_seeds()] {
                ends.push((seeds[0], seeds[seeds.len() - 1]));
            }
        }
        ends.sort_unstable();
        assert!(ends.windows(2).all(|pair| pair[0].1 < pair[1].0), "{ends:?}");
    }
}
