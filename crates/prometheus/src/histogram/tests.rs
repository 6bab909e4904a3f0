//! Buckets in every order and state.
//! Numbers only; no answer is read.

use super::Buckets;

fn of(buckets: &[(&str, f64)]) -> Buckets {
    let mut found = Buckets::default();
    for (le, count) in buckets {
        found.add(Some(le), *count);
    }
    found
}

#[test]
fn buckets_are_sorted_and_the_infinite_one_is_the_total() {
    let histogram = of(&[("+Inf", 9.0), ("10", 7.0), ("0.5", 1.0), ("2", 4.0)]).histogram();
    let histogram = histogram.expect("a histogram");
    assert_eq!(&*histogram.edges, [0.5, 2.0, 10.0]);
    assert_eq!(histogram.counts, [1.0, 4.0, 7.0]);
    assert!((histogram.total - 9.0).abs() < f64::EPSILON);
}

#[test]
fn equal_edges_of_several_series_add_up() {
    let buckets = of(&[("1", 1.0), ("1.0", 2.0), ("+Inf", 3.0), ("+Inf", 4.0)]);
    let histogram = buckets.histogram().expect("a histogram");
    assert_eq!((&*histogram.edges, &*histogram.counts), (&[1.0][..], &[3.0][..]));
    assert!((histogram.total - 7.0).abs() < f64::EPSILON);
}

#[test]
fn what_is_no_histogram_is_none() {
    let cases: [&[(&str, f64)]; 8] = [
        &[],
        &[("+Inf", 1.0)],
        &[("1", 1.0)],
        &[("1", 2.0), ("2", 1.0), ("+Inf", 3.0)],
        &[("1", 2.0), ("+Inf", 1.0)],
        &[("1", f64::NAN), ("+Inf", 1.0)],
        &[("x", 1.0), ("1", 1.0), ("+Inf", 1.0)],
        &[("-Inf", 1.0), ("1", 1.0), ("+Inf", 1.0)],
    ];
    for case in cases {
        assert_eq!(of(case).histogram(), None, "{case:?}");
    }
    let mut without_edge = of(&[("1", 1.0), ("+Inf", 1.0)]);
    without_edge.add(None, 1.0);
    assert_eq!(without_edge.histogram(), None);
}

#[test]
fn the_lowest_64_edges_are_kept() {
    let mut found = of(&[("+Inf", 200.0)]);
    for edge in (1..=100).rev() {
        found.add(Some(&edge.to_string()), f64::from(edge));
    }
    let histogram = found.histogram().expect("a histogram");
    assert_eq!((histogram.edges.len(), histogram.counts.len()), (64, 64));
    assert!((histogram.edges[63] - 64.0).abs() < f64::EPSILON);
    assert!((histogram.total - 200.0).abs() < f64::EPSILON);
}
