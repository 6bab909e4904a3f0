//! Readings from a scripted server: values, their age, what is asked how often, and every fault.

mod tls;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use siskin_analysis::observation::PodMetrics;
use tokio::sync::watch;

use super::{AnswerLimits, LIMITS, Prometheus};
use crate::error::Asked;
use crate::gather::Measured;
use crate::promql::TargetLabels;
use crate::reading::{Reading, Scrapes, Skipped};
use crate::request::PodsRequest;
use crate::security::Access;
use crate::selector::Selector;
use crate::series::{Series, Signal};
use crate::test_server::{ReceivedQuestion, Reply, Server, vector};

const AT: i64 = 1_700_000_012_345;

fn request(pods: &[&str]) -> PodsRequest {
    let selector = |text| Some(Selector::parse(text).expect("a selector"));
    PodsRequest {
        namespace: "shop".into(),
        pods: pods.iter().map(|pod| (*pod).into()).collect(),
        labels: TargetLabels::default(),
        series: Series {
            consumed: selector("consumed_total"),
            errors: selector("errors_total"),
            latency: selector("took_seconds"),
            ..Series::default()
        },
        interval: Duration::from_secs(10),
        previous: Scrapes::default(),
    }
}

fn client(server: &Server, limits: AnswerLimits) -> Prometheus {
    Prometheus::with_limits(server.address(""), &Access::default(), limits).expect("a client")
}

/// Two pods; b's errors are not created yet.
fn healthy(question: &ReceivedQuestion) -> Reply {
    let query = &question.form["query"];
    let body = if query.contains("timestamp(") {
        vector(&[(r#"{"pod":"a"}"#, "1700000009.5"), (r#"{"pod":"b"}"#, "1700000007")])
    } else if query.contains("took_seconds_bucket") {
        vector(&[
            (r#"{"pod":"a","le":"+Inf"}"#, "5"),
            (r#"{"pod":"a","le":"0.1"}"#, "4"),
            (r#"{"pod":"b","le":"0.1"}"#, "4"),
        ])
    } else if query.contains("errors_total") {
        vector(&[(r#"{"pod":"a"}"#, "2")])
    } else if query.contains("cpu_usage") {
        vector(&[(r#"{"pod":"a"}"#, "7.5")])
    } else if query.contains("consumed_total") {
        vector(&[(r#"{"pod":"a"}"#, "15"), (r#"{"pod":"b"}"#, "NaN"), (r#"{"pod":"x"}"#, "1")])
    } else {
        vector(&[(r#"{"pod":"a"}"#, "1e6"), (r#"{"pod":"b"}"#, "-1"), ("{}", "1")])
    };
    Reply::Body(200, body)
}

/// What is left of a pod that was not scraped anew: of CPU only another total counts, so this one needs
/// no age.
fn cpu_alone() -> PodMetrics {
    PodMetrics { cpu_seconds: Some(7.5), ..PodMetrics::default() }
}

fn names(reading: &Reading) -> Vec<(Asked, &'static str)> {
    reading.failures.iter().map(|failure| (failure.asked.clone(), failure.name())).collect()
}

#[tokio::test]
async fn answers_become_metrics_per_pod() {
    let server = Server::start(healthy).await;
    let reading = client(&server, LIMITS).read(&request(&["a", "b"]), AT).await;
    assert_eq!((reading.at, &reading.failures), (1_700_000_010_000, &vec![]));
    let a = &reading.pods["a"];
    assert_eq!(a.scraped_at, Some(1_700_000_009_500));
    let latency = a.metrics.latency.clone().expect("latency");
    assert_eq!((&*latency.edges, &*latency.counts), (&[0.1][..], &[4.0][..]));
    assert_eq!(
        a.metrics,
        PodMetrics {
            consumed: Some(15.0),
            errors: Some(2.0),
            latency: Some(latency),
            working_set: Some(1e6),
            cpu_seconds: Some(7.5),
            ..PodMetrics::default()
        }
    );
    assert_eq!(reading.pods["b"].metrics, PodMetrics::default());
    assert_eq!(reading.pods.len(), 2, "no pod that was not asked for");
    assert_eq!(
        reading.skipped,
        Skipped {
            not_finite: 1,
            negative: 1,
            irregular_histograms: 1,
            foreign: 2,
            ..Skipped::default()
        }
    );
}

#[tokio::test]
async fn all_questions_of_a_reading_are_of_one_moment() {
    let server = Server::start(healthy).await;
    client(&server, LIMITS).read(&request(&["a", "b.c"]), AT).await;
    let asked = server.asked();
    assert_eq!(asked.len(), 7);
    for question in &asked {
        assert_eq!(question.path, "/api/v1/query");
        assert_eq!(question.form["time"], "1700000010");
        assert_eq!(question.form["limit"], "40000");
        assert_eq!(question.form["nocache"], "1");
        assert_eq!(question.form["timeout"], "10000ms");
        let query = &question.form["query"];
        assert!(query.contains(r#"namespace="shop",pod=~"a|b\\.c"}"#), "{query}");
        assert!(!question.headers.contains_key("authorization"));
    }
    assert!(asked.iter().any(|question| {
        question.form["query"].contains(r#"_bytes{container!="",container!="POD",namespace"#)
    }));
}

#[tokio::test]
async fn a_pod_that_was_not_scraped_anew_is_unknown() {
    let server = Server::start(healthy).await;
    let client = client(&server, LIMITS);
    let mut request = request(&["a", "b"]);
    let first = client.read(&request, AT).await;
    request.previous = first.scrapes.clone();
    let second = client.read(&request, AT + 5_000).await;
    assert_eq!(second.pods["a"].metrics, cpu_alone());
    assert_eq!(second.pods["a"].scraped_at, Some(1_700_000_009_500));
    assert_eq!(second.skipped.repeated, 3, "both applications, and the memory of one");
    assert_eq!(second.scrapes, first.scrapes);
    request.previous = Scrapes::default();
    let late = client.read(&request, AT + 30_000).await;
    assert_eq!(late.pods["a"].metrics, cpu_alone());
    assert_eq!((late.skipped.stale, late.skipped.repeated), (3, 0));
}

#[tokio::test]
async fn without_scrape_times_nothing_is_believed() {
    let server = Server::start(|question| {
        if question.form["query"].contains("timestamp") {
            return Reply::Body(500, "no".to_owned());
        }
        healthy(question)
    })
    .await;
    let reading = client(&server, LIMITS).read(&request(&["a"]), AT).await;
    assert_eq!(reading.pods["a"].metrics, cpu_alone());
    let failure = (Asked::Signal(Signal::ScrapeTime), "Unreachable");
    assert_eq!(names(&reading), [failure.clone(), failure]);
}

#[tokio::test]
async fn one_failed_question_leaves_the_others() {
    let server = Server::start(|question| {
        if question.form["query"].starts_with("sum by (pod) (errors_total") {
            return Reply::Body(
                422,
                r#"{"status":"error","errorType":"execution","error":"too many samples"}"#.into(),
            );
        }
        healthy(question)
    })
    .await;
    let reading = client(&server, LIMITS).read(&request(&["a"]), AT).await;
    assert_eq!(names(&reading), [(Asked::Signal(Signal::Errors), "BadQuery")]);
    let a = &reading.pods["a"].metrics;
    assert_eq!((a.consumed, a.errors), (Some(15.0), None));
    let shown = reading.failures[0].to_string();
    let address = server.address("");
    assert_eq!(
        shown,
        format!(
            "reading errors from {address}: the query was refused: too many samples; check the \
         selector or the query"
        )
    );
}

#[tokio::test]
async fn a_native_histogram_is_named_where_buckets_are_missing() {
    let server = Server::start(|question| {
        let query = &question.form["query"];
        if query.contains("took_seconds_bucket") {
            return Reply::Body(200, vector(&[]));
        }
        if query.contains("took_seconds{") {
            let native = r#"{"metric":{"pod":"a"},"histogram":[1,{"count":"1","sum":"1"}]}"#;
            let body = vector(&[]).replace("[]", &format!("[{native}]"));
            return Reply::Body(200, body);
        }
        healthy(question)
    })
    .await;
    let reading = client(&server, LIMITS).read(&request(&["a"]), AT).await;
    assert_eq!(names(&reading), [(Asked::Signal(Signal::Latency), "Unsupported")]);
    assert_eq!(reading.pods["a"].metrics.consumed, Some(15.0));
}

#[tokio::test]
async fn faults_have_their_names() {
    let cases: [(u16, &str, &str); 6] = [
        (401, "", "Unauthorized"),
        (403, "", "Unauthorized"),
        (400, r#"{"status":"error","errorType":"bad_data","error":"x"}"#, "BadQuery"),
        (500, "", "Unreachable"),
        (200, "<html>", "Malformed"),
        (404, "", "Malformed"),
    ];
    for (status, body, name) in cases {
        let server = Server::always(status, body).await;
        assert_eq!(query(&client(&server, LIMITS)).await, Err(name), "{status}");
    }
    let warned = vector(&[]).replacen('{', r#"{"warnings":["a store is down"],"#, 1);
    let server = Server::always(200, &warned).await;
    assert_eq!(query(&client(&server, LIMITS)).await, Err("Partial"));
    let server = Server::start(|_| Reply::Redirect("/elsewhere")).await;
    assert_eq!(query(&client(&server, LIMITS)).await, Err("Malformed"));
    assert_eq!(server.asked().len(), 1, "a redirect is not followed");
    let gone = client(&server, LIMITS);
    drop(server);
    assert_eq!(query(&gone).await, Err("Unreachable"));
}

#[tokio::test]
async fn time_bytes_series_and_pods_are_bounded() {
    let silent = Server::start(|_| Reply::Never).await;
    let short = AnswerLimits { deadline: Duration::from_millis(50), ..LIMITS };
    assert_eq!(query(&client(&silent, short)).await, Err("TimedOut"));
    let endless = Server::start(|_| Reply::Endless).await;
    assert_eq!(query(&client(&endless, LIMITS)).await, Err("TooLarge"));
    let many = vector(&[("{}", "1"); 4]);
    let server = Server::always(200, &many).await;
    assert_eq!(
        query(&client(&server, AnswerLimits { series: 3, ..LIMITS })).await,
        Err("TooLarge")
    );
    assert_eq!(
        query(&client(&server, AnswerLimits { bytes: 100, ..LIMITS })).await,
        Err("TooLarge")
    );

    let pods: Vec<String> = (0..501).map(|number| format!("p{number}")).collect();
    let pods: Vec<&str> = pods.iter().map(String::as_str).collect();
    let before = server.asked().len();
    let reading = client(&server, LIMITS).read(&request(&pods), AT).await;
    assert_eq!(names(&reading), [(Asked::Pods, "TooLarge")]);
    let reading = client(&server, LIMITS).read(&request(&[]), AT).await;
    assert_eq!((reading.pods.len(), reading.failures.len()), (0, 0));
    assert_eq!(server.asked().len(), before, "neither is asked");
}

async fn query(client: &Prometheus) -> Result<Measured, &'static str> {
    let pod = TargetLabels::default().pod;
    client.query(&"mine".into(), "up", &pod, AT).await.map_err(|failure| {
        assert_eq!(failure.asked, Asked::Metric("mine".into()));
        failure.name()
    })
}

#[tokio::test]
async fn equal_questions_of_one_second_are_asked_once() {
    let (go, gate) = watch::channel(false);
    let body = vector(&[("{}", "3")]);
    let server = Server::start(move |_| Reply::Later(gate.clone(), body.clone())).await;
    let client = client(&server, LIMITS);
    let (name, pod): (Arc<str>, _) = ("mine".into(), TargetLabels::default().pod);
    let ask = |text: &'static str, at| client.query(&name, text, &pod, at);
    let second = client.clone();
    // The last branch runs when all questions before it are under way.
    let (one, two, other, later, ()) = tokio::join!(
        ask("up", AT),
        second.query(&name, "up", &pod, AT + 600),
        ask("down", AT),
        ask("up", AT + 700),
        async {
            go.send_replace(true);
        },
    );
    for answer in [one, two, other, later] {
        assert_eq!(answer, Ok(Measured::One(3.0)));
    }
    let mut asked: Vec<(String, String)> = server
        .asked()
        .into_iter()
        .map(|question| (question.form["query"].clone(), question.form["time"].clone()))
        .collect();
    asked.sort();
    let question = |text: &str, at: &str| (text.to_owned(), at.to_owned());
    assert_eq!(
        asked,
        [
            question("down", "1700000010"),
            question("up", "1700000010"),
            question("up", "1700000011"),
        ]
    );
    assert_eq!(ask("up", AT).await, Ok(Measured::One(3.0)));
    assert_eq!(server.asked().len(), 4, "an answer is not kept");
}

#[tokio::test]
async fn path_prefix_credentials_and_tenant_arrive() {
    let server = Server::always(200, &vector(&[("{}", "3")])).await;
    let secrets: [(&[(&str, &str)], &str); 2] = [
        (&[("token", "hunter2"), ("tenant", "team-a")], "Bearer hunter2"),
        (&[("username", "user"), ("password", "pass"), ("tenant", "team-a")], "Basic dXNlcjpwYXNz"),
    ];
    for prefix in ["/prometheus", "/select/0/prometheus/"] {
        for (data, authorization) in secrets {
            let data: BTreeMap<String, Vec<u8>> =
                data.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect();
            let access = Access::from_secret(&data).expect("a Secret").over_plain_http();
            let client = Prometheus::new(server.address(prefix), &access).expect("a client");
            assert_eq!(query(&client).await, Ok(Measured::One(3.0)));
            let question = server.asked().pop().expect("a question");
            let path = format!("{}/api/v1/query", prefix.trim_end_matches('/'));
            assert_eq!(question.path, path);
            assert_eq!(question.headers["authorization"], authorization);
            assert_eq!(question.headers["x-scope-orgid"], "team-a");
            let shown = format!("{client:?}");
            assert!(!shown.contains("hunter2") && !shown.contains("dXNl"), "{shown}");
        }
    }
}
