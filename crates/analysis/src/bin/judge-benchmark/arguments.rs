//! The command line: how many seeds, which of the two sets, where to write.
//! Scoring and tuning use seeds that never meet.

use std::path::PathBuf;

use crate::scenario::Scenario;

/// First seed of the runs that are reported.
const SCORING: u64 = 1_000_000;
/// First seed of the runs that constants may be tried on.
const TUNING: u64 = 1;
/// Most seeds of a set, so that the two can't meet.
const MOST: u64 = 900_000;

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
}

impl Arguments {
    /// Reads the command line.
    ///
    /// # Errors
    /// Names what it can't read, with the usage.
    pub fn parse(words: impl Iterator<Item = String>) -> Result<Self, String> {
        let mut arguments =
            Self { runs: 1_000, tuning: false, only: None, json: None, report: None };
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
                other => return Err(usage(&format!("{other} is unknown"))),
            }
        }
        Ok(arguments)
    }

    /// The seeds of this run.
    pub fn seeds(&self) -> Vec<u64> {
        let first = if self.tuning { TUNING } else { SCORING };
        (first..first + self.runs).collect()
    }

    /// The scenarios of this run.
    pub fn chosen(&self, all: Vec<Scenario>) -> Vec<Scenario> {
        let wanted = |one: &Scenario| self.only.as_ref().is_none_or(|part| one.name.contains(part));
        all.into_iter().filter(wanted).collect()
    }
}

fn usage(problem: &str) -> String {
    format!(
        "{problem}\nusage: judge-benchmark [--seeds N] [--tuning] [--only PART] [--json FILE] [--report DIRECTORY]"
    )
}
