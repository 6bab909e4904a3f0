//! A sample of the templates that are generated, and the Deployments written by hand in the shapes that people write: each
//! adopted, changed, promoted, handed back, and found unchanged. Two thousand have a suite of their own, `templates`.

use anyhow::{Result, ensure};
use siskin_e2e::courses::{Deployments, Plan, suite};

/// Forty templates; other scenarios run beside them.
const SAMPLE: Plan = Plan { courses: 20, seed: 1, at_once: 5 };

fn all_are_well(namespace: &str, deployments: Deployments) -> Result<()> {
    let tally = suite(namespace, deployments)?;
    println!("{deployments:?}: {tally}");
    ensure!(tally.is_well(), "{tally}");
    Ok(())
}

#[test]
fn forty_templates_of_every_shape_are_found_as_they_were_left() -> Result<()> {
    all_are_well("siskin-templates-sample", Deployments::Generated(SAMPLE))
}

#[test]
fn deployments_of_the_shapes_that_people_write_are_found_as_they_were_left() -> Result<()> {
    all_are_well("siskin-templates-written", Deployments::Written)
}
