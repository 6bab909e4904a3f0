//! `cargo chart`: writes what of the Helm chart is made from other files, and removes copies of what is gone.
//! Everything else of the chart is written by hand.

use std::fs;

use anyhow::{Context as _, Result};
use siskin_chart::{CHART, copies, made, repository};

fn main() -> Result<()> {
    let (repository, chart) = (repository(), repository().join(CHART));
    let made = made(&repository)?;
    let copies = chart.join(copies::FILES);
    if copies.exists() {
        fs::remove_dir_all(&copies).with_context(|| format!("remove {}", copies.display()))?;
    }
    for (path, text) in made {
        let path = chart.join(path);
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder)?;
        }
        fs::write(&path, text).with_context(|| format!("write {}", path.display()))?;
    }
    Ok(())
}
