//! What of an answer is kept, and what it takes.
//! Texts only; no server.

use std::fmt::Write as _;

use super::*;

const BOUNDS: VectorBounds<'_> = VectorBounds { pod: "pod", series: 40_000 };

#[test]
fn labels_that_nobody_asked_for_are_not_kept() {
    let result = r#"[{"metric":{"__name__":"x","pod":"a\u0062","le":"0.1","secret":"hunter2","job":{"x":[1]}},
        "value":[1.5,"+Inf"],"more":[{}]}]"#;
    let all = read_vector(result, BOUNDS).expect("a vector");
    assert_eq!(
        (all[0].pod.as_deref(), all[0].edge(), all[0].value),
        (Some("ab"), Some("0.1"), f64::INFINITY)
    );
    assert_eq!(all[0].label("topic"), None);
    assert!(!format!("{all:?}").contains("hunter2"));
}

/// 40,000 series are some 5 MB of text; with all their labels in maps they took 117 MiB.
#[test]
fn the_largest_answer_is_kept_in_little() {
    let mut text = String::from("[");
    for series in 0..40_000 {
        let comma = if series == 0 { "" } else { "," };
        write!(
            text,
            r#"{comma}{{"metric":{{"__name__":"took_seconds_bucket","namespace":"shop","pod":"orders-primary-{}","le":"{}","job":"kubernetes-pods"}},"value":[1700000000,"1"]}}"#,
            series / 80,
            series % 80
        )
        .expect("a text");
    }
    text.push(']');
    let all = read_vector(&text, BOUNDS).expect("a vector");
    let names: HashSet<*const u8> =
        all.iter().filter_map(|it| it.pod.as_ref()).map(|it| it.as_ptr()).collect();
    assert_eq!((all.len(), names.len()), (40_000, 500), "each name is held once");
    let bytes = all.capacity() * size_of::<SeriesValue>();
    assert!(bytes < 8 * 1024 * 1024, "{bytes} bytes");
}
