//! What the audience sees: a line whenever something changed, and every Event as it comes.
//! On a terminal the current state stays on the last line; elsewhere only changes are printed.

use std::collections::HashSet;
use std::io::{IsTerminal as _, Write as _};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use serde_json::Value;

use super::{json, text};
use crate::testbed::Testbed;

/// Fast enough for eyes; a watch would only be fancier.
const LOOK_EVERY: Duration = Duration::from_millis(700);

/// The rollout at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Seen {
    pub(super) phase: String,
    pub(super) message: String,
    pub(super) change: String,
    pub(super) completed: bool,
    step: String,
    weight: i64,
    canary: String,
    primary: String,
    lag: String,
    verdict: String,
}

pub(super) struct View<'a> {
    bed: &'a Testbed,
    namespace: String,
    started: Instant,
    told: HashSet<String>,
    last: String,
    terminal: bool,
}

impl<'a> View<'a> {
    pub(super) fn new(bed: &'a Testbed, namespace: &str) -> Self {
        Self {
            bed,
            namespace: namespace.to_owned(),
            started: Instant::now(),
            told: HashSet::new(),
            last: String::new(),
            terminal: std::io::stdout().is_terminal(),
        }
    }

    /// Shows what happens until `done`, and returns the rollout as it then is.
    pub(super) fn until(
        &mut self,
        patience: Duration,
        mut done: impl FnMut(&Seen) -> bool,
    ) -> Result<Seen> {
        let deadline = Instant::now() + patience;
        loop {
            let seen = self.look()?;
            self.tell_events()?;
            self.show(&seen);
            if done(&seen) {
                self.tell_events()?;
                if self.terminal {
                    println!();
                }
                return Ok(seen);
            }
            if deadline < Instant::now() {
                bail!("nothing of the kind within {} s; last seen: {seen:?}", patience.as_secs());
            }
            std::thread::sleep(LOOK_EVERY);
        }
    }

    fn look(&self) -> Result<Seen> {
        let args = ["-n", &self.namespace, "get", "canaryrollout", "orders", "-o", "json"];
        let rollout = json(self.bed, &args)?;
        let status = &rollout["status"];
        let condition = |name: &str| {
            status["conditions"]
                .as_array()
                .into_iter()
                .flatten()
                .any(|it| it["type"] == name && it["status"] == "True")
        };
        Ok(Seen {
            phase: text(status, "/phase"),
            message: text(status, "/message"),
            change: text(status, "/changeId"),
            completed: condition("Completed"),
            step: text(status, "/summary/step"),
            weight: status.pointer("/summary/weight").and_then(Value::as_i64).unwrap_or(0),
            canary: text(status, "/summary/canary"),
            primary: text(status, "/summary/primary"),
            lag: text(status, "/summary/lag"),
            verdict: text(status, "/summary/verdict"),
        })
    }

    fn show(&mut self, seen: &Seen) {
        let or_dash = |text: &str| if text.is_empty() { "-".to_owned() } else { text.to_owned() };
        let line = format!(
            "{:<12} step {:<4} weight {:>2} %  canary {:<4} primary {:<4} lag {:<10} {}",
            or_dash(&seen.phase),
            or_dash(&seen.step),
            seen.weight,
            or_dash(&seen.canary),
            or_dash(&seen.primary),
            or_dash(&seen.lag),
            or_dash(&seen.verdict),
        );
        if line == self.last {
            return;
        }
        let at = self.started.elapsed().as_secs();
        if self.terminal {
            print!("\r\x1b[K{at:>4} s  {line}");
        } else {
            println!("{at:>4} s  {line}");
        }
        std::io::stdout().flush().ok();
        self.last = line;
    }

    fn tell_events(&mut self) -> Result<()> {
        let of_rollout = "--field-selector=involvedObject.kind=CanaryRollout";
        let args = ["-n", &self.namespace, "get", "events", of_rollout, "-o", "json"];
        let events = json(self.bed, &args)?;
        for event in events["items"].as_array().into_iter().flatten() {
            if !self.told.insert(text(event, "/metadata/uid")) {
                continue;
            }
            let (reason, note) = (text(event, "/reason"), text(event, "/message"));
            let clear = if self.terminal { "\r\x1b[K" } else { "" };
            println!("{clear}        * {reason}: {note}");
            self.last.clear();
        }
        Ok(())
    }
}
