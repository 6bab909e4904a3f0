//! How one moment's values stand against bounds, also where a value is not known exactly.
//! Each case by hand.

use super::*;

fn ends(lower: Option<f64>, upper: Option<f64>) -> Ends {
    let (lower, upper) = (lower.map(Bound::GreaterThan), upper.map(Bound::LessThan));
    Ends { lower, upper, against: Against::Absolute, scope: Scope::Pods }
}

fn outcome(
    ends: Ends,
    canary: &[Level],
    primary: &[Level],
) -> Result<Option<BoundOutcome>, NoValue> {
    let names: Vec<Arc<str>> = (0..canary.len()).map(|it| format!("c-{it}").into()).collect();
    let values = Values {
        canary: names.iter().zip(canary.iter().copied()).collect(),
        primary: primary.to_vec(),
        before: None,
    };
    Ok(ends.read(values)?.map(|reading| reading.outcome))
}

#[test]
fn less_than_and_greater_than_do_not_hold_on_the_bound_itself() {
    let below = ends(None, Some(0.5));
    let above = ends(Some(0.5), None);
    for (value, less, greater) in [
        (0.499, BoundOutcome::Within, BoundOutcome::Fails(Bound::GreaterThan(0.5))),
        (
            0.5,
            BoundOutcome::Fails(Bound::LessThan(0.5)),
            BoundOutcome::Fails(Bound::GreaterThan(0.5)),
        ),
        (0.501, BoundOutcome::Fails(Bound::LessThan(0.5)), BoundOutcome::Within),
    ] {
        assert_eq!(outcome(below, &[Level::Is(value)], &[]), Ok(Some(less)), "{value}");
        assert_eq!(outcome(above, &[Level::Is(value)], &[]), Ok(Some(greater)), "{value}");
    }
}

#[test]
fn a_value_above_the_edges_fails_a_bound_below_them_and_is_unknown_against_one_above() {
    let seen = [Level::Above(1.0)];
    let fails = BoundOutcome::Fails(Bound::LessThan(1.0));
    assert_eq!(outcome(ends(None, Some(1.0)), &seen, &[]), Ok(Some(fails)));
    let unknown = Err(NoValue::BeyondEdges { edge: 1.0, bound: 2.0 });
    assert_eq!(outcome(ends(None, Some(2.0)), &seen, &[]), unknown);
    assert_eq!(outcome(ends(Some(1.0), None), &seen, &[]), Ok(Some(BoundOutcome::Within)));
    assert_eq!(outcome(ends(Some(2.0), None), &seen, &[]), unknown);
}

#[test]
fn another_bound_that_fails_counts_whatever_is_unknown() {
    let both = ends(Some(0.1), Some(2.0));
    let fails = BoundOutcome::Fails(Bound::GreaterThan(0.1));
    assert_eq!(outcome(both, &[Level::Is(0.05), Level::Above(1.0)], &[]), Ok(Some(fails)));
    let unknown = Err(NoValue::BeyondEdges { edge: 1.0, bound: 2.0 });
    assert_eq!(outcome(both, &[Level::Is(0.5), Level::Above(1.0)], &[]), unknown);
}

#[test]
fn what_is_above_a_number_is_worse_than_that_number() {
    let unknown = Err(NoValue::BeyondEdges { edge: 1.0, bound: 2.0 });
    for pods in [[Level::Is(1.0), Level::Above(1.0)], [Level::Above(1.0), Level::Is(1.0)]] {
        assert_eq!(outcome(ends(None, Some(2.0)), &pods, &[]), unknown);
    }
}

#[test]
fn a_primary_above_its_edges_shares_a_bound_below_them() {
    let bound = ends(None, Some(0.5));
    let shared = BoundOutcome::Shared(Bound::LessThan(0.5));
    let reading = outcome(bound, &[Level::Above(1.0)], &[Level::Above(1.0)]);
    assert_eq!(reading, Ok(Some(shared)));
    assert_eq!(outcome(bound, &[], &[Level::Is(0.9)]), Ok(None), "nothing of the canary");
}
