//! Consumers whose pods exist in the API only, while each of them is a process of this machine and a member of the group.
//! It follows the pods and starts and ends their processes; what a pod does, `fake-stages.yaml` says.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, Result};
use futures::{StreamExt as _, TryStreamExt as _};
use k8s_openapi::api::core::v1::Pod;
use kube::runtime::watcher;
use kube::{Api, Client, ResourceExt};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use siskin_api::annotations::ENV_POD_NAME;
use tokio::process::{Child, Command};

/// Bound of a fake node.
pub(super) const PODS_PER_NODE: u32 = 110;

/// How the pods of a fake fleet start and leave. By default they do both at once.
#[derive(Clone, Debug, Default)]
pub struct FakePods {
    /// Shortest and longest time until a pod is Ready.
    pub starts: (Duration, Duration),
    /// Time that a pod takes to leave once it is deleted. Its process leaves the group at once.
    pub leaves_in: Duration,
    /// Whether deleted pods stay for ever.
    pub never_leaves: bool,
    /// Whether there are processes at all: members of the group.
    pub without_members: bool,
}

/// One pod's process.
struct Member(Child);

impl FakePods {
    /// Pods that take about this long to start.
    #[must_use]
    pub fn starting_in(time: Duration) -> Self {
        Self { starts: (time, time + time / 5), ..Self::default() }
    }

    /// Makes the pods of a template fake ones.
    pub(super) fn adapt(&self, template: &mut Value, owner: &str) {
        let millis = |it: Duration| json!(format!("{}ms", it.as_millis()));
        let annotations = &mut template["metadata"]["annotations"];
        annotations["pod-ready.stage.kwok.x-k8s.io/delay"] = millis(self.starts.0);
        annotations["pod-ready.stage.kwok.x-k8s.io/jitter-delay"] = millis(self.starts.1);
        annotations["pod-delete.stage.kwok.x-k8s.io/delay"] = millis(self.leaves_in);
        annotations["pod-delete.stage.kwok.x-k8s.io/never"] = json!(self.never_leaves.to_string());
        // Nobody listens at the address of a fake pod.
        annotations["prometheus.io/scrape"] = json!("false");
        let spec = &mut template["spec"];
        spec["nodeSelector"] = json!({"type": "kwok", "owner": owner});
        spec["tolerations"] =
            json!([{"key": "kwok.x-k8s.io/node", "operator": "Exists", "effect": "NoSchedule"}]);
    }
}

/// Runs a process of `program` for each Ready fake pod of the namespace, with the environment of its first container.
/// One whose pod is deleted is told to end; one whose pod is no longer Ready is killed.
pub(crate) async fn run_members(client: Client, namespace: String, program: PathBuf) {
    let api: Api<Pod> = Api::namespaced(client, &namespace);
    let mut events = watcher(api, watcher::Config::default()).boxed();
    let mut members: HashMap<String, Member> = HashMap::new();
    loop {
        let event = match events.try_next().await {
            Ok(Some(event)) => event,
            Ok(None) => return,
            Err(error) => {
                eprintln!("e2e: the watch of fake pods is retried: {error}");
                tokio::time::sleep(Duration::from_secs(1)).await;
                continue;
            }
        };
        match event {
            watcher::Event::Apply(pod) | watcher::Event::InitApply(pod) => {
                if let Err(error) = follow(&mut members, &pod, &program) {
                    eprintln!("e2e: the member of {}: {error:#}", pod.name_any());
                }
            }
            watcher::Event::Delete(pod) => drop(members.remove(&pod.name_any())),
            watcher::Event::Init | watcher::Event::InitDone => {}
        }
    }
}

fn follow(members: &mut HashMap<String, Member>, pod: &Pod, program: &PathBuf) -> Result<()> {
    let name = pod.name_any();
    let spec = pod.spec.as_ref().context("a pod has a spec")?;
    let fake = spec.node_selector.as_ref().is_some_and(|it| it.get("type").is_some_and(is_kwok));
    if !fake {
        return Ok(());
    }
    if pod.metadata.deletion_timestamp.is_some() {
        return members.get(&name).map_or(Ok(()), Member::leave);
    }
    let conditions = pod.status.as_ref().and_then(|it| it.conditions.as_ref());
    let ready =
        |it: &k8s_openapi::api::core::v1::PodCondition| it.type_ == "Ready" && it.status == "True";
    if !conditions.into_iter().flatten().any(ready) {
        // A node that died takes its processes with it.
        members.remove(&name);
        return Ok(());
    }
    if let Entry::Vacant(place) = members.entry(name) {
        let member = Member::start(program, place.key(), pod)?;
        place.insert(member);
    }
    Ok(())
}

fn is_kwok(value: &String) -> bool {
    value == "kwok"
}

impl Member {
    fn start(program: &PathBuf, name: &str, pod: &Pod) -> Result<Self> {
        let containers = pod.spec.as_ref().map(|it| it.containers.as_slice()).unwrap_or_default();
        let variables = containers.first().and_then(|it| it.env.clone()).unwrap_or_default();
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "--"]).arg(program).env_clear();
        for variable in variables {
            command.env(variable.name, variable.value.unwrap_or_default());
        }
        command.env(ENV_POD_NAME, name).env("HOSTNAME", name).env("METRICS_ADDRESS", "127.0.0.1:0");
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(command.kill_on_drop(true).spawn().context("starting its process")?))
    }

    /// Tells it to leave the group, as the kubelet would. It may have ended already.
    fn leave(&self) -> Result<()> {
        let id = self.0.id().and_then(|it| i32::try_from(it).ok()).and_then(Pid::from_raw);
        id.map_or(Ok(()), |it| Ok(kill_process(it, Signal::TERM)?))
    }
}
