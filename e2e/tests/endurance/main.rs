//! What takes too long for every day: each fault of the sample worker, versions that are no worse
//! twenty times in a row, and outages of each source in each stage. Tables; `run` plays them.

mod figures;
mod identical;
mod knobs;
mod outages;
mod run;

fn main() -> std::process::ExitCode {
    let cases = [identical::cases(), knobs::cases(), outages::cases()];
    run::all(cases.into_iter().flatten().collect())
}
