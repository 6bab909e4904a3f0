//! Users' queries with variables, right and wrong.
//! Texts only; asks no server.

use std::sync::Arc;
use std::time::Duration;

use proptest::prelude::*;
use siskin_analysis::observation::Role;

use super::{Template, TemplateError, TemplateValues};

fn values(pods: &[Arc<str>]) -> TemplateValues<'_> {
    TemplateValues {
        pods,
        pod: "web-1",
        role: Role::Canary,
        namespace: "shop",
        revision: "5d9c",
        window: Duration::from_secs(30),
    }
}

#[test]
fn every_variable_is_rendered() {
    let pods: Vec<Arc<str>> = vec!["web-1".into(), "web.2".into()];
    let text = r#"rate(x{ns="{{namespace}}",pod=~"{{ pods }}",r="{{role}}",v="{{revision}}"}[{{window}}])"#;
    let template = Template::parse(text).expect("a template");
    assert_eq!(
        template.render(&values(&pods)),
        r#"rate(x{ns="shop",pod=~"web-1|web\\.2",r="canary",v="5d9c"}[30s])"#
    );
    assert!(!template.is_per_pod());
    let template = Template::parse(r#"x{pod="{{pod}}"}"#).expect("a template");
    assert!(template.is_per_pod());
    assert_eq!(template.render(&values(&pods)), r#"x{pod="web-1"}"#);
    let half = TemplateValues { window: Duration::from_millis(1500), ..values(&pods) };
    let window = Template::parse("x[{{window}}]").expect("a template");
    assert_eq!(window.render(&half), "x[1500ms]");
    let none = TemplateValues { window: Duration::ZERO, ..values(&pods) };
    assert_eq!(window.render(&none), "x[1ms]");
    let role = Template::parse("{{role}}").expect("a template");
    assert_eq!(role.render(&TemplateValues { role: Role::Primary, ..values(&pods) }), "primary");
}

#[test]
fn mistakes_are_named_with_their_place() {
    assert_eq!(Template::parse("  "), Err(TemplateError::Empty));
    assert_eq!(Template::parse(&"x".repeat(2001)), Err(TemplateError::TooLong));
    assert_eq!(Template::parse("é{{pods"), Err(TemplateError::Open { at: 2 }));
    let unknown = |at, name: &str| Err(TemplateError::UnknownVariable { at, name: name.into() });
    assert_eq!(Template::parse("é {{pod}} {{ names }}"), unknown(11, "names"));
    assert_eq!(Template::parse("{{}}"), unknown(1, ""));
    assert_eq!(Template::parse("{{Pods}}"), unknown(1, "Pods"));
    assert_eq!(
        Template::parse("{{x}}").expect_err("no such").to_string(),
        "at character 1: no variable `x`; variables are {{pods}}, {{pod}}, {{role}}, \
         {{namespace}}, {{revision}} and {{window}}"
    );
}

proptest! {
    #[test]
    fn no_text_makes_the_parser_panic(text in r"([a-z{}é ]|\{\{|\}\}){0,20}") {
        let _ = Template::parse(&text);
    }

    #[test]
    fn no_value_ends_its_string(value in any::<String>()) {
        let pods: Vec<Arc<str>> = vec![value.as_str().into()];
        let values = TemplateValues {
            pod: &value, namespace: &value, revision: &value, ..values(&pods)
        };
        for name in ["pods", "pod", "namespace", "revision"] {
            let template = Template::parse(&format!("{{{{{name}}}}}")).expect("a template");
            let rendered = template.render(&values);
            let mut characters = rendered.chars();
            while let Some(character) = characters.next() {
                prop_assert!(!matches!(character, '"' | '\'' | '`' | '\n'));
                if character == '\\' {
                    prop_assert!(characters.next().is_some(), "a lone backslash at the end");
                }
            }
        }
    }
}
