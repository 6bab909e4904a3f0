//! What the audience sees of a trial whose canary has crashed. No screen is needed.

use serde_json::json;

use super::*;
use crate::scenario::seen::Rollout;

fn state(phase: &str) -> State {
    let mut state = State::default();
    let object = json!({
        "apiVersion": "siskin.dev/v1alpha1",
        "kind": "CanaryRollout",
        "metadata": {"name": "orders", "uid": "u"},
        "spec": {
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "orders"},
            "strategy": {"steps": [{"weight": 34, "hold": "3s"}]},
            "analysis": {"kafka": {"bootstrapServers": ["k:9092"], "consumerGroup": "g"}},
        },
        "status": {
            "phase": phase,
            "message": "step 1/2",
            "summary": {"step": "1/2", "weight": 33, "verdict": "Inconclusive"},
            "analysis": {"canary": {"partitions": 2, "lag": 17}, "primary": {"lag": 4}},
        },
    });
    let rollout = Rollout::of(&serde_json::from_value(object).unwrap()).unwrap();
    state.rollouts.insert("orders".to_owned(), rollout);
    let mut add = |name: &str, part, version: &str| {
        let (part, version) = (Some(part), Some(version.to_owned()));
        let pod =
            SeenPod { part, version, ready: true, terminating: false, crashes: 0, running: true };
        state.pods.insert(name.to_owned(), pod);
    };
    add("p1", Part::Primary, "2");
    add("p2", Part::Primary, "2");
    add("c", Part::Canary, "3");
    add("old", Part::Target, "1");
    if let Some(canary) = state.pods.get_mut("c") {
        (canary.ready, canary.running, canary.crashes) = (false, false, 1);
    }
    if let Some(old) = state.pods.get_mut("old") {
        old.terminating = true;
    }
    state
}

#[test]
fn a_line_holds_what_matters_and_the_lag_is_no_change() {
    let line = line(&state("Progressing"));
    assert_eq!(
        line.whole,
        "Progressing   step 1/2  weight 33 %  primary 2/2 v2 lag 4  canary 0/1 v3 lag 17  Inconclusive"
    );
    assert_eq!(
        line.calm,
        "Progressing   step 1/2  weight 33 %  primary 2/2 v2  canary 0/1 v3  Inconclusive"
    );
}

#[test]
fn where_nothing_is_there_is_no_line() {
    assert_eq!(line(&State::default()).whole, "");
}

#[test]
fn a_block_shows_each_pod_of_each_deployment() {
    let text = |spans: &[Span]| spans.iter().map(|it| &*it.1).collect::<String>();
    let lines: Vec<_> = block(&state("Progressing"), "a title", Duration::from_secs(61), 60)
        .iter()
        .map(|it| text(it))
        .collect();
    assert_eq!(lines.len(), 7);
    assert!(lines[0].starts_with("── a title ─") && lines[0].ends_with(" 1:01 ──"));
    assert_eq!(lines[0].chars().count(), 60);
    assert!(lines[2].contains("· ") && lines[3].contains("● ● ") && lines[4].contains("✗ "));
    assert!(lines[4].contains("0/1 v3") && lines[4].contains("lag    17"), "{}", lines[4]);
}

#[test]
fn figures_of_an_earlier_trial_are_not_shown() {
    let state = state("Failed");
    assert!(!line(&state).whole.contains("lag"));
    assert_eq!(verdict(&state), None);
}
