//! Selectors as people write them, right and wrong, and what they match.
//! Texts only; asks no server.

use proptest::prelude::*;

use super::{Selector, SelectorProblem};

fn parse(text: &str) -> Selector {
    Selector::parse(text).unwrap_or_else(|error| panic!("{text}: {error}"))
}

#[test]
fn selectors_are_read_and_written_as_promql() {
    let cases = [
        ("orders_consumed_total", "orders_consumed_total"),
        ("  ns:orders:sum  ", "ns:orders:sum"),
        ("x{}", "x"),
        (r#"x{a="b"}"#, r#"x{a="b"}"#),
        (
            r#"x { a = "b" , c != 'd', e=~`f|g`, h!~"i.*", }"#,
            r#"x{a="b",c!="d",e=~"f|g",h!~"i.*"}"#,
        ),
        (r#"x{a="say \"\u00e9\x41\101\n\""}"#, r#"x{a="say \"éAA\u000a\""}"#),
        (r"x{a=`\d`}", r#"x{a="\\d"}"#),
        (r"x{a='it\'s'}", r#"x{a="it\u0027s"}"#),
    ];
    for (text, written) in cases {
        let selector = parse(text);
        assert_eq!(selector.to_string(), written);
        assert_eq!(parse(written), selector, "what is written is read back");
    }
    assert_eq!(parse("h{a=\"b\"}").buckets().to_string(), r#"h_bucket{a="b"}"#);
}

#[test]
fn mistakes_are_named_with_their_place() {
    use SelectorProblem as P;
    let cases = [
        ("", 1, P::NoMetricName),
        ("9x", 1, P::NoMetricName),
        (r#"{__name__="x"}"#, 1, P::NoMetricName),
        (r#"x{__name__="y"}"#, 3, P::NameAsLabel),
        ("x{", 3, P::NoLabelName),
        (r#"x{a:b="c"}"#, 4, P::NoComparison),
        (r#"x{a>"c"}"#, 4, P::NoComparison),
        ("x{a=b}", 5, P::NoString),
        (r#"x{a="b}"#, 5, P::OpenString),
        ("x{a=\"b\n\"}", 5, P::OpenString),
        (r#"x{é="b"}"#, 3, P::NoLabelName),
        (r#"x{a="é\q"}"#, 7, P::BadEscape),
        (r#"x{a="\xff"}"#, 6, P::BadEscape),
        (r#"x{a="\ud800"}"#, 6, P::BadEscape),
        (r#"x{a="b" c="d"}"#, 9, P::NoSeparator),
        (r#"x{a="b""#, 8, P::NoSeparator),
        ("x[5m]", 2, P::TextAfter),
        ("rate(x)", 5, P::TextAfter),
        ("x offset 5m", 3, P::TextAfter),
    ];
    for (text, at, problem) in cases {
        let error = Selector::parse(text).expect_err(text);
        assert_eq!((error.at, &error.problem), (at, &problem), "{text}");
    }
    assert_eq!(
        Selector::parse("x{a=b}").expect_err("no string").to_string(),
        "at character 5: a string in quotes is needed here"
    );
    let error = Selector::parse(r#"x{a="b",c=~"(d"}"#).expect_err("an open group");
    assert_eq!(error.at, 12);
    assert!(matches!(&error.problem, P::BadPattern(why) if why.contains("group")), "{error}");
    assert!(Selector::parse(r#"x{a=~"(a{1000}){1000}"}"#).is_err(), "takes too much memory");
    assert_eq!(Selector::parse(&"x".repeat(501)).expect_err("long").problem, P::TooLong);
    assert!(Selector::parse(&"é".repeat(500)).is_err());
    assert_eq!(parse(&"x".repeat(500)).name().len(), 500);
}

#[test]
fn labels_match_as_in_promql() {
    let accepts = |text: &str, labels: &[(&str, &str)]| {
        let labels: Vec<(String, String)> =
            labels.iter().map(|(name, value)| ((*name).into(), (*value).into())).collect();
        parse(text).accepts(&labels)
    };
    assert!(accepts("x", &[("a", "b")]));
    assert!(accepts(r#"x{a="b"}"#, &[("c", "d"), ("a", "b")]));
    assert!(!accepts(r#"x{a="b"}"#, &[("a", "bb")]));
    assert!(accepts(r#"x{a=""}"#, &[]), "a missing label is empty");
    assert!(!accepts(r#"x{a!=""}"#, &[]));
    assert!(accepts(r#"x{a=~"b|c"}"#, &[("a", "c")]));
    assert!(!accepts(r#"x{a=~"b|c"}"#, &[("a", "cc")]), "patterns are anchored");
    assert!(accepts(r#"x{a=~".*"}"#, &[("a", "b\nc")]));
    assert!(accepts(r#"x{a!~"b.*"}"#, &[("a", "cb")]));
    assert!(!accepts(r#"x{a="b",c="d"}"#, &[("a", "b")]), "all of them");
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in any::<String>()) {
        let _ = Selector::parse(&text);
    }

    #[test]
    fn nearly_right_texts_are_read_back_or_refused(
        text in r#"[a-z]{1,3}\{?([a-z]{0,2}(=|!=|=~|!~)?["'`]?[a-z\\"|(é]{0,3}["'`]?,?){0,3}\}?"#
    ) {
        match Selector::parse(&text) {
            Ok(selector) => prop_assert_eq!(&parse(&selector.to_string()), &selector),
            Err(error) => prop_assert!(error.at >= 1 && error.at <= text.chars().count() + 1),
        }
    }
}
