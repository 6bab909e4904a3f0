//! What takes too long for every day: each fault of the sample worker, versions that are no worse
//! twenty times in a row, kinds of consumers that other people have, outages of each source in each
//! stage, brokers that come and go, and large fleets that start slowly. Tables of cases, which the scenarios' own means play.

mod brokers;
mod figures;
mod fleets;
mod identical;
mod kinds;
mod knobs;
mod outages;

use siskin_e2e::scenario::cases;

fn main() -> std::process::ExitCode {
    let all = [
        identical::cases(),
        knobs::cases(),
        kinds::cases(),
        outages::cases(),
        fleets::cases(),
        brokers::cases(),
    ];
    cases::all(all.into_iter().flatten().collect())
}
