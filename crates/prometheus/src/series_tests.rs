//! Presets and what stands in for what is not given.

use super::{Preset, Series, Signal};
use crate::selector::Selector;

fn selector(text: &str) -> Option<Selector> {
    Selector::parse(text).ok()
}

#[test]
fn every_known_name_is_a_selector() {
    for preset in Preset::ALL {
        let series = preset.series();
        assert!(series.consumed.is_some(), "{preset:?}");
        assert_eq!(Preset::parse(preset.name()), Some(preset));
    }
    let spring = Preset::SpringKafka.series();
    assert!(spring.processed.is_some() && spring.errors.is_some() && spring.latency.is_some());
    assert_eq!(Preset::parse("spring"), None);
    for memory in [Series::DEFAULT_WORKING_SET, Series::DEFAULT_SCRAPED_WORKING_SET] {
        let numbers = Series::default().numbers(memory);
        assert_eq!(numbers.len(), 1);
        assert_eq!(
            (numbers[0].0, Some(&numbers[0].1)),
            (Signal::WorkingSet, selector(memory).as_ref())
        );
    }
}

#[test]
fn single_selectors_override_a_preset() {
    let own = Series {
        consumed: selector("mine_total"),
        working_set: selector("rss"),
        ..Series::default()
    };
    let series = own.over(Preset::SpringKafka);
    assert_eq!(series.consumed, selector("mine_total"));
    assert_eq!(series.latency, selector("spring_kafka_listener_seconds"));
    assert_eq!(series.working_set, selector("rss"));
    assert_eq!(series.filtered, None);
}

#[test]
fn the_clock_is_a_series_that_is_there_from_the_start() {
    let clock = |series: &Series| series.clock().map(|selector| selector.name().to_owned());
    let mut series = Series { errors: selector("e"), ..Series::default() };
    assert_eq!(clock(&series).as_deref(), Some("e"));
    series.latency = selector("l");
    assert_eq!(clock(&series).as_deref(), Some("l_bucket"));
    series.processed = selector("p");
    assert_eq!(clock(&series).as_deref(), Some("p"));
    series.consumed = selector("c");
    assert_eq!(clock(&series).as_deref(), Some("c"));
    assert_eq!(clock(&Series::default()), None);
}
