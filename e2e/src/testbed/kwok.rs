//! Fake nodes, for tests with thousands of pods: they exist in the API, run nothing, and are ready at once.
//! They are no part of a bed that nobody asked for them.

use std::process::Command;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use super::artifact::Artifact;
use super::bed::Testbed;
use super::daemon::{self, Identity};
use super::templates::Values;
use super::{health, lock, provision, shell};

const NAME: &str = "kwok";
const NODE: &str = include_str!("../../testbed/config/fake-node.yaml");

impl Testbed {
    /// Adds nodes `fake-1` to `fake-<count>`, of 110 pods each; the first call builds kwok.
    ///
    /// Pods go there with the node selector `type: kwok` and a toleration of `kwok.x-k8s.io/node`.
    pub fn fake_nodes(&self, count: u32) -> Result<()> {
        let _lock = lock::take(&self.places)?;
        provision::ensure(&self.places, &[Artifact::Kwok])?;
        let folder = self.places.of(Artifact::Kwok);
        let values = Values::of_running_bed(&self.places)?;
        let values = values.and(&[("kwok", &folder.display().to_string())]);
        let record = self.places.record(NAME);
        if !Identity::recorded(&record).is_some_and(Identity::alive) {
            let mut program = Command::new(folder.join(NAME));
            program.args(values.arguments(include_str!("../../testbed/args/kwok"))?);
            daemon::launch(&self.places, NAME, &mut program)?;
        }
        let nodes: Result<Vec<String>> = (1..=count)
            .map(|n| values.and(&[("fake_node", &format!("fake-{n}"))]).render(NODE))
            .collect();
        self.apply(&nodes?.join("\n---\n"))?;
        let ready = || {
            health::http_ok(10247, "/healthz")?;
            // Not `kubectl wait`: it asks for one node after the other, and slows itself down.
            let conditions = "jsonpath={.items[*].status.conditions[?(@.type==\"Ready\")].status}";
            let answer = self.kubectl(&["get", "nodes", "-l", "type=kwok", "-o", conditions])?;
            let ready = answer.split_whitespace().filter(|word| *word == "True").count();
            ensure!(ready >= count as usize, "{ready} fake nodes of {count} are ready");
            Ok(())
        };
        let alive = || {
            let runs = Identity::recorded(&record).is_some_and(Identity::alive);
            runs.then_some(()).with_context(|| daemon::end_of_log(&self.places, NAME))
        };
        let _activity = shell::doing("waiting for the fake nodes");
        // Some hundred nodes a second on a quiet machine.
        shell::wait_until("the fake nodes are ready", Duration::from_secs(120), ready, alive)
    }
}
