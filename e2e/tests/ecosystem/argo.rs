//! Argo CD's own Lua machine and comparison, and Flux's kstatus, on objects of Siskin: those of its tests, and what an operator
//! has just written. What is claimed of them stands in the Go module `e2e/gitops`.

use siskin_e2e::gitops;
use siskin_e2e::scenario::cases::Case;
use siskin_e2e::scenario::scenario;

/// Rows that run Go code that is no part of the test bed.
const TABLE: &str = "argo-cd/";

/// Runs the tests and says what they have shown.
type Proof = fn() -> String;

/// A row per proof.
pub fn cases() -> Vec<Case> {
    let rows: [(&str, Proof); 2] = [("objects", objects), ("live", live)];
    rows.into_iter().map(|(name, play)| Case::new(format!("{TABLE}{name}"), play)).collect()
}

/// Those that can be played without fetching a module; says which can't.
pub fn cached(mut chosen: Vec<Case>) -> Vec<Case> {
    let of_ours = |it: &Case| it.name.starts_with(TABLE);
    let rows = chosen.iter().filter(|it| of_ours(it)).count();
    if 0 < rows && !gitops::is_cached() {
        chosen.retain(|it| !of_ours(it));
        println!(
            "NOT RUN: {rows} rows that need Argo CD's Go modules, which are not in the cache; `go mod download` in e2e/gitops fetches them"
        );
    }
    chosen
}

fn objects() -> String {
    gitops::run().unwrap_or_else(|error| panic!("{error:#}"));
    "health, actions, kstatus and comparison as the pages say".into()
}

fn live() -> String {
    scenario(gitops::what_the_operator_wrote_is_synced);
    "the target, its autoscaler and the CanaryRollout are in sync".into()
}
