//! Daemons beside the parts: each is started when somebody asks for it, and ended by whom it served, or with the bed.
//! It knows none of them.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result};

use super::daemon::{self, Identity};
use super::places::Places;
use super::shell;
use super::templates::Values;

/// Time for a clean end.
const ENDS_WITHIN: Duration = Duration::from_secs(10);

/// Seconds on a quiet machine, which it seldom is.
const ANSWERS_WITHIN: Duration = Duration::from_secs(120);

/// A daemon that no bed has from its beginning.
pub(super) struct Extra<'a> {
    /// Its name, and that of its log and record.
    pub(super) name: &'a str,
    pub(super) program: PathBuf,
    /// Template of its arguments, one a line.
    pub(super) arguments: &'a str,
    pub(super) environment: &'a [(&'a str, &'a str)],
}

impl Extra<'_> {
    /// Starts it, unless it runs. It acts as the administrator, where its environment says nothing else.
    pub(super) fn start(&self, places: &Places, values: &Values) -> Result<()> {
        if running(places, self.name).is_ok() {
            return Ok(());
        }
        let mut program = Command::new(&self.program);
        program.args(values.arguments(self.arguments)?);
        program.env("KUBECONFIG", places.kubeconfig()).envs(self.environment.iter().copied());
        daemon::launch(places, self.name, &mut program).map(drop)
    }
}

/// Its process is there; otherwise an error with the end of its log.
pub(super) fn running(places: &Places, name: &str) -> Result<()> {
    let runs = Identity::recorded(&places.record(name)).is_some_and(Identity::alive);
    runs.then_some(()).with_context(|| daemon::end_of_log(places, name))
}

/// Waits until a daemon that was just started works; fails at once if it ends.
pub(super) fn wait_for(
    places: &Places,
    name: &str,
    probe: impl FnMut() -> Result<()>,
) -> Result<()> {
    let what = format!("{name} answers");
    shell::wait_until(&what, ANSWERS_WITHIN, probe, || running(places, name))
}

/// Whether it was started, and not ended by [`end`].
pub(super) fn started(places: &Places, name: &str) -> bool {
    places.record(name).exists()
}

/// Ends it. Does nothing where it does not run.
pub(super) fn end(places: &Places, name: &str) -> Result<()> {
    let record = places.record(name);
    if let Some(identity) = Identity::recorded(&record) {
        identity.end(ENDS_WITHIN).with_context(|| format!("ending {name}"))?;
    }
    Ok(fs::remove_file(&record).or_else(daemon::absent_is_fine)?)
}
