//! The three forms of the same ranges, and which of two lists is believed.
//! No cluster.

use super::*;

fn rollout() -> CanaryRollout {
    serde_json::from_value(json!({
        "apiVersion": "siskin.dev/v1alpha1",
        "kind": "CanaryRollout",
        "metadata": {"name": "orders", "namespace": "shop", "uid": "u1"},
        "spec": {
            "targetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "orders"},
            "strategy": {"steps": [{"weight": 34, "hold": "4m"}]},
            "analysis": {"kafka": {"bootstrapServers": ["k1:9092", "k2:9092"], "consumerGroup": "orders"}},
        },
    }))
    .expect("a rollout")
}

fn config_map(uid: &str, list: &str) -> ConfigMap {
    serde_json::from_value(json!({
        "metadata": {
            "name": "orders-replay-ranges",
            "ownerReferences": [
                {"apiVersion": "siskin.dev/v1alpha1", "kind": "CanaryRollout", "name": "orders", "uid": uid},
            ],
        },
        "data": {"t.orders": list, "summary": "{}", "record": "{}"},
    }))
    .expect("an object")
}

fn ranges() -> Vec<ConsumedRange> {
    let list = "3 100 220 certain\n11 5 6 touched\n";
    listed(Some(&config_map("u1", list)), &rollout()).expect("a list").expect("its own")
}

#[test]
fn each_range_is_a_row_an_object_and_a_command() {
    let rows = text(&ranges());
    assert_eq!(
        rows,
        "TOPIC   PARTITION  FROM  TO   OFFSETS  KIND\n\
         orders  3          100   220  120      certain\n\
         orders  11         5     6    1        touched\n"
    );
    assert_eq!(
        commands(&rollout(), &ranges()),
        "kcat -C -q -e -b k1:9092,k2:9092 -t orders -p 3 -o 100 -c 120  # certain\n\
         kcat -C -q -e -b k1:9092,k2:9092 -t orders -p 11 -o 5 -c 1  # touched\n"
    );
    let found = FoundRanges { ranges: ranges(), summary: ReplaySummary::default(), note: None };
    let object = object(&rollout(), &found);
    let first =
        json!({"topic": "orders", "partition": 3, "from": 100, "to": 220, "kind": "certain"});
    assert_eq!(
        (&object["ranges"][0], object["ranges"][1]["kind"].as_str()),
        (&first, Some("touched"))
    );
}

#[test]
fn an_object_of_somebody_else_or_one_that_was_edited_is_not_believed() {
    let of_another = config_map("u2", "3 100 220 certain\n");
    assert_eq!(listed(Some(&of_another), &rollout()).expect("nothing wrong"), None);
    assert_eq!(listed(None, &rollout()).expect("nothing wrong"), None);
    assert!(listed(Some(&config_map("u1", "three 100 220 certain\n")), &rollout()).is_err());
}
