//! An API server in memory with one rollout, and the program as a user runs it against that.
//! A thread stands for the operator where one has to answer; claims nothing itself.

use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use serde_json::{Value, json};
use siskin_api_server::Server;

use crate::command::folder;

pub(crate) const ROLLOUT: &str = "/apis/siskin.dev/v1alpha1/namespaces/shop/canaryrollouts/orders";
pub(crate) const DEPLOYMENT: &str = "/apis/apps/v1/namespaces/shop/deployments/orders";
pub(crate) const PRIMARY: &str = "/apis/apps/v1/namespaces/shop/deployments/orders-primary";

/// Longest wait for what a program says.
const SAYS_WITHIN: Duration = Duration::from_secs(60);

/// A Deployment, and its rollout with a status about it.
pub(crate) struct Cluster {
    pub(crate) server: Server,
    pub(crate) kubeconfig: std::path::PathBuf,
}

impl Cluster {
    pub(crate) async fn with(test: &str, status: Value) -> Self {
        let server = Server::start().await;
        let kubeconfig = folder(&format!("live-{test}")).join("kubeconfig");
        std::fs::write(&kubeconfig, server.kubeconfig("shop").to_string()).expect("written");
        let deployment = |name: &str| {
            json!({
                "apiVersion": "apps/v1", "kind": "Deployment",
                "metadata": {"name": name, "namespace": "shop"}, "spec": {
                    "replicas": 0, "selector": {"matchLabels": {"app": name}},
                    "template": {"metadata": {"labels": {"app": name}}, "spec": {"containers": []}},
                },
            })
        };
        server.put(DEPLOYMENT, deployment("orders"));
        server.put(PRIMARY, deployment("orders-primary"));
        server.put(ROLLOUT, rollout("orders", "shop"));
        let cluster = Self { server, kubeconfig };
        cluster.say(status);
        cluster
    }

    /// Writes a status about the Deployment and the rollout as they are, as the operator does.
    pub(crate) fn say(&self, mut status: Value) {
        let deployment = self.server.get(DEPLOYMENT).expect("it is there");
        let metadata = &deployment["metadata"];
        status["observedTarget"] =
            json!({"uid": metadata["uid"], "generation": metadata["generation"]});
        self.server.change(ROLLOUT, |it| {
            status["observedGeneration"] = it["metadata"]["generation"].clone();
            it["status"] = status;
        });
    }

    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-siskin"));
        command.args(args).env("KUBECONFIG", &self.kubeconfig).stdin(Stdio::null());
        command
    }

    pub(crate) fn run(&self, args: &[&str]) -> (Option<i32>, String, String) {
        ended(&self.command(args).output().expect("it runs"))
    }

    /// Starts a command, to be read while it runs.
    pub(crate) fn start(&self, args: &[&str]) -> Running {
        let child = self.command(args).stdout(Stdio::piped()).spawn();
        let mut child = child.expect("it starts");
        let said = BufReader::new(child.stdout.take().expect("a pipe"));
        let (say, lines) = mpsc::channel();
        std::thread::spawn(move || {
            said.lines().map_while(Result::ok).try_for_each(|it| say.send(it))
        });
        Running { child, lines }
    }

    /// Runs a command while somebody else does something as soon as this holds.
    pub(crate) fn run_while(
        &self,
        args: &[&str],
        when: impl Fn(&Value) -> bool + Send,
        does: impl FnOnce(&Self) + Send,
    ) -> (Option<i32>, String, String) {
        std::thread::scope(|scope| {
            let mut child = self.command(args);
            let child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
            let child = child.expect("it starts");
            scope.spawn(move || {
                for _ in 0..6_000 {
                    if self.server.get(ROLLOUT).is_some_and(|it| when(&it)) {
                        return does(self);
                    }
                    std::thread::sleep(Duration::from_millis(10));
                }
                panic!("it never came to this");
            });
            ended(&child.wait_with_output().expect("it ends"))
        })
    }
}

/// A command under way; ended with this.
pub(crate) struct Running {
    child: Child,
    lines: mpsc::Receiver<String>,
}

impl Running {
    /// What it says next.
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(SAYS_WITHIN).expect("it says something, in time")
    }

    /// What it still says until its end, and its exit code.
    pub(crate) fn end(mut self) -> (Option<i32>, Vec<String>) {
        let code = self.child.wait().expect("it ends").code();
        (code, self.lines.iter().collect())
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn ended(output: &Output) -> (Option<i32>, String, String) {
    let text = |it: &[u8]| String::from_utf8(it.to_vec()).expect("UTF-8");
    (output.status.code(), text(&output.stdout), text(&output.stderr))
}

pub(crate) fn rollout(name: &str, namespace: &str) -> Value {
    json!({
        "apiVersion": "siskin.dev/v1alpha1", "kind": "CanaryRollout",
        "metadata": {"name": name, "namespace": namespace}, "spec": {
            "targetRef": {"name": name}, "strategy": {"steps": [{"weight": 10}]},
            "analysis": {"kafka": {"bootstrapServers": ["k:9092"], "consumerGroup": name}},
        },
    })
}

pub(crate) fn condition(name: &str, status: &str, reason: &str) -> Value {
    json!({
        "type": name, "status": status, "reason": reason, "message": "as said",
        "lastTransitionTime": "2026-01-01T00:00:00Z",
    })
}

pub(crate) fn on_trial() -> Value {
    json!({
        "phase": "Progressing", "rolloutId": "00000000ab-3", "changeId": "4f2a9c1",
        "message": "step 2/2, 3 canary pods: too little traffic",
        "summary": {"step": "2/2", "canary": "3/3", "primary": "3/3", "lag": "129/72", "verdict": "Inconclusive"},
        "revisions": {"desired": "00000000ab", "promoted": "00000000aa", "trial": "00000000ab"},
        "progress": {
            "revision": "00000000ab", "attempt": 3, "step": 1, "canary": 3,
            "since": "2026-01-01T00:00:00.000000Z", "started": "2026-01-01T00:00:00.000000Z",
            "clocks": {"hold": {"spentMs": 240_000}},
            "plan": {
                "steps": [
                    {"weight": 10, "hold": "1m"},
                    {"weight": 50, "hold": "10m", "approval": "Required"},
                ],
                "order": "SurgeFirst", "warmUp": "1m", "progressDeadline": "10m",
                "onInconclusive": "Pause", "falseRollbackProbability": "0.01", "interval": "10s",
            },
        },
        "analysis": {
            "verdict": "Inconclusive", "reason": "too little traffic", "subject": "orders-7",
            "evidence": "1.203", "threshold": "100.000", "blind": ["errors", "latency"],
            "canary": {"pods": 3, "readyPods": 3, "members": 3, "partitions": 6, "messagesPerSecond": "51.2", "lag": 129, "timeLagSeconds": 75},
            "primary": {"pods": 3, "readyPods": 3, "members": 3, "partitions": 6, "lag": 72},
        },
        "conditions": [
            condition("Ready", "True", "PodsReady"), condition("Completed", "False", "Progressing"),
        ],
    })
}

pub(crate) fn over(promoted: &str, phase: &str) -> Value {
    json!({
        "phase": phase, "message": "it is over", "changeId": "4f2a9c1",
        "revisions": {"desired": "00000000ab", "promoted": "00000000ab"},
        "conditions": [condition("Completed", "True", phase), condition("Promoted", promoted, phase)],
    })
}
