//! Pods' endpoints of every kind, on loopback.
//! No network but the loopback.

use std::sync::Arc;
use std::time::Duration;

use siskin_analysis::observation::PodMetrics;

use super::{LIMITS, ScrapeLimits, ScrapeTarget, Scraper};
use crate::error::{Asked, Fault, ReadError};
use crate::reading::{PodReading, Skipped};
use crate::selector::Selector;
use crate::series::Series;
use crate::test_server::{Reply, Server};

const TEXT: &str = "# TYPE consumed counter\n\
    consumed_total{topic=\"a\"} 10\nconsumed_total{topic=\"b\"} 5 # {id=\"1\"} 1 2\n\
    consumed_created 1700000000\n\
    errors_total{kind=\"terminal\"} 2\nerrors_total{kind=\"retry\"} 40\n\
    took_seconds_bucket{topic=\"a\",le=\"0.1\"} 3\ntook_seconds_bucket{topic=\"a\",le=\"+Inf\"} 4\n\
    took_seconds_bucket{topic=\"b\",le=\"0.1\"} 1\ntook_seconds_bucket{topic=\"b\",le=\"+Inf\"} 1\n\
    process_resident_memory_bytes 1e6\n# EOF\n";

fn series() -> Series {
    let selector = |text| Some(Selector::parse(text).expect("a selector"));
    Series {
        consumed: selector("consumed_total"),
        errors: selector(r#"errors_total{kind!="retry"}"#),
        filtered: selector("filtered_total"),
        latency: selector("took_seconds"),
        ..Series::default()
    }
}

fn target(server: &Server, pod: &str, path: &str) -> ScrapeTarget {
    let (ip, port) = (server.socket.ip(), server.socket.port());
    ScrapeTarget { pod: pod.into(), ip, port, path: path.into() }
}

fn scraper(limits: ScrapeLimits) -> Scraper {
    Scraper::with_limits(limits).expect("a scraper")
}

#[tokio::test]
async fn a_pods_text_becomes_its_metrics() {
    let server = Server::always(200, TEXT).await;
    let targets = [target(&server, "a", "/metrics"), target(&server, "b", "/m?x=1")];
    let scraper = Scraper::new().expect("a scraper");
    let reading = scraper.read(&targets, &series(), 77).await;
    assert_eq!((reading.at, reading.failures, reading.skipped), (77, vec![], Skipped::default()));
    assert_eq!(reading.pods.len(), 2);
    let PodReading { metrics, scraped_at } = &reading.pods["a"];
    assert_eq!(*scraped_at, Some(77));
    let latency = metrics.latency.clone().expect("latency");
    assert_eq!((&*latency.edges, &*latency.counts), (&[0.1][..], &[4.0][..]));
    assert_eq!(latency.total.to_bits(), 5.0_f64.to_bits());
    assert_eq!(
        *metrics,
        PodMetrics {
            consumed: Some(15.0),
            errors: Some(2.0),
            latency: Some(latency),
            working_set: Some(1e6),
            ..PodMetrics::default()
        }
    );
    let asked = server.asked();
    let mut paths: Vec<&str> = asked.iter().map(|question| question.path.as_str()).collect();
    paths.sort_unstable();
    assert_eq!(paths, ["/m", "/metrics"]);
    let accept = asked[0].headers["accept"].to_str().expect("text");
    assert!(accept.starts_with("application/openmetrics-text"), "{accept}");
}

#[tokio::test]
async fn bad_numbers_are_unknown_and_the_rest_stays() {
    let text = "consumed_total{a=\"1\"} 9\nconsumed_total{a=\"2\"} -1\nerrors_total NaN\n\
        filtered_total 3\ntook_seconds_bucket{le=\"1\"} 2\n";
    let server = Server::always(200, text).await;
    let targets = [target(&server, "a", "/")];
    let reading = scraper(LIMITS).read(&targets, &series(), 1).await;
    let metrics = PodMetrics { filtered: Some(3.0), ..PodMetrics::default() };
    assert_eq!(reading.pods["a"].metrics, metrics);
    let skipped =
        Skipped { negative: 1, not_finite: 1, irregular_histograms: 1, ..Skipped::default() };
    assert_eq!(reading.skipped, skipped);
}

#[tokio::test]
async fn a_pod_that_does_not_answer_is_a_failure_by_its_name() {
    let limits = ScrapeLimits { deadline: Duration::from_secs(5), bytes: 100_000, ..LIMITS };
    let server = Server::start(|question| match question.path.as_str() {
        "/401" => Reply::Body(401, String::new()),
        "/404" => Reply::Body(404, String::new()),
        "/500" => Reply::Body(500, String::new()),
        "/html" => Reply::Body(200, "<html>".to_owned()),
        "/half" => Reply::Body(200, "consumed_total 1\nconsumed_total{".to_owned()),
        "/large" => Reply::Body(200, " ".repeat(100_001)),
        "/endless" => Reply::Endless,
        "/redirect" => Reply::Redirect("/good"),
        _ => Reply::Body(200, TEXT.to_owned()),
    })
    .await;
    let paths =
        ["/401", "/404", "/500", "/html", "/half", "/large", "/endless", "/redirect", "/good"];
    let mut targets: Vec<ScrapeTarget> =
        paths.iter().map(|path| target(&server, &path[1..], path)).collect();
    // A port that nobody listens on: a server that is gone.
    let gone = Server::always(200, "").await;
    targets.push(target(&gone, "gone", "/"));
    drop(gone);
    let reading = scraper(limits).read(&targets, &series(), 1).await;
    let fault_of = |pod: &str| {
        let asked = Asked::Pod(Arc::from(pod));
        let failure = reading.failures.iter().find(|failure| failure.asked == asked);
        failure.map_or("none", |failure| failure.name())
    };
    let expected = [
        ("401", "Unauthorized"),
        ("404", "Malformed"),
        ("500", "Unreachable"),
        ("html", "Malformed"),
        ("half", "Malformed"),
        ("large", "TooLarge"),
        ("endless", "TooLarge"),
        ("redirect", "Malformed"),
        ("gone", "Unreachable"),
        ("good", "none"),
    ];
    for (pod, name) in expected {
        assert_eq!(fault_of(pod), name, "{pod}");
    }
    assert_eq!(reading.pods.keys().map(|pod| &**pod).collect::<Vec<_>>(), ["good"]);
    let failure = reading.failures.iter().find(|failure| failure.name() == "Unauthorized");
    let shown = failure.expect("a failure").to_string();
    assert!(shown.contains("pod 401") && shown.contains(&server.socket.to_string()), "{shown}");
}

#[tokio::test]
async fn time_and_number_of_pods_are_bounded() {
    let server = Server::start(|_| Reply::Never).await;
    let limits = ScrapeLimits { deadline: Duration::from_millis(50), pods: 2, ..LIMITS };
    let targets = ["a", "b", "c"].map(|pod| target(&server, pod, "/"));
    let reading = scraper(limits).read(&targets, &series(), 1).await;
    let mut names: Vec<&str> = reading.failures.iter().map(ReadError::name).collect();
    names.sort_unstable();
    assert_eq!(names, ["TimedOut", "TimedOut", "TooLarge"]);
    let surplus = reading.failures.iter().find(|failure| failure.name() == "TooLarge");
    let surplus = surplus.expect("a failure");
    assert_eq!(surplus.asked, Asked::Pod("c".into()));
    assert_eq!(surplus.fault, Fault::TooLarge { limit: 2, unit: "pods" });
}
