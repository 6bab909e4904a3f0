//! The formulas of the checks, and what of a scrape each of them takes.
//! Values by hand; those of the quantile by the documentation of `histogram_quantile`.

use super::*;

fn histogram(edges: &[f64], counts: &[f64], total: f64) -> Histogram {
    Histogram { edges: edges.into(), counts: counts.to_vec(), total }
}

fn close(level: Result<Level, NoValue>, wanted: f64) -> bool {
    matches!(level, Ok(Level::Is(value)) if (value - wanted).abs() < 1e-12)
}

#[test]
fn rates_are_shares_of_messages() {
    assert!(close(Measure::ErrorRate.level(&[], &[2.0, 40.0]), 0.05));
    assert!(close(Measure::ErrorRate.level(&[], &[3.0, 2.0]), 1.0), "failed after they were taken");
    assert!(close(Measure::SuccessRate.level(&[], &[38.0, 2.0]), 0.95));
    for measure in [Measure::ErrorRate, Measure::SuccessRate] {
        assert_eq!(measure.level(&[], &[0.0, 0.0]), Err(NoValue::NoMessages));
    }
    assert_eq!(Measure::LatencyP99.level(&[1.0], &[0.0, 0.0]), Err(NoValue::NoMessages));
}

#[test]
fn the_quantile_is_linear_within_its_bucket() {
    let p99 = |edges: &[f64], rises: &[f64]| Measure::LatencyP99.level(edges, rises);
    let edges = [0.1, 0.5, 1.0];
    assert!(close(p99(&edges, &[0.0, 100.0, 100.0, 100.0]), 0.1 + 0.4 * 0.99));
    assert!(close(p99(&edges, &[100.0, 100.0, 100.0, 100.0]), 0.1 * 0.99), "the first begins at 0");
    assert!(close(p99(&edges, &[90.0, 99.0, 100.0, 100.0]), 0.5), "at an edge it is the edge");
    assert!(close(p99(&edges, &[90.0, 98.0, 100.0, 100.0]), 0.75));
    assert!(close(p99(&[-1.0, 2.0], &[100.0, 100.0, 100.0]), -1.0), "no bucket begins at 0");
    assert!(close(p99(&edges, &[90.0, 80.0, 100.0, 100.0]), 0.5 + 0.5 * 0.9), "a torn scrape");
    assert_eq!(p99(&edges, &[90.0, 95.0, 98.0, 100.0]), Ok(Level::Above(1.0)));
    let wild = p99(&[-1e308, 1e308], &[0.0, 100.0, 100.0]);
    assert!(matches!(wild, Ok(Level::Is(value)) if value.is_finite()), "{wild:?}");
}

#[test]
fn each_takes_what_it_needs_and_names_what_is_missing() {
    let all = PodMetrics {
        consumed: Some(10.0),
        processed: Some(8.0),
        errors: Some(1.0),
        latency: Some(histogram(&[0.1], &[7.0], 9.0)),
        working_set: Some(50.0),
        memory_limit: Some(200.0),
        ..PodMetrics::default()
    };
    let totals = |edges: &[f64], totals: &[f64]| {
        let (edges, totals) = (edges.into(), totals.to_vec());
        Shown::Totals { edges, totals }
    };
    let missing = |input| Shown::Missing(NoValue::NoSeries { input });
    let without = |edit: fn(&mut PodMetrics)| {
        let mut metrics = all.clone();
        edit(&mut metrics);
        metrics
    };
    assert_eq!(Measure::ErrorRate.read(&all), totals(&[], &[1.0, 10.0]));
    assert_eq!(Measure::SuccessRate.read(&all), totals(&[], &[8.0, 1.0]));
    assert_eq!(Measure::LatencyP99.read(&all), totals(&[0.1], &[7.0, 9.0]));
    assert_eq!(Measure::MemoryUsage.read(&all), Shown::Level(Level::Is(0.25)));
    for (measure, metrics, shown) in [
        (Measure::ErrorRate, without(|it| it.errors = None), totals(&[], &[0.0, 10.0])),
        (Measure::ErrorRate, without(|it| it.errors = Some(f64::NAN)), missing(Input::Errors)),
        (Measure::ErrorRate, without(|it| it.consumed = None), missing(Input::Consumed)),
        (Measure::SuccessRate, without(|it| it.processed = None), missing(Input::Processed)),
        (Measure::SuccessRate, without(|it| it.errors = Some(-1.0)), missing(Input::Errors)),
        (Measure::LatencyP99, without(|it| it.latency = None), missing(Input::Latency)),
        (Measure::MemoryUsage, without(|it| it.working_set = None), Shown::Nothing),
        (
            Measure::MemoryUsage,
            without(|it| it.working_set = Some(-1.0)),
            missing(Input::WorkingSet),
        ),
        (
            Measure::MemoryUsage,
            without(|it| it.memory_limit = None),
            Shown::Missing(NoValue::NoLimit),
        ),
        (
            Measure::MemoryUsage,
            without(|it| it.memory_limit = Some(1e-300)),
            Shown::Missing(NoValue::NoLimit),
        ),
    ] {
        assert_eq!(measure.read(&metrics), shown, "{measure:?}");
    }
}

#[test]
fn between_two_scrapes_of_the_counters_nothing_of_them_is_missing() {
    let memory = PodMetrics { working_set: Some(1.0), ..PodMetrics::default() };
    for measure in [Measure::ErrorRate, Measure::SuccessRate, Measure::LatencyP99] {
        assert_eq!(measure.read(&memory), Shown::Nothing);
    }
}

#[test]
fn what_is_no_histogram_is_missing() {
    for broken in [
        histogram(&[], &[], 9.0),
        histogram(&[0.1, 0.2], &[7.0], 9.0),
        histogram(&[0.2, 0.1], &[7.0, 8.0], 9.0),
        histogram(&[0.1, f64::INFINITY], &[7.0, 8.0], 9.0),
        histogram(&[0.1], &[f64::NAN], 9.0),
        histogram(&[0.1], &[7.0], -1.0),
    ] {
        let metrics =
            PodMetrics { consumed: Some(9.0), latency: Some(broken), ..PodMetrics::default() };
        let missing = Shown::Missing(NoValue::NoSeries { input: Input::Latency });
        assert_eq!(Measure::LatencyP99.read(&metrics), missing, "{metrics:?}");
    }
}

#[test]
fn names_are_those_of_other_tools() {
    for measure in Measure::ALL {
        assert_eq!(Measure::called(measure.name()), Some(measure));
    }
    assert_eq!(Measure::called("request-success-rate"), None);
}
