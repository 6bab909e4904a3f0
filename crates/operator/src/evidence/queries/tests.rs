//! Queries: what is asked for which pods, and what is refused before anybody is asked.
//! Answers come from the crate that asks; here nobody does.

use siskin_analysis::observation::PodObservation;
use siskin_prometheus::{Access, Address};
use siskin_simulation::healthy_pod;

use super::*;

fn metric(fields: &serde_json::Value) -> siskin_api::UserMetric {
    let mut metric = serde_json::json!({"name": "m"});
    metric.as_object_mut().unwrap().extend(fields.as_object().unwrap().clone());
    serde_json::from_value(metric).unwrap()
}

fn threshold(query: &str) -> siskin_api::UserMetric {
    metric(&serde_json::json!({"threshold": {"query": query, "max": "0.5"}}))
}

fn parse(metrics: &[siskin_api::UserMetric]) -> Result<Queries, Concern> {
    Queries::parse(metrics, ["rev-1".into(), "rev-2".into()])
}

pub(in crate::evidence) fn pod(name: &str, role: Role) -> PodObservation {
    healthy_pod(name, role, 0)
}

/// The texts that are asked, each with the pods that its answer is about.
fn asked(query: &str, pods: usize) -> (Vec<(String, Vec<String>)>, Vec<ReadError>) {
    let queries = parse(&[threshold(query)]).unwrap();
    let address = Address::parse("http://p:9090").unwrap();
    let client = Prometheus::new(address, &Access::default()).unwrap();
    let mut observations: Vec<_> =
        (1..pods).map(|it| pod(&format!("p-{it}"), Role::Primary)).collect();
    observations.push(pod("c-1", Role::Canary));
    let context = QueryContext {
        client: &client,
        label: &LabelName::parse("pod").unwrap(),
        namespace: "shop",
        pods: &PodsOfTarget { observations, ..PodsOfTarget::default() },
        interval: Duration::from_secs(10),
        at: 0,
    };
    let mut failures = Vec::new();
    let filled_queries = queries.all.iter();
    let filled_queries =
        filled_queries.flat_map(|it| queries.filled_queries(it, context, &mut failures));
    let about = |it: FilledQuery| (it.text, it.about.iter().map(ToString::to_string).collect());
    let texts = filled_queries.map(about).collect();
    (texts, failures)
}

#[test]
fn one_question_for_all_pods_is_asked_where_the_query_lets_it() {
    let (asked, failures) = asked(r#"q{ns="{{namespace}}",pod=~"{{pods}}"}[{{window}}]"#, 3);
    let text = r#"q{ns="shop",pod=~"p-1|p-2|c-1"}[60s]"#.to_owned();
    let about = ["p-1", "p-2", "c-1"].map(str::to_owned).to_vec();
    assert_eq!((asked, failures), (vec![(text, about)], vec![]));
}

#[test]
fn a_query_of_a_role_is_asked_once_for_each() {
    let (asked, _) = asked(r#"q{role="{{role}}",r="{{revision}}"}"#, 3);
    let expected = [
        (r#"q{role="primary",r="rev-1"}"#, vec!["p-1", "p-2"]),
        (r#"q{role="canary",r="rev-2"}"#, vec!["c-1"]),
    ];
    let expected: Vec<_> = expected
        .into_iter()
        .map(|(text, about)| (text.to_owned(), about.into_iter().map(str::to_owned).collect()))
        .collect();
    assert_eq!(asked, expected);
}

#[test]
fn a_query_of_one_pod_is_asked_for_each_of_a_bounded_number() {
    let (few, failures) = asked(r#"q{pod="{{pod}}"}"#, 2);
    let texts: Vec<_> = few.iter().map(|it| it.0.as_str()).collect();
    assert_eq!(texts, [r#"q{pod="p-1"}"#, r#"q{pod="c-1"}"#]);
    assert_eq!(failures, []);
    let (many, failures) = asked(r#"q{pod="{{pod}}"}"#, MAX_PODS_ONE_BY_ONE + 1);
    assert_eq!(many, []);
    assert_eq!(failures[0].name(), "TooLarge");
}

#[test]
fn a_variable_that_there_is_not_is_refused_with_its_place() {
    let concern = parse(&[threshold("up"), threshold("q{{pots}}")]).unwrap_err();
    assert_eq!(concern.reason, "InvalidMetric");
    assert!(
        concern.message.starts_with("spec.analysis.metrics[1].threshold.query: at character 2")
    );
}

#[test]
fn a_ratio_takes_counters_and_says_so_of_what_is_none() {
    let ratio = |events: &str| {
        parse(&[metric(&serde_json::json!({"ratio": {"events": events, "total": "t_total"}}))])
    };
    assert!(ratio("sum by (pod) (deliveries_rate(x))").is_ok(), "no function of that name");
    assert!(ratio("sum by (pod) (rate_total)").is_ok());
    let concern = ratio("sum by (pod) (rate (errors_total[1m]))").unwrap_err();
    assert!(concern.message.contains("ratio.events: rate() is no counter"), "{}", concern.message);
}
