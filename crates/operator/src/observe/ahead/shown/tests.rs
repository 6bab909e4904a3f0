//! What is kept of a listing, and for how long. Time is paused.

use serde_json::json;

use super::*;

fn rollout(number: usize) -> CanaryRollout {
    let rollout = json!({
        "apiVersion": "siskin.dev/v1alpha1", "kind": "CanaryRollout",
        "metadata": {"namespace": "shop", "name": format!("orders-{number:05}")},
        "spec": {
            "targetRef": {"name": "orders"}, "strategy": {"steps": [{"weight": 10}]},
            "analysis": {"kafka": {"bootstrapServers": ["k:1"], "consumerGroup": "orders"}},
        },
    });
    serde_json::from_value(rollout).expect("a rollout")
}

fn name(number: usize) -> Name {
    Name::new("shop", format!("orders-{number:05}"))
}

fn shown(count: usize) -> Shown {
    let shown = Shown::default();
    for number in 0..count {
        shown.keep(Some(rollout(number)));
    }
    shown
}

#[tokio::test(start_paused = true)]
async fn those_of_a_namespace_are_taken_once_in_the_order_of_their_names() {
    let shown = shown(30);
    let names = |taken: Vec<CanaryRollout>| -> Vec<String> {
        taken.iter().map(ResourceExt::name_any).collect()
    };
    assert_eq!(names(shown.from(&name(7), 2)), ["orders-00007", "orders-00008"]);
    assert!(shown.from(&name(7), 2).is_empty(), "it was taken");
    assert_eq!(names(shown.from(&name(6), 2)), ["orders-00006", "orders-00009"]);
    assert!(shown.from(&Name::new("other", "orders-00010"), 2).is_empty());
}

#[tokio::test(start_paused = true)]
async fn old_ones_are_for_nobody_and_are_not_held() {
    let shown = shown(2);
    tokio::time::sleep(YOUNG).await;
    assert!(shown.from(&name(0), 2).is_empty());
    shown.forget_old();
    assert!(shown.0.lock().rollouts.is_empty());
}

#[tokio::test(start_paused = true)]
async fn too_many_are_not_held_nor_are_those_of_a_later_listing() {
    let many = shown(MOST + 2);
    assert!(many.0.lock().rollouts.is_empty());
    let later = shown(1);
    later.last();
    later.keep(Some(rollout(1)));
    assert_eq!(later.0.lock().rollouts.len(), 1);
}
