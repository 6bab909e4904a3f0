//! Queries that can't be right, each with the place of its mistake, and odd ones that are.
//! Every query here is parsed as a template: nobody else calls the check.

use proptest::prelude::*;

use crate::{Template, TemplateError};

fn refusal(query: &str) -> TemplateError {
    Template::parse(query).expect_err(query)
}

#[test]
fn brackets_that_do_not_match_are_named_with_their_place() {
    for (query, words) in [
        ("sum(up", "at character 4: `(` is not closed"),
        ("é{{pods}} sum((up)", "at character 14: `(` is not closed"),
        ("rate(x[{{window}})", "at character 18: `)` where `]` is needed, for the `[` at 7"),
        ("x{a=\"b\")", "at character 8: `)` where `}` is needed, for the `{` at 2"),
        ("sum(up))", "at character 8: `)` closes nothing"),
        ("x}", "at character 2: `}` closes nothing"),
    ] {
        assert_eq!(refusal(query).to_string(), words, "{query}");
    }
}

#[test]
fn a_string_that_does_not_end_is_named_with_its_place() {
    for (query, at) in [
        (r#"x{a="b}"#, 5),
        (r#"x{a='{{pods}}"}"#, 5),
        ("x{a=`b\\", 5),
        (r#"x{a="b\"}"#, 5),
        ("x{a=\"b\n\"}", 5),
    ] {
        assert_eq!(refusal(query), TemplateError::OpenString { at }, "{query}");
    }
}

#[test]
fn what_stands_in_strings_and_comments_is_no_bracket() {
    for query in [
        r#"x{a="(",b='[',c=`{`,d="\")"}"#,
        "sum(x) # of all (but one\n / count(x)",
        "x # \"",
        r#"sum by (pod) (rate(x{pod=~"{{pods}}|(a[b]"}[{{ window }}:1m] offset 5m))"#,
        "{__name__=~\"a.*\"}",
        "x{a=`\\`}",
        "{{role}}",
    ] {
        assert!(Template::parse(query).is_ok(), "{query}: {:?}", refusal(query));
    }
}

#[test]
fn a_counter_is_no_rate() {
    for query in ["sum by (pod) (x_rate)", "rate_total", "job:rate(x)", "x{a=\"b\"}"] {
        assert!(Template::counter(query).is_ok(), "{query}");
    }
    for query in ["rate(x[5m])", "sum(increase (x[5m]))", "1-irate(x[1m])"] {
        let error = Template::counter(query).expect_err(query).to_string();
        assert!(error.contains("() is no counter"), "{error}");
        assert!(Template::parse(query).is_ok(), "{query}");
    }
    assert_eq!(Template::counter("sum(x"), Err(TemplateError::OpenBracket { at: 4, bracket: '(' }));
}

proptest! {
    #[test]
    fn no_text_makes_the_check_panic(text in r#"([a-z(){}\[\]"'`\\#\n é]|\{\{pod\}\}){0,30}"#) {
        let _ = Template::counter(&text);
    }
}
