//! What the watch of rollouts makes of guarded targets: names, news, and what is forgotten.
//! No API server is asked.

use serde_json::json;

use super::*;

fn rollout(name: &str, adopted: bool, deleted: bool) -> CanaryRollout {
    let mut object = json!({
        "metadata": {"name": name, "namespace": "shop", "uid": format!("uid-{name}")},
        "spec": {
            "targetRef": {"name": format!("{name}-worker")},
            "strategy": {"steps": [{"weight": 50}]},
            "analysis": {"kafka": {"bootstrapServers": ["k:9092"], "consumerGroup": "g"}},
        },
        "status": {"adopted": adopted},
    });
    if deleted {
        object["metadata"]["deletionTimestamp"] = json!("2026-11-28T00:00:00Z");
    }
    serde_json::from_value(object).expect("a rollout")
}

fn names(guarded: &Guarded) -> Vec<String> {
    guarded.targets("shop").keys().map(ToString::to_string).collect()
}

#[test]
fn a_target_is_guarded_from_its_adoption_until_its_rollout_is_deleted() {
    let guarded = Guarded::default();
    guarded.note(&rollout("orders", false, false));
    guarded.listed(&[]);
    assert_eq!(guarded.take_changed(), HashSet::new(), "nothing is to be written");
    guarded.note(&rollout("orders", true, false));
    assert_eq!(names(&guarded), ["orders-worker"]);
    assert_eq!(guarded.take_changed(), HashSet::from(["shop".into()]));
    guarded.note(&rollout("orders", true, false));
    assert_eq!(guarded.take_changed(), HashSet::new(), "a status that says nothing new");
    guarded.note(&rollout("orders", true, true));
    assert_eq!(names(&guarded), Vec::<String>::new());
    assert_eq!(guarded.take_changed(), HashSet::from(["shop".into()]));
}

#[test]
fn an_autoscaler_that_is_taken_over_is_news() {
    let guarded = Guarded::default();
    guarded.note(&rollout("orders", true, false));
    guarded.listed(&[]);
    guarded.take_changed();
    let mut scaled = rollout("orders", true, false);
    let status = scaled.status.as_mut().expect("a status");
    status.autoscaler =
        serde_json::from_value(json!({"kind": "ScaledObject", "name": "orders"})).ok();
    guarded.note(&scaled);
    assert_eq!(guarded.take_changed(), HashSet::from(["shop".into()]));
    assert!(guarded.targets("shop").values().all(|it| it.autoscaled));
}

#[test]
fn nothing_is_to_be_written_before_a_listing_is_complete_and_it_forgets_what_is_gone() {
    let guarded = Guarded::default();
    guarded.note(&rollout("orders", true, false));
    guarded.note(&rollout("carts", true, false));
    assert_eq!(guarded.take_changed(), HashSet::new(), "not everything is known yet");
    guarded.listed(&[]);
    assert_eq!(guarded.take_changed(), HashSet::from(["shop".into()]));
    guarded.listed(&[Name::new("shop", "orders")]);
    assert_eq!(names(&guarded), ["carts-worker"]);
    assert_eq!(guarded.take_changed(), HashSet::from(["shop".into()]));
    guarded.forget(&Name::new("shop", "carts"));
    assert_eq!(names(&guarded), Vec::<String>::new());
}
