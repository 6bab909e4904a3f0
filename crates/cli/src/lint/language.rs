//! What the operator would refuse of addresses, series and queries before it asks anybody.
//! Read by the operator's own parsers; whether there are such series, only their source knows.

use siskin_api::{Analysis, PrometheusSource, SeriesNames, UserMetric};
use siskin_prometheus::{Address, LabelName, Selector, Template};

/// Path and text of every problem in addresses, series and queries.
pub(super) fn problems(analysis: &Analysis) -> Vec<(String, String)> {
    let prometheus = analysis.prometheus.iter().flat_map(source);
    let series = analysis.series.iter().flat_map(series);
    let metrics = analysis.metrics.iter().enumerate();
    let metrics = metrics.flat_map(|(index, metric)| queries(index, metric));
    prometheus
        .chain(series)
        .chain(metrics)
        .map(|(field, problem)| (format!("spec.analysis.{field}"), problem))
        .collect()
}

fn source(it: &PrometheusSource) -> impl Iterator<Item = (String, String)> {
    let address = Address::parse(&it.address).err().map(|error| ("address", error.to_string()));
    let label =
        |field: &'static str, name: &str| Some((field, LabelName::parse(name).err()?.to_string()));
    let labels = [label("podLabel", &it.pod_label), label("namespaceLabel", &it.namespace_label)];
    let found = address.into_iter().chain(labels.into_iter().flatten());
    found.map(|(field, problem)| (format!("prometheus.{field}"), problem))
}

fn series(it: &SeriesNames) -> impl Iterator<Item = (String, String)> {
    it.named().into_iter().filter_map(|(field, text)| {
        let error = Selector::parse(text?).err()?;
        Some((format!("series.{field}"), error.to_string()))
    })
}

fn queries(index: usize, metric: &UserMetric) -> impl Iterator<Item = (String, String)> {
    metric.queries().filter_map(move |(query, text)| {
        let parse = if query.is_counter() { Template::counter } else { Template::parse };
        let error = parse(text).err()?;
        Some((format!("metrics[{index}].{}", query.field()), error.to_string()))
    })
}
