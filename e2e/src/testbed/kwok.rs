//! Fake nodes, for tests with thousands of pods: they exist in the API, run nothing, and are ready at once.
//! They are no part of a bed that nobody asked for them.

use std::time::Duration;

use anyhow::{Result, ensure};

use super::artifact::Artifact;
use super::bed::Testbed;
use super::extra::{self, Extra};
use super::templates::Values;
use super::{health, lock, places, provision, shell};

const NAME: &str = "kwok";
const NODE: &str = include_str!("../../testbed/config/fake-node.yaml");
/// Annotation of pods that never leave.
const NEVER_LEAVES: &str = "pod-delete.stage.kwok.x-k8s.io/never";
/// Annotation of nodes that stay as they are.
const NEVER_READY: &str = "node-ready.stage.kwok.x-k8s.io/never";

impl Testbed {
    /// Adds nodes `fake-1` to `fake-<count>`, of 110 pods each; the first call builds kwok.
    ///
    /// Pods go there with the node selector `type: kwok` and a toleration of `kwok.x-k8s.io/node`. How long they start and
    /// leave, annotations say that `fake-stages.yaml` names.
    pub fn fake_nodes(&self, count: u32) -> Result<()> {
        self.add_fake_nodes("anybody", "fake", count)
    }

    /// Adds fake nodes `<owner>-1` to `<owner>-<count>` for pods with the node selector `owner: <owner>`: they may die
    /// without anybody else's pods.
    pub fn own_fake_nodes(&self, owner: &str, count: u32) -> Result<()> {
        self.add_fake_nodes(owner, owner, count)
    }

    fn add_fake_nodes(&self, owner: &str, prefix: &str, count: u32) -> Result<()> {
        let _lock = lock::take(&self.places)?;
        provision::ensure(&self.places, &[Artifact::Kwok])?;
        let folder = self.places.of(Artifact::Kwok);
        let values = Values::of_running_bed(&self.places)?;
        let stages = places::in_repository("config/fake-stages.yaml");
        let values = values.and(&[("stages", &stages.display().to_string())]);
        let kwok = Extra {
            name: NAME,
            program: folder.join(NAME),
            arguments: include_str!("../../testbed/args/kwok"),
            environment: &[],
        };
        kwok.start(&self.places, &values)?;
        let node = |n: u32| {
            let of_node = [("fake_node", &*format!("{prefix}-{n}")), ("owner", owner)];
            values.and(&of_node).render(NODE)
        };
        let nodes: Result<Vec<String>> = (1..=count).map(node).collect();
        self.apply(&nodes?.join("\n---\n"))?;
        let ready = || {
            health::http_ok(10247, "/healthz")?;
            // Not `kubectl wait`: it asks for one node after the other, and slows itself down.
            let conditions = "jsonpath={.items[*].status.conditions[?(@.type==\"Ready\")].status}";
            let ours = format!("owner={owner}");
            let answer = self.kubectl(&["get", "nodes", "-l", &ours, "-o", conditions])?;
            let ready = answer.split_whitespace().filter(|word| *word == "True").count();
            ensure!(ready >= count as usize, "{ready} fake nodes of {count} are ready");
            Ok(())
        };
        let alive = || extra::running(&self.places, NAME);
        let _activity = shell::doing("waiting for the fake nodes");
        // Some hundred nodes a second on a quiet machine.
        shell::wait_until("the fake nodes are ready", Duration::from_secs(120), ready, alive)
    }

    /// The fake node dies: it is not Ready, and its pods neither serve nor leave, however long they are asked to.
    pub fn fake_node_dies(&self, node: &str) -> Result<()> {
        let on_node = format!("--field-selector=spec.nodeName={node}");
        let mark = format!("{NEVER_LEAVES}=true");
        self.kubectl(&["annotate", "pods", "--all-namespaces", "--overwrite", &on_node, &mark])?;
        self.kubectl(&["annotate", "node", node, "--overwrite", &format!("{NEVER_READY}=true")])?;
        let ready =
            r#"{"status":{"conditions":[{"type":"Ready","status":"False","reason":"Died"}]}}"#;
        let patch =
            ["patch", "node", node, "--subresource=status", "--type=strategic", "-p", ready];
        self.kubectl(&patch).map(drop)
    }

    /// Removes the fake nodes of this owner.
    pub fn remove_fake_nodes(&self, owner: &str) -> Result<()> {
        let ours = format!("owner={owner}");
        self.kubectl(&["delete", "nodes", "-l", &ours, "--wait=false"]).map(drop)
    }

    /// A node that died is back: pods that were to leave do.
    pub fn fake_node_returns(&self, node: &str) -> Result<()> {
        self.kubectl(&["annotate", "node", node, &format!("{NEVER_READY}-")])?;
        let on_node = format!("--field-selector=spec.nodeName={node}");
        let mark = format!("{NEVER_LEAVES}-");
        self.kubectl(&["annotate", "pods", "--all-namespaces", &on_node, &mark]).map(drop)
    }
}
