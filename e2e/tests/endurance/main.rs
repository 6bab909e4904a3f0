//! What takes too long for every day: each fault of the sample worker, versions that are no worse
//! twenty times in a row, outages of each source in each stage, and large fleets that start slowly.
//! Tables; `run` plays them.

mod figures;
mod fleets;
mod identical;
mod knobs;
mod outages;
mod run;

fn main() -> std::process::ExitCode {
    let cases = [identical::cases(), knobs::cases(), outages::cases(), fleets::cases()];
    run::all(cases.into_iter().flatten().collect())
}
