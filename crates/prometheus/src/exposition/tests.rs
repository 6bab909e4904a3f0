//! Texts as exporters write them, in both formats, and texts that are none.
//! No endpoint; the text is the test's own.

use proptest::prelude::*;

use super::read;

type Seen = Vec<(String, Vec<(String, String)>, f64)>;

fn all(text: &str) -> Result<Seen, usize> {
    let mut seen = Vec::new();
    read(text, |_| true, |line| seen.push((line.name.to_owned(), line.labels, line.value)))?;
    Ok(seen)
}

fn labels(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    pairs.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect()
}

#[test]
fn the_classic_format_is_read() {
    let text = "# HELP x_total what it is {\"\n# TYPE x_total counter\n\
        x_total{a=\"b\",c=\"d}, \\\"=\\\\\\n\\q\",} 3 1700000000000\n\
        \n\tx_total { a = \"b\" } 4e2\r\ny NaN\nz{} +Inf\nw -Inf\n{\"a.b\",c=\"d\"} 1\n";
    let seen = all(text).expect("the format");
    assert_eq!(seen[0].1, labels(&[("a", "b"), ("c", "d}, \"=\\\n\\q")]));
    assert_eq!((seen[0].2, seen[1].2), (3.0, 400.0));
    assert!(seen[2].2.is_nan() && seen[3].2 == f64::INFINITY && seen[4].2 == f64::NEG_INFINITY);
    assert_eq!(seen.len(), 5);
}

#[test]
fn openmetrics_is_read() {
    let text = "# TYPE x counter\n# UNIT x seconds\nx_total 3.0 1700000000.123\n\
        x_created 1700000000.0\n\
        h_bucket{le=\"0.5\"} 4 # {trace_id=\"a # b\"} 0.3 1700000000.1\n\
        h_bucket{le=\"+Inf\"} 5 1700000000 # {} 9\n# EOF\nlast_total 7\n";
    let seen = all(text).expect("the format");
    let names: Vec<&str> = seen.iter().map(|(name, ..)| name.as_str()).collect();
    assert_eq!(
        names,
        ["x_total", "x_created", "h_bucket", "h_bucket", "last_total"],
        "of another registry"
    );
    assert_eq!((&seen[2].1, seen[2].2), (&labels(&[("le", "0.5")]), 4.0));
    assert_eq!(seen[3].2.to_bits(), 5.0_f64.to_bits());
}

#[test]
fn texts_that_are_none_are_refused_with_the_line() {
    for (text, line) in [
        ("<html><body>", 1),
        ("x 1\n{json: 1}", 2),
        ("x", 1),
        ("x y", 1),
        ("x 1 y", 1),
        ("x{a=\"b\" 1", 1),
        ("x{a=\"b} 1", 1),
        ("x{a=b} 1", 1),
        ("x{a} 1", 1),
        ("x{a=\"b\"c=\"d\"} 1", 1),
        (r#"{"status":"UP"}"#, 1),
        (r#"{"names":["jvm.memory.used"]}"#, 1),
        ("9x 1", 1),
    ] {
        assert_eq!(all(text), Err(line), "{text}");
    }
    let mut seen = 0;
    read("unwanted {{{\nx 1\n", |name| name == "x", |_| seen += 1).expect("unwanted lines");
    assert_eq!(seen, 1);
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in r#"([a-z_{}"\\=,#é 0-9\n]|EOF){0,60}"#) {
        let _ = all(&text);
    }
}
