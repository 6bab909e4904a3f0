//! Checks of where metrics come from and of the user's own: what the schema and its rules say.
//! Doesn't read PromQL: whoever asks the queries knows their language.

use crate::metrics::{
    Against, PrometheusSource, Scope, ScrapeSource, SeriesNames, Threshold, UserMetric,
};
use crate::references::SecretRef;
use crate::rollout::Analysis;
use crate::validate::found::Found;
use crate::validate::shapes::{is_dns_label, is_host, is_object_name, is_plain};

const MAX_METRICS: usize = 10;
const MAX_QUERY: usize = 2000;
const MAX_SERIES: usize = 500;

pub(super) fn check(found: &mut Found, it: &Analysis) {
    check_sources(found, it);
    if let Some(prometheus) = &it.prometheus {
        check_prometheus(found, prometheus);
    }
    if let Some(scrape) = &it.scrape {
        check_scrape(found, scrape);
    }
    if let Some(series) = &it.series {
        check_series(found, series);
    }
    if MAX_METRICS < it.metrics.len() {
        let problem = format!("has {} entries", it.metrics.len());
        found.refuse(METRICS, problem, format!("name at most {MAX_METRICS}"));
    }
    for (index, metric) in it.metrics.iter().enumerate() {
        let path = format!("{METRICS}[{index}]");
        let same = it.metrics.iter().take(index).any(|other| other.name == metric.name);
        if same {
            let problem = format!("{:?} is there twice", metric.name);
            found.refuse(format!("{path}.name"), problem, "give each metric a name of its own");
        }
        check_metric(found, &path, metric);
    }
}

pub(super) fn check_secret(found: &mut Found, field: &str, secret: Option<&SecretRef>) {
    if let Some(secret) = secret.filter(|it| !is_object_name(&it.name)) {
        found.refuse(
            format!("{field}.credentialsSecretRef.name"),
            format!("{:?} is no name of a Secret", secret.name),
            "name a Secret of the same namespace",
        );
    }
}

const METRICS: &str = "spec.analysis.metrics";
const PROMETHEUS: &str = "spec.analysis.prometheus";

fn check_sources(found: &mut Found, it: &Analysis) {
    if it.prometheus.is_some() && it.scrape.is_some() {
        found.refuse("spec.analysis", "has prometheus and scrape", "set one of the two");
    }
    if it.series.is_some() && it.prometheus.is_none() && it.scrape.is_none() {
        found.refuse(
            "spec.analysis.series",
            "says nothing of where the series are read",
            "set spec.analysis.prometheus or spec.analysis.scrape",
        );
    }
    if !it.metrics.is_empty() && it.prometheus.is_none() {
        let problem = "says nothing of where the queries are asked";
        found.refuse(METRICS, problem, "set spec.analysis.prometheus");
    }
}

fn check_prometheus(found: &mut Found, it: &PrometheusSource) {
    if !is_address(&it.address) {
        found.refuse(
            format!("{PROMETHEUS}.address"),
            format!("{:?} is no http or https URL of a host, a port and a path", it.address),
            "write it like http://prometheus.monitoring:9090; credentials belong into the Secret",
        );
    }
    check_secret(found, PROMETHEUS, it.credentials_secret_ref.as_ref());
    for (field, label) in [("podLabel", &it.pod_label), ("namespaceLabel", &it.namespace_label)] {
        if !is_label(label) {
            found.refuse(
                format!("{PROMETHEUS}.{field}"),
                format!("{label:?} is no name of a label"),
                "use 1 to 63 letters, digits and _, not a digit first",
            );
        }
    }
}

fn check_scrape(found: &mut Found, it: &ScrapeSource) {
    let name = it.port.as_bytes();
    let plain = |it: &u8| it.is_ascii_lowercase() || it.is_ascii_digit() || *it == b'-';
    let ends = name.first() != Some(&b'-') && name.last() != Some(&b'-');
    if !(1..=15).contains(&name.len()) || !ends || !name.iter().all(plain) {
        found.refuse(
            "spec.analysis.scrape.port",
            format!("{:?} is no name of a container port", it.port),
            "name the port as the container does, such as metrics",
        );
    }
    let printable = it.path.bytes().all(|it| it.is_ascii_graphic());
    if !it.path.starts_with('/') || 200 < it.path.len() || !printable {
        found.refuse(
            "spec.analysis.scrape.path",
            format!("{:?} is no path", it.path),
            "write it like /metrics, at most 200 characters",
        );
    }
}

fn check_series(found: &mut Found, it: &SeriesNames) {
    for (field, name) in it.named() {
        if let Some(name) = name {
            check_text(found, format!("spec.analysis.series.{field}"), name, MAX_SERIES);
        }
    }
}

fn check_metric(found: &mut Found, path: &str, it: &UserMetric) {
    let name = it.name.replace('_', "-");
    if !is_dns_label(&name, 63) {
        found.refuse(
            format!("{path}.name"),
            format!("{:?} is no name of a metric", it.name),
            "use 1 to 63 lower-case letters, digits, - and _, a letter or digit first and last",
        );
    }
    if it.ratio.is_some() == it.threshold.is_some() {
        let both = it.ratio.is_some();
        let problem =
            if both { "has ratio and threshold" } else { "has neither ratio nor threshold" };
        found.refuse(path, problem, "set exactly one of the two");
    }
    if let Some(ratio) = &it.ratio {
        check_text(found, format!("{path}.ratio.events"), &ratio.events, MAX_QUERY);
        check_text(found, format!("{path}.ratio.total"), &ratio.total, MAX_QUERY);
    }
    if let Some(threshold) = &it.threshold {
        check_threshold(found, &format!("{path}.threshold"), threshold);
    }
}

fn check_threshold(found: &mut Found, path: &str, it: &Threshold) {
    check_text(found, format!("{path}.query"), &it.query, MAX_QUERY);
    found.check_range(&format!("{path}.failureLimit"), it.failure_limit, 0..=100);
    if (it.against, it.scope) == (Against::Primary, Scope::Global) {
        let problem =
            "compares a value with scope Global with the primary's, which is the same one";
        let remedy = "set against to Absolute or Before, or scope to Pods";
        found.refuse(format!("{path}.scope"), problem, remedy);
    }
    match (it.min, it.max) {
        (None, None) => found.refuse(path, "has no bound", "set min, max, or both"),
        (Some(min), Some(max)) if max < min => {
            let problem = format!("{min} is greater than max, {max}");
            found.refuse(format!("{path}.min"), problem, "make it at most max");
        }
        (Some(_), Some(_) | None) | (None, Some(_)) => {}
    }
}

fn check_text(found: &mut Found, field: String, text: &str, most: usize) {
    if !(1..=most).contains(&text.chars().count()) {
        let problem = format!("is empty or longer than {most} characters");
        found.refuse(field, problem, "shorten it, or leave it out");
    }
}

/// Whether a text is an address as the schema has it: a scheme, a host, perhaps a port and a path.
fn is_address(text: &str) -> bool {
    let rest = text.strip_prefix("http://").or_else(|| text.strip_prefix("https://"));
    let Some(rest) = rest.filter(|_| text.len() <= 500) else { return false };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let in_path = |it: u8| it.is_ascii_alphanumeric() || b"._~%/-".contains(&it);
    let port = |it: &str| (1..=5).contains(&it.len()) && it.bytes().all(|it| it.is_ascii_digit());
    let host = match authority.rsplit_once(':') {
        Some((host, digits)) if !digits.ends_with(']') => port(digits).then_some(host),
        Some(_) | None => Some(authority),
    };
    path.bytes().all(in_path) && host.is_some_and(is_host)
}

fn is_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with(|it: char| it.is_ascii_digit())
        && is_plain(text)
        && !text.contains(['.', '-'])
}
