//! The PromQL of a reading, and that no name gets out of its string.
//! Asks no server.

use std::sync::Arc;

use proptest::prelude::*;

use super::{LabelName, Scope, TargetLabels};
use crate::quoting::{alternation, escaped};
use crate::selector::Selector;

fn pods(names: &[&str]) -> Vec<Arc<str>> {
    names.iter().map(|name| (*name).into()).collect()
}

#[test]
fn a_selector_becomes_one_sum_per_pod() {
    let pods = pods(&["web-1", "web.2"]);
    let scope = Scope { namespace: "shop", pods: &pods, labels: &TargetLabels::default() };
    let selector = Selector::parse(r#"errors_total{kind="terminal"}"#).expect("a selector");
    let inside = r#"{kind="terminal",namespace="shop",pod=~"web-1|web\\.2"}"#;
    assert_eq!(scope.sum(&selector), format!("sum by (pod) (errors_total{inside})"));
    assert_eq!(scope.buckets(&selector), format!("sum by (pod, le) (errors_total_bucket{inside})"));
    assert_eq!(scope.newest(&selector), format!("max by (pod) (timestamp(errors_total{inside}))"));
    let labels = TargetLabels {
        namespace: LabelName::parse("kubernetes_namespace").expect("a label"),
        pod: LabelName::parse("kubernetes_pod_name").expect("a label"),
    };
    let scope = Scope { labels: &labels, ..scope };
    assert!(scope.sum(&selector).starts_with("sum by (kubernetes_pod_name) (errors_total{kind"));
}

#[test]
fn label_names_are_checked() {
    for bad in ["", "a-b", "1a", "a b", "a:b", "é", &"a".repeat(64)] {
        assert!(LabelName::parse(bad).is_err(), "{bad}");
    }
    assert_eq!(LabelName::parse("a_1").expect("a label").as_str(), "a_1");
}

/// Whether every string ends and every bracket outside of strings is closed.
fn is_balanced(query: &str) -> bool {
    let mut open = Vec::new();
    let mut characters = query.chars();
    while let Some(character) = characters.next() {
        match character {
            '"' => loop {
                match characters.next() {
                    None | Some('\n') => return false,
                    Some('\\') => drop(characters.next()),
                    Some('"') => break,
                    Some(_) => {}
                }
            },
            '\'' | '`' => return false,
            '(' => open.push(')'),
            '{' => open.push('}'),
            ')' | '}' if open.pop() != Some(character) => return false,
            _ => {}
        }
    }
    open.is_empty()
}

proptest! {
    #[test]
    fn any_names_give_a_balanced_query(
        namespace in any::<String>(),
        names in prop::collection::vec(any::<String>(), 1..5),
        value in any::<String>(),
    ) {
        let pods: Vec<Arc<str>> = names.iter().map(|name| name.as_str().into()).collect();
        let scope = Scope { namespace: &namespace, pods: &pods, labels: &TargetLabels::default() };
        let selector = format!("x{{a=\"{}\",b!='c'}}", escaped(&value));
        if let Ok(selector) = Selector::parse(&selector) {
            prop_assert_eq!(&selector.matchers[0].value, &value);
            for query in [scope.sum(&selector), scope.buckets(&selector), scope.newest(&selector)] {
                prop_assert!(is_balanced(&query), "{query}");
            }
        } else {
            prop_assert!(selector.chars().count() > Selector::MAX_CHARS);
        }
    }

    #[test]
    fn the_alternation_matches_the_names_and_nothing_else(
        name in any::<String>(), other in any::<String>(),
    ) {
        let pattern = format!("^(?s:{})$", alternation(&[name.as_str().into(), "p.d".into()]));
        let pattern = regex::Regex::new(&pattern).expect("a pattern");
        prop_assert!(pattern.is_match(&name));
        prop_assert!(pattern.is_match("p.d") && (name == "pod" || !pattern.is_match("pod")));
        prop_assert_eq!(pattern.is_match(&other), other == name || other == "p.d");
    }
}
