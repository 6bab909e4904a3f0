//! The demo: a consumer group of real pods, a good version, one that stalls and one that crashes.
//! Drives the cluster with kubectl, as a user would; every outcome is checked, not assumed.

mod act;
mod fleet;
mod view;

use std::io::Write as _;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::testbed::{Profile, Testbed};
use act::{Act, Ended, play};
use fleet::Fleet;
use view::View;

/// After the load has stopped, the consumers have this long to work off what is left.
const CATCH_UP: Duration = Duration::from_secs(60);

/// What the audience sees, in order.
const ACTS: [Act; 4] = [
    Act { title: "version 2 is good", environment: &["VERSION=2"], expected: "Succeeded" },
    Act {
        title: "version 3 hangs on some records",
        environment: &["VERSION=3", "STALL_ON=poison"],
        expected: "Failed",
    },
    Act {
        title: "version 4 crashes at start",
        environment: &["VERSION=4", "STALL_ON-", "CRASH_AT_START=true"],
        expected: "Failed",
    },
    Act {
        title: "back to version 2 in Git",
        environment: &["VERSION=2", "CRASH_AT_START-"],
        expected: "Succeeded",
    },
];

/// Runs the whole demo; an error when any outcome was not the expected one.
pub fn run(keep: bool) -> Result<()> {
    let was_up = Testbed::attach().is_ok();
    let started = Instant::now();
    say("provisioning and starting the test bed (the first time takes some ten minutes)");
    let bed = Testbed::up()?;
    say("building and installing the operator, as a pod under its own rights, with the guard");
    bed.install_operator(Profile::Debug)?;
    say("building and loading the sample worker");
    bed.load_worker(Profile::Debug)?;
    say(&format!("ready after {} s", started.elapsed().as_secs()));

    let mut fleet = Fleet::start(&bed)?;
    let outcome = perform(&bed, &mut fleet);
    if keep {
        look_around(&fleet);
        return outcome;
    }
    say("cleaning up (--keep leaves everything running)");
    let removed = if was_up { fleet.remove() } else { Testbed::down() };
    // Why the demo failed is more than why it could not be cleaned up.
    outcome.and(removed)
}

fn perform(bed: &Testbed, fleet: &mut Fleet) -> Result<()> {
    let mut view = View::new(bed, &fleet.namespace);
    say("the CanaryRollout adopts the Deployment: its pods move to orders-primary, one by one");
    fleet.adopt()?;
    view.until(Duration::from_secs(120), |seen| seen.completed && seen.phase == "Initialized")?;
    let mut results = Vec::new();
    for act in &ACTS {
        println!();
        say(act.title);
        let ended = play(act, fleet, &mut view)?;
        let verdict = if ended.phase == act.expected { "as expected" } else { "NOT as expected" };
        say(&format!("{} after {:.0} s: {verdict}", ended.phase, ended.total.as_secs_f64()));
        results.push(ended);
    }
    println!();
    say("stopping the load and counting: was every record processed by some version?");
    let account = fleet.account(CATCH_UP)?;
    summarise(&results, &account);
    let unexpected = ACTS.iter().zip(&results).filter(|(act, it)| act.expected != it.phase).count();
    if unexpected != 0 || account.missing != 0 {
        bail!("{unexpected} unexpected outcomes, {} records lost", account.missing);
    }
    Ok(())
}

fn summarise(results: &[Ended], account: &fleet::Account) {
    println!("\nSummary");
    for (act, ended) in ACTS.iter().zip(results) {
        let detection = ended.detected.map_or_else(String::new, |it| {
            let after = ended.total.saturating_sub(it);
            format!(
                "found after {:.0} s, rolled back {:.0} s later: ",
                it.as_secs_f64(),
                after.as_secs_f64()
            )
        });
        println!("  {:<32} {:<9} {detection}{}", act.title, ended.phase, ended.message);
    }
    println!(
        "  {} records produced, {} processed, {} lost, {} processed twice (at least once is the promise)",
        account.produced, account.processed_distinct, account.missing, account.duplicates
    );
}

fn look_around(fleet: &Fleet) {
    println!("\nEverything is still running. To look around:");
    println!("  eval \"$(cargo testbed env)\"");
    println!("  kubectl -n {} get cro,deploy,pods", fleet.namespace);
    println!("  kubectl -n {} describe cro orders", fleet.namespace);
    println!("  kubectl -n {} set env deploy/orders VERSION=5", fleet.namespace);
    println!("and when done: cargo testbed down");
}

fn say(text: &str) {
    println!("== {text}");
    std::io::stdout().flush().ok();
}

/// A field of a JSON object as text, empty when absent.
fn text(value: &serde_json::Value, pointer: &str) -> String {
    value.pointer(pointer).and_then(serde_json::Value::as_str).unwrap_or_default().to_owned()
}

/// What kubectl printed, as JSON.
fn json(bed: &Testbed, args: &[&str]) -> Result<serde_json::Value> {
    let printed = bed.kubectl(args)?;
    serde_json::from_str(&printed).with_context(|| format!("kubectl {}", args.join(" ")))
}
