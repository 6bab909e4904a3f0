//! Faults that a test makes on purpose: a part paused, ended, killed, and brought back.
//! While the test that made one lives, `up` takes it for wanted; after that, for damage.

use std::fs;
use std::time::Duration;

use anyhow::{Context as _, Result};
use rustix::process::Signal;

use super::bed::Testbed;
use super::daemon::{self, Identity};
use super::faulted::{mark, wanted};
use super::part::Part;
use super::{health, start};

/// Long enough for Kafka to leave its files in order, which its next start is quicker for.
const GRACE: Duration = Duration::from_secs(20);

impl Testbed {
    /// Stops the part where it is, with its connections open: what a hung or partitioned server looks like.
    pub fn pause(&self, part: Part) -> Result<()> {
        self.want(part)?;
        self.identity(part)?.signal(Signal::STOP)
    }

    /// Lets a paused part go on.
    pub fn resume(&self, part: Part) -> Result<()> {
        self.identity(part)?.signal(Signal::CONT)?;
        health::wait_for(&self.places, part)?;
        self.unwant(part)
    }

    /// Ends the part, as a person would, and waits until it has ended.
    pub fn stop(&self, part: Part) -> Result<()> {
        self.want(part)?;
        self.identity(part)?.end(GRACE)
    }

    /// Kills the part, as a crash would.
    pub fn kill(&self, part: Part) -> Result<()> {
        self.want(part)?;
        self.identity(part)?.kill()
    }

    /// Starts a part that was stopped or killed, over the same files, and waits until it answers.
    pub fn start(&self, part: Part) -> Result<()> {
        start::again(&self.places, part)?;
        health::wait_for(&self.places, part)?;
        self.unwant(part)?;
        if part == Part::ApiServer { self.start_its_clients() } else { Ok(()) }
    }

    /// Clients of the API server end when they miss it for a while; in a real cluster the kubelet starts them again.
    fn start_its_clients(&self) -> Result<()> {
        for client in [Part::ControllerManager, Part::Scheduler] {
            let runs = health::runs(&self.places, client).is_ok();
            if !runs && !wanted(&self.places, client) {
                start::again(&self.places, client)?;
            }
        }
        Ok(())
    }

    fn identity(&self, part: Part) -> Result<Identity> {
        let record = self.places.record(part.name());
        Identity::recorded(&record).with_context(|| format!("{} was never started", part.name()))
    }

    fn want(&self, part: Part) -> Result<()> {
        Identity::own()?.write(&mark(&self.places, part))
    }

    pub(super) fn unwant(&self, part: Part) -> Result<()> {
        Ok(fs::remove_file(mark(&self.places, part)).or_else(daemon::absent_is_fine)?)
    }
}
