//! Templates of every shape, two thousand by default, each adopted, changed, promoted, handed back, found unchanged.
//! Asked for by name: `cargo test -p siskin-e2e --test templates`; arguments are the courses (two templates each), the
//! seed, and how many are under way at the same time. A sample of them is among the scenarios.

use std::process::ExitCode;
use std::time::Instant;

use siskin_e2e::courses::{Deployments, Plan, suite};

const NAMESPACE: &str = "siskin-templates";

/// Courses, seed, and courses under way: more at the same time are too slow for their deadlines on two cores.
const DEFAULT: [u64; 3] = [1_000, 1, 20];

fn main() -> ExitCode {
    let given: Vec<Option<u64>> = std::env::args().skip(1).map(|it| it.parse().ok()).collect();
    if given.contains(&None) || DEFAULT.len() < given.len() {
        eprintln!("up to three numbers: courses, seed, courses at the same time");
        return ExitCode::FAILURE;
    }
    let number = |index: usize| given.get(index).copied().flatten().unwrap_or(DEFAULT[index]);
    let at_once = usize::try_from(number(2)).unwrap_or(1);
    let plan = Plan { courses: number(0), seed: number(1), at_once };
    let begun = Instant::now();
    println!("templates: {plan:?}");
    match suite(NAMESPACE, Deployments::Generated(plan)) {
        Ok(tally) => {
            println!("{tally}\nin {:.0} s", begun.elapsed().as_secs_f64());
            if tally.is_well() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            eprintln!("{error:#}");
            ExitCode::FAILURE
        }
    }
}
