//! Definitions that can be judged by, and those refused. Each refusal says what is wrong.

use super::*;

fn ratio(name: &str) -> UserMetric {
    UserMetric { name: Arc::from(name), rule: UserRule::Ratio }
}

fn threshold(min: Option<f64>, max: Option<f64>) -> UserMetric {
    let rule =
        Threshold { min, max, failure_limit: 3, against: Against::Absolute, scope: Scope::Pods };
    UserMetric { name: Arc::from("p99"), rule: UserRule::Threshold(rule) }
}

#[test]
fn names_are_those_of_labels() {
    for name in ["a", "7", "checkout-failures", "p_99", &"x".repeat(63)] {
        assert_eq!(check_user_metrics(&[ratio(name)]), Ok(()), "{name}");
    }
    for name in ["", "-a", "a-", "a_", "A", "ä", "a b", "a.b", &"x".repeat(64)] {
        let wrong = Err(UserMetricError::Name(Arc::from(name)));
        assert_eq!(check_user_metrics(&[ratio(name)]), wrong, "{name}");
    }
    let twice = Err(UserMetricError::Twice(Arc::from("a")));
    assert_eq!(check_user_metrics(&[ratio("a"), ratio("b"), ratio("a")]), twice);
}

#[test]
fn bounds_are_numbers_in_order() {
    for (min, max) in [(None, Some(0.5)), (Some(-1.0), None), (Some(0.0), Some(0.0))] {
        assert_eq!(check_user_metrics(&[threshold(min, max)]), Ok(()));
    }
    let none = check_user_metrics(&[threshold(None, None)]);
    assert_eq!(none, Err(UserMetricError::NoBound(Arc::from("p99"))));
    for (min, max) in [(Some(1.0), Some(0.5)), (Some(f64::NAN), None), (None, Some(1.0 / 0.0))] {
        let wrong = Err(UserMetricError::Bounds(Arc::from("p99")));
        assert_eq!(check_user_metrics(&[threshold(min, max)]), wrong);
    }
}

#[test]
fn checks_take_no_place_of_others_and_each_is_there_once() {
    let check = Check { less_than: Some(0.5), greater_than: None, failure_limit: 3 };
    let check = |name: &str| UserMetric { name: Arc::from(name), rule: UserRule::Check(check) };
    let ten = (0..MOST_USER_METRICS).map(|place| ratio(&format!("m{place}")));
    let mut all: Vec<UserMetric> = ten.collect();
    all.extend(Measure::ALL.map(|it| check(it.name())));
    assert_eq!(check_user_metrics(&all), Ok(()));
    assert_eq!(usable(&all.clone().into()).len(), MOST_USER_METRICS + 4);
    all.push(check("error_rate"));
    let twice = Err(UserMetricError::Twice(Arc::from("error_rate")));
    assert_eq!(check_user_metrics(&all), twice);
    let unknown = Err(UserMetricError::UnknownCheck(Arc::from("cpu")));
    assert_eq!(check_user_metrics(&[check("cpu")]), unknown);
}

#[test]
fn what_cannot_be_judged_by_is_left_out_and_no_more_than_ten_are_kept() {
    let names: Vec<String> = (0..14).map(|place| format!("m{place}")).collect();
    let mut all: Vec<UserMetric> = names.iter().map(|name| ratio(name)).collect();
    assert_eq!(check_user_metrics(&all), Err(UserMetricError::TooMany(14)));
    all[0].name = Arc::from("no name");
    all[1].name = Arc::from("m2");
    all[3] = threshold(None, None);
    let kept = usable(&all.into());
    assert_eq!(kept.len(), MOST_USER_METRICS);
    assert_eq!((&*kept[0].name, &*kept[1].name, &*kept[9].name), ("m2", "m4", "m12"));
}

#[test]
fn a_definition_needs_no_more_than_its_bound() {
    let text = r#"{"name":"p99","kind":"threshold","max":0.5}"#;
    let read: UserMetric = serde_json::from_str(text).expect("a definition");
    assert_eq!(read, threshold(None, Some(0.5)));
    let text = r#"{"name":"a","kind":"ratio"}"#;
    assert_eq!(serde_json::from_str::<UserMetric>(text).expect("a definition"), ratio("a"));
    assert_eq!(serde_json::to_string(&ratio("a")).expect("JSON"), text);
}
