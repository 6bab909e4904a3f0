//! What becomes of the figures when a constant of the method is halved or doubled.
//! Siskin alone, on the seeds for tuning: a constant that sits on a cliff was tuned too well.

use std::fmt::Write;
use std::path::Path;

use siskin_analysis::{Constant, scale_constant};

use crate::arguments::Arguments;
use crate::catalogue;
use crate::figures::{Figures, share};
use crate::report::save;
use crate::runs::figures;
use crate::scenario::Scenario;
use crate::set::Set;
use crate::targets;
use crate::trial::{FULL, Field};

const FACTORS: [f64; 2] = [0.5, 2.0];

/// The figures of one variant.
#[derive(Clone, Copy, Debug)]
struct Score {
    /// Part of all healthy canaries that is rolled back.
    rolled_back: f64,
    /// Part of the worst scenario's healthy canaries that is rolled back.
    worst: f64,
    /// Mean over the targets of the part of runs found in time.
    in_time: f64,
}

/// Runs every variant and writes the table.
///
/// # Errors
/// When the file can't be written.
pub fn run(arguments: &Arguments, path: &Path) -> Result<(), String> {
    let scored = |one: &Scenario| !one.bad || targets::has(one.name);
    let usual = catalogue::trials(Set::Usual).into_iter();
    let scenarios: Vec<Scenario> = usual.filter(scored).collect();
    let score = || Score::of(&figures(&scenarios, &arguments.tuning_seeds(), Field::Siskin));
    let chosen = score();
    eprintln!("as chosen: {}", chosen.cells());
    let mut rows = String::new();
    for &constant in Constant::ALL {
        let mut cells = Vec::new();
        for factor in FACTORS {
            scale_constant(constant, factor);
            cells.push(score().cells());
            eprintln!("{} × {factor}: {}", describe(constant), cells[cells.len() - 1]);
        }
        scale_constant(constant, 1.0);
        let _ = writeln!(rows, "| {} | {} |", describe(constant), cells.join(" | "));
    }
    let page = include_str!("sensitivity.md")
        .replace("{{seeds}}", &arguments.runs.to_string())
        .replace("{{chosen}}", &chosen.cells())
        .replace("{{rows}}", rows.trim_end());
    save(path, &page)
}

/// Name of the constant, with value and unit.
fn describe(constant: Constant) -> String {
    let chosen = constant.chosen();
    let percent = || format!("{} %", (chosen * 1_000.0).round() / 10.0);
    let times = || format!("{chosen} times");
    let seconds = || format!("{} s", chosen / 1_000.0);
    let (name, value) = match constant {
        Constant::LeastRatio => ("least margin of counts, above 1", chosen.to_string()),
        Constant::PodDeviation => ("deviation of healthy pods' rates", percent()),
        Constant::PseudoEvents => ("pseudo-events of a pod", chosen.to_string()),
        Constant::RateFloor => ("rate that is nobody's fault", percent()),
        Constant::LargestFactor => {
            ("largest factor of a window of counts", times() + " what decides")
        }
        Constant::GrossMargin => ("margin of gross failure", times() + " the ordinary"),
        Constant::GraceOfErrors => ("age from which errors count", seconds()),
        Constant::GraceOfLatency => ("age from which latency counts and lag decides", seconds()),
        Constant::LeastDrift => ("least tolerated drift", format!("{chosen} s/s")),
        Constant::DriftWindow => ("least window of drift", seconds()),
        Constant::NormalLag => ("lag that is always normal", format!("{chosen} s")),
        Constant::NormalFactor => ("normal lag, of the primary's", times()),
        Constant::SlowerThanFullSpeed => {
            ("slower than the primary and still at full speed", percent())
        }
        Constant::SlowerThanMedian => {
            ("slower than the primary's median and still at full speed", percent())
        }
        Constant::InFlight => ("messages that may be in flight", times() + " what was seen"),
        Constant::FirstShare => ("capital staked at once", percent()),
        Constant::PayOut => ("windows over which the rest is paid out", chosen.to_string()),
    };
    format!("{name}: {value}")
}

impl Score {
    fn of(figures: &[Figures]) -> Self {
        let rate = |one: &&Figures| share(one.judges[FULL].all(), one.runs);
        let good: Vec<&Figures> = figures.iter().filter(|one| !one.bad).collect();
        let runs = good.iter().map(|one| one.runs).sum();
        Self {
            rolled_back: share(good.iter().map(|one| one.judges[FULL].all()).sum(), runs),
            worst: good.iter().map(rate).fold(0.0, f64::max),
            in_time: targets::in_time(figures),
        }
    }

    fn cells(self) -> String {
        let Self { rolled_back, worst, in_time } = self;
        format!("{:.2} | {:.1} | {:.0}", 100.0 * rolled_back, 100.0 * worst, 100.0 * in_time)
    }
}
