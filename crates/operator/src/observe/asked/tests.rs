//! Children that differ from what is asked, written, and compared again. No API server is asked.

use siskin_analysis::observation::Role;
use siskin_decide::{MoveOrder, Revision};

use super::*;
use crate::workloads::children::tests::family;
use crate::workloads::children::{Difference, Family};
use crate::workloads::template::PodTemplate;

fn child_of(family: &Family) -> Child {
    let template = json!({"metadata": {"labels": {"app": "orders"}}, "spec": {}});
    family.child(Role::Primary, Revision(1), &PodTemplate::of(&template), None)
}

/// A target of which fields and labels are taken, and its child as it was before, changed by hand.
fn after(take: impl FnOnce(&mut Family)) -> (Child, DynamicObject) {
    let mut family = family(&json!({}), MoveOrder::SurgeFirst);
    family.labels.insert("tier".into(), "gold".into());
    family.spec["progressDeadlineSeconds"] = json!(60);
    let Child { labels, annotations, spec } = child_of(&family);
    let live = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {
            "name": "orders-primary", "namespace": "shop", "resourceVersion": "5",
            "labels": labels, "annotations": annotations,
        },
        "spec": spec,
    });
    take(&mut family);
    (child_of(&family), serde_json::from_value(live).expect("a Deployment"))
}

fn written(child: &Child, live: &DynamicObject) -> serde_json::Value {
    let mut object = whole(live);
    assert_ne!(child.compare(&object), Difference::None, "there is something to write");
    as_asked(live, child).apply_to(&mut object).expect("a patch that fits");
    object
}

#[test]
fn what_the_target_has_lost_is_taken_off_its_child_by_one_write() {
    let (child, live) = after(|it| {
        it.labels.remove("tier");
        for field in ["minReadySeconds", "progressDeadlineSeconds"] {
            it.spec.as_object_mut().expect("a spec").remove(field);
        }
    });
    let object = written(&child, &live);
    assert_eq!(child.compare(&object), Difference::None, "or it would be repaired for ever");
    assert_eq!(object["metadata"]["labels"]["tier"], json!(null));
    assert_eq!(object["spec"]["minReadySeconds"], json!(null));
    assert_eq!(object["metadata"]["labels"]["team"], "payments", "the rest stays");
    let (bare, live) = after(|it| it.labels.clear());
    let object = written(&bare, &live);
    assert_eq!(bare.compare(&object), Difference::None);
    assert_eq!(object["metadata"]["annotations"][TAKEN_LABELS], json!(null), "nothing to know");
}

#[test]
fn what_a_hand_has_put_on_a_child_is_taken_off_by_one_write() {
    let (child, mut live) = after(|_| {});
    live.data["spec"]["paused"] = json!(true);
    let owner = json!([{"apiVersion": "v1", "kind": "Pod", "name": "a", "uid": "b"}]);
    live.metadata.owner_references = serde_json::from_value(owner).expect("owners");
    live.metadata.labels = None;
    let object = written(&child, &live);
    assert_eq!(child.compare(&object), Difference::None);
    assert_eq!(object["spec"]["paused"], json!(null));
}
