//! Which steps a spec means, and the plan that is frozen from it.
//! Says nothing about pods: how many a weight comes to is the operator's arithmetic.

use std::error::Error;

use serde_json::{Value, json};
use siskin_api::StepSize::{Replicas, Weight};
use siskin_api::{Approval, CanaryRolloutSpec, Duration, FrozenPlan, Step, StepSize};

fn spec(strategy: &Value) -> Result<CanaryRolloutSpec, serde_json::Error> {
    let mut spec = crate::schema::minimal();
    spec["strategy"] = strategy.clone();
    serde_json::from_value(spec)
}

fn sizes(strategy: &Value) -> Result<Vec<StepSize>, serde_json::Error> {
    Ok(spec(strategy)?.steps().into_iter().map(|it| it.size).collect())
}

#[test]
fn the_shorthand_ends_at_max_weight() -> Result<(), Box<dyn Error>> {
    for (by, max, expected) in [
        (10, 50, vec![10, 20, 30, 40, 50]),
        (20, 50, vec![20, 40, 50]),
        (50, 50, vec![50]),
        (33, 99, vec![33, 66, 99]),
        (1, 3, vec![1, 2, 3]),
    ] {
        let expected: Vec<_> = expected.into_iter().map(Weight).collect();
        assert_eq!(sizes(&json!({"stepWeight": by, "maxWeight": max}))?, expected, "{by}, {max}");
    }
    assert_eq!(sizes(&json!({"stepWeight": 1, "maxWeight": 99}))?.len(), 99);
    Ok(())
}

#[test]
fn steps_take_the_default_hold_unless_they_name_one() -> Result<(), Box<dyn Error>> {
    let steps = json!([{"replicas": 1}, {"replicas": 3, "hold": "30m", "approval": "Required"}]);
    let expected = [
        Step { size: Replicas(1), hold: Duration::from_mins(7), approval: Approval::None },
        Step { size: Replicas(3), hold: Duration::from_mins(30), approval: Approval::Required },
    ];
    assert_eq!(spec(&json!({"steps": steps, "hold": "7m"}))?.steps(), expected);

    let shorthand = spec(&json!({"stepWeight": 10, "maxWeight": 10, "hold": "7m"}))?.steps();
    assert_eq!(shorthand.first().map(|it| it.hold), Some(Duration::from_mins(7)));
    Ok(())
}

/// The operator calls it before it has validated, so it has to come to an end whatever it is given.
#[test]
fn no_spec_has_endless_steps() -> Result<(), Box<dyn Error>> {
    for (by, max) in [(0, 50), (-5, 50), (i32::MIN, i32::MAX), (1, i32::MAX), (60, 50), (1, -1)] {
        let count = sizes(&json!({"stepWeight": by, "maxWeight": max}))?.len();
        assert!(count <= 99, "{by}, {max}: {count} steps");
    }
    assert_eq!(sizes(&json!({}))?, []);
    assert_eq!(sizes(&json!({"stepWeight": 10}))?, []);
    assert_eq!(sizes(&json!({"steps": [{}]}))?, []);
    Ok(())
}

#[test]
fn a_frozen_plan_has_every_default_filled_in_and_reads_back() -> Result<(), Box<dyn Error>> {
    let spec = spec(&json!({"stepWeight": 25, "maxWeight": 50}))?;
    let plan = spec.freeze(siskin_api::Order::SurgeFirst);
    assert_eq!(
        serde_json::to_value(&plan)?,
        json!({
            "steps": [
                {"weight": 25, "hold": "5m", "approval": "None"},
                {"weight": 50, "hold": "5m", "approval": "None"},
            ],
            "order": "SurgeFirst",
            "warmUp": "1m",
            "progressDeadline": "10m",
            "onInconclusive": "Pause",
            "falseRollbackProbability": "0.01",
            "minimumEvidence": "Observed",
            "interval": "10s",
            "kafka": {"bootstrapServers": ["kafka:9092"], "consumerGroup": "orders"},
        })
    );
    assert_eq!(plan.steps(), spec.steps());
    let read: FrozenPlan = serde_json::from_value(serde_json::to_value(&plan)?)?;
    assert_eq!(read, plan);
    Ok(())
}

#[test]
fn a_step_stays_inconclusive_for_three_holds_or_for_max_hold() -> Result<(), Box<dyn Error>> {
    let steps = json!([{"weight": 5, "hold": "10m"}, {"weight": 50, "hold": "1h"}]);
    let plan = spec(&json!({"steps": steps}))?.freeze(siskin_api::Order::SurgeFirst);
    let holds: Vec<_> = plan.steps().iter().map(|it| plan.max_hold_of(it)).collect();
    assert_eq!(holds, [Duration::from_mins(30), Duration::from_hours(3)]);

    // A plan frozen by hand or by an older operator may have a maxHold that today's rules refuse.
    let short = FrozenPlan { max_hold: Some(Duration::from_mins(15)), ..plan };
    let holds: Vec<_> = short.steps().iter().map(|it| short.max_hold_of(it)).collect();
    assert_eq!(holds, [Duration::from_mins(15), Duration::from_hours(1)]);
    Ok(())
}
