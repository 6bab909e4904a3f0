//! What is accepted as a duration or a share, and what is refused.
//! Refusals are checked for their words: they are all that a user sees.

use super::*;

#[test]
fn durations_have_a_unit() {
    assert_eq!(duration("500us"), Ok(Duration::from_micros(500)));
    assert_eq!(duration("2ms"), Ok(Duration::from_millis(2)));
    assert_eq!(duration("5s"), Ok(Duration::from_secs(5)));
    assert_eq!(duration("3m"), Ok(Duration::from_secs(180)));
    assert_eq!(duration("2h"), Ok(Duration::from_secs(7200)));
}

#[test]
fn other_durations_are_refused() {
    assert_eq!(duration("5"), Err("\"\" is no unit: use us, ms, s, m or h".to_owned()));
    assert_eq!(duration("5d"), Err("\"d\" is no unit: use us, ms, s, m or h".to_owned()));
    for text in ["", "s", "-1s", "1.5s", " 1s"] {
        assert_eq!(duration(text), Err(format!("{text:?}: expected like 2ms or 5s")));
    }
    let endless = format!("{}h", u64::MAX);
    assert_eq!(duration(&endless), Err(format!("{endless:?} is too long")));
}

#[test]
fn shares_are_within_bounds() {
    assert_eq!(share("0.3"), Ok(0.3));
    assert_eq!(share("1"), Ok(1.0));
    for text in ["1.1", "-0.1", "NaN"] {
        assert_eq!(share(text), Err("from 0 to 1".to_owned()));
    }
    assert_eq!(share("half"), Err("\"half\" is no number".to_owned()));
}
