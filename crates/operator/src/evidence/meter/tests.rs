//! Readings as far as they need nobody to answer: what is attached to which pod, and what is said
//! where nothing can be read.

use siskin_analysis::observation::Role;

use super::*;
use crate::evidence::queries::tests::pod;

fn export(pod: &str, port: Option<u16>) -> Export {
    let ports = port.map(|it| ("metrics".to_owned(), it)).into_iter().collect();
    Export { pod: pod.into(), ip: "127.0.0.1".parse().ok(), ports, memory_limit: Some(1e6) }
}

fn metrics_read(exports: Vec<Export>) -> MetricsRead {
    let exporter = Exporter::Pods {
        scraper: Scraper::new().unwrap(),
        port: "metrics".into(),
        path: "/metrics".into(),
    };
    let source = MetricsSource {
        exporter,
        series: Series::default(),
        queries: Queries::default(),
        interval: Duration::from_secs(1),
    };
    MetricsRead {
        source: Arc::new(source),
        namespace: "shop".into(),
        pods: PodsOfTarget { exports, ..PodsOfTarget::default() },
        scrapes: Scrapes::default(),
    }
}

#[tokio::test]
async fn pods_without_the_port_are_a_mistake_that_is_named() {
    let reading = metrics_read(vec![export("a", None), export("b", None)]).run(0).await;
    let failure = reading.failure.unwrap();
    assert_eq!(failure.name(), "Unsupported");
    assert!(failure.to_string().contains("no container port named"), "{failure}");
}

#[tokio::test]
async fn without_a_pod_there_is_nothing_to_read_and_nothing_wrong() {
    assert_eq!(metrics_read(Vec::new()).run(0).await.failure, None);
}

#[tokio::test]
async fn pods_of_which_none_answers_are_a_silent_source() {
    // The port of the discard service, on which nothing listens.
    let reading = metrics_read(vec![export("a", Some(9))]).run(0).await;
    assert_eq!(reading.failure.map(|it| it.name()), Some("Unreachable"));
}

#[test]
fn a_pod_gets_what_was_read_of_it_and_the_limit_of_its_spec() {
    let read = PodMetrics { consumed: Some(7.0), ..PodMetrics::default() };
    let mut reading = MetricsReading {
        pods: [("a".into(), read)].into_iter().collect(),
        ..MetricsReading::default()
    };
    let mut pods = [pod("a", Role::Canary), pod("b", Role::Canary)];
    reading.attach(&mut pods, &[export("a", None), export("b", None)]);
    let metrics = pods[0].metrics.clone().unwrap();
    assert_eq!((metrics.consumed, metrics.memory_limit), (Some(7.0), Some(1e6)));
    assert_eq!(pods[1].metrics, None, "nothing was read of it");
}
