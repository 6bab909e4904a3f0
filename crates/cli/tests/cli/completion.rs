//! Completions as shells and kubectl ask for them: scripts, words, names of the cluster.
//! A cluster that can't be asked costs a moment and no word.

use std::process::Command;

use serde_json::{Value, json};

use crate::cluster::{Cluster, on_trial, rollout};

fn run(args: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_kubectl-siskin"))
        .args(args)
        .env("KUBECONFIG", "/nowhere")
        .env("HOME", "/nowhere")
        .output()
        .expect("it runs");
    assert_eq!((output.status.code(), output.stderr.as_slice()), (Some(0), &b""[..]), "{args:?}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

#[test]
fn each_shell_gets_a_script_and_kubectl_the_program_that_it_asks() {
    for shell in ["bash", "zsh", "fish"] {
        let script = run(&["completion", shell]);
        assert!(script.contains("kubectl-siskin") && script.contains("doctor"), "{shell}");
    }
    let program = run(&["completion", "kubectl"]);
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/kubectl_complete-siskin");
    assert_eq!(program, std::fs::read_to_string(file).expect("a file"));
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_is_answered_with_words_names_and_a_directive() {
    let it = Cluster::with("completion", on_trial()).await;
    let other = "/apis/siskin.dev/v1alpha1/namespaces/bank/canaryrollouts/ledger";
    it.server.put(other, rollout("ledger", "bank"));
    let asked = |typed: &[&str]| it.run(&[&["__complete"], typed].concat());
    for (typed, answer) in [
        (&["status", ""][..], "orders\tProgressing\n:4\n"),
        (&["status", "-n", "bank", ""], "ledger\tnot seen yet\n:4\n"),
        (&["abort", "x"], ":4\n"),
        (&["lint", ""], ":0\n"),
        (&["list", "-o", "j"], "json\tThe objects as JSON\n:4\n"),
    ] {
        let (code, text, said) = asked(typed);
        assert_eq!((code, text.as_str(), said.as_str()), (Some(0), answer, ""), "{typed:?}");
    }
    let (_, text, _) = asked(&["s"]);
    let words: Vec<&str> = text.lines().map(|it| it.split('\t').next().expect("a word")).collect();
    assert_eq!(words, ["status", "start", "suspend", ":4"], "{text}");
    let (_, text, _) = asked(&["doctor", "--op"]);
    assert_eq!(text, "--operator-namespace\tNamespace of the operator\n:4\n");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_can_not_be_asked_is_not_told_of() {
    assert_eq!(run(&["__complete", "status", ""]), ":4\n");
    let it = Cluster::with("completion-denied", on_trial()).await;
    it.server.deny("list", "siskin.dev", "canaryrollouts");
    let denied = it.run(&["__complete", "status", ""]);
    assert_eq!(denied, (Some(0), ":4\n".to_owned(), String::new()));
    // Takes connections and never answers.
    let silent = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = silent.local_addr().expect("an address");
    let config: Value = json!({
        "apiVersion": "v1", "kind": "Config", "current-context": "it", "users": [],
        "clusters": [{"name": "it", "cluster": {"server": format!("http://{address}")}}],
        "contexts": [{"name": "it", "context": {"cluster": "it"}}],
    });
    std::fs::write(&it.kubeconfig, config.to_string()).expect("written");
    let begun = std::time::Instant::now();
    let late = it.run(&["__complete", "status", ""]);
    assert_eq!(late, (Some(0), ":4\n".to_owned(), String::new()));
    assert!(begun.elapsed().as_secs() < 20, "bounded, on a busy machine too");
}
