//! Whose fault missing pods are: tables of what the two roles show.
//! What a status says is read elsewhere; nothing of a cluster is needed.

use serde_json::json;
use siskin_decide::testing::{NEXT, PROMOTED, at_rest, primary, workload};

use super::*;
use crate::apply::effects::tests::world;

/// A trial with one canary pod of two and none of the primary's missing.
fn trial(troubles: Vec<PodTrouble>) -> World {
    let mut world = world();
    let mut seen = at_rest();
    primary(&mut seen).workload = workload(PROMOTED, 4);
    world.primary = seen.primary;
    world.canary = Some(Workload { ready: 1, ..workload(NEXT, 2) });
    world.pods.troubles = troubles;
    world.seen_at = Timestamp::from_second(1_000).expect("a time");
    world
}

fn one(role: Role, trouble: Trouble) -> PodTrouble {
    let pod = format!("orders-{}-1", role_name(role)).into();
    PodTrouble { pod, role, since: 900_000, trouble }
}

fn waits(role: Role, container: &str, reason: &str) -> PodTrouble {
    let (container, reason) = (container.to_owned(), reason.to_owned());
    one(role, Trouble::NotStarted { container, reason, words: String::new() })
}

fn unplaced(role: Role) -> PodTrouble {
    one(role, Trouble::Unplaced("0/3 nodes are available: 3 Insufficient memory.".to_owned()))
}

#[test]
fn what_the_cluster_owes_a_canary_blocks_it_in_the_servers_words() {
    let world = trial(vec![unplaced(Role::Canary)]);
    let blocked = world.blocked_pods().canary.expect("blocked");
    let words =
        "pod orders-canary-1 can't be placed: 0/3 nodes are available: 3 Insufficient memory.";
    assert_eq!(blocked.words, words);
    assert_eq!(blocked.since, Timestamp::from_second(900).expect("a time"));
    assert!(trial(vec![one(Role::Canary, Trouble::NotCreated)]).blocked_pods().canary.is_some());
}

#[test]
fn a_primary_is_blocked_that_has_all_its_old_pods_and_no_room_for_a_new_one() {
    let mut world = trial(vec![unplaced(Role::Primary)]);
    assert_eq!(world.missing_pods(Role::Primary), None, "nothing is rolled out");
    world.primary.as_mut().expect("a primary").workload.rolled = false;
    let words = world.missing_pods(Role::Primary).expect("told").words;
    assert!(words.ends_with("3 Insufficient memory."), "{words}");
    assert!(world.blocked_pods().primary.is_some());
}

#[test]
fn a_quota_blocks_a_canary_that_has_no_pod_to_show() {
    let mut world = trial(vec![]);
    let object = json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "orders-canary"},
        "status": {"conditions": [{
            "type": "ReplicaFailure", "status": "True", "lastTransitionTime": "1970-01-01T00:10:00Z",
            "message": "Internal error occurred: failed calling webhook \"x.example.com\": connection refused",
        }]},
    });
    world.live.canary = serde_json::from_value(object).expect("a Deployment");
    let blocked = world.blocked_pods().canary.expect("blocked");
    assert!(blocked.words.ends_with("connection refused"), "{}", blocked.words);
    assert_eq!(blocked.since.as_second(), 600);
    world.canary = Some(workload(NEXT, 2));
    assert_eq!(world.blocked_pods().canary, None, "the condition is late, its pods are there");
}

#[test]
fn an_image_that_only_the_canary_lacks_is_its_own_fault_and_is_told() {
    let world = trial(vec![waits(Role::Canary, "worker", "ErrImagePull"), unplaced(Role::Canary)]);
    assert_eq!(world.blocked_pods().canary, None);
    let told = world.missing_pods(Role::Canary).map(|it| (it.reason, it.words));
    let words = "container worker of pod orders-canary-1 waits: ErrImagePull".to_owned();
    assert_eq!(told, Some((NOT_STARTED, words)));
}

#[test]
fn what_primary_pods_wait_for_too_is_nobodys_fault() {
    let both = |theirs| trial(vec![waits(Role::Canary, "proxy", "ErrImagePull"), theirs]);
    let shared = both(waits(Role::Primary, "proxy", "ErrImagePull")).blocked_pods().canary;
    let words = "container proxy of pod orders-canary-1 waits: ErrImagePull; pods of the primary wait for the same";
    assert_eq!(shared.map(|it| it.words).as_deref(), Some(words));
    for other in [waits(Role::Primary, "worker", "ErrImagePull"), unplaced(Role::Primary)] {
        assert_eq!(both(other).blocked_pods().canary, None);
    }
}

#[test]
fn a_primary_without_room_is_told_by_pod_and_reason() {
    let mut world = trial(vec![unplaced(Role::Primary)]);
    assert_eq!(world.blocked_pods().primary, None, "all its pods are there");
    let primary = world.primary.as_mut().expect("a primary");
    primary.workload.ready = 3;
    let blocked = world.blocked_pods().primary.expect("blocked");
    assert!(blocked.words.starts_with("pod orders-primary-1 can't be placed"), "{}", blocked.words);
    world.pods.troubles = vec![waits(Role::Primary, "worker", "ErrImagePull")];
    assert_eq!(world.blocked_pods().primary, None, "a container is no matter of room");
}
