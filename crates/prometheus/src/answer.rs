//! What a server's answer says: data, or the fault that it stands for.
//! The envelope is read here, not by the client library: the library drops warnings and does not
//! know the error types of VictoriaMetrics. The data are the library's types.

use prometheus_http_query::response::{Data, PromqlResult};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use crate::error::{Fault, bounded};

/// Envelope of an answer, around its data. Other fields (`infos`, `stats`) say nothing about completeness.
#[derive(Deserialize)]
struct Envelope<'a> {
    status: String,
    #[serde(borrow, default)]
    data: Option<&'a RawValue>,
    #[serde(rename = "errorType", default)]
    error_type: Option<String>,
    #[serde(default)]
    error: Option<String>,
    #[serde(default)]
    warnings: Option<Vec<String>>,
    /// Whether data are missing; VictoriaMetrics says so here, not in a warning.
    #[serde(rename = "isPartial", default)]
    is_partial: bool,
}

/// The data of an answer, not read yet but for their type.
#[derive(Deserialize)]
struct UnreadData<'a> {
    #[serde(rename = "resultType")]
    result_type: String,
    #[serde(borrow)]
    result: &'a RawValue,
}

/// One series of a vector, read for its kind only: it takes a byte however long it is.
#[derive(Deserialize)]
struct SeriesKind {
    #[serde(default)]
    histogram: Option<IgnoredAny>,
}

/// Reads an answer with at most `max_series` series.
///
/// # Errors
/// The fault that the status or the body stands for. Data that came with a warning are no data.
pub(crate) fn read(status: u16, body: &[u8], max_series: usize) -> Result<Data, Fault> {
    match status {
        401 | 403 => return Err(Fault::Unauthorized { status }),
        300..=399 => {
            return Err(Fault::malformed(format!(
                "HTTP {status}: a redirect, which is not followed, for credentials would go along"
            )));
        }
        _ => {}
    }
    let Ok(envelope) = serde_json::from_slice::<Envelope<'_>>(body) else {
        return Err(without_envelope(status, body));
    };
    let data = match (envelope.status.as_str(), envelope.data) {
        ("success", Some(data)) if (200..300).contains(&status) => data.get(),
        _ => return Err(refusal(status, &envelope)),
    };
    if let Some(warning) = envelope.warnings.as_ref().and_then(|warnings| warnings.first()) {
        // Prometheus, on reaching our own `limit`.
        if warning.contains("truncated due to limit") {
            return Err(Fault::TooLarge { limit: max_series, unit: "series" });
        }
        return Err(Fault::Partial { warning: bounded(warning) });
    }
    if envelope.is_partial {
        return Err(Fault::Partial { warning: "isPartial".to_owned() });
    }
    read_data(data, max_series)
}

fn read_data(data: &str, max_series: usize) -> Result<Data, Fault> {
    let malformed = |error: serde_json::Error| Fault::malformed(format!("its data: {error}"));
    let unread: UnreadData<'_> = serde_json::from_str(data).map_err(malformed)?;
    match unread.result_type.as_str() {
        "vector" => check_vector(unread.result.get(), max_series)?,
        "scalar" => {}
        "matrix" => {
            return Err(Fault::Unsupported {
                found: "a range of values",
                remedy: "ask for one value now, for example with rate() or last_over_time()",
            });
        }
        _ => {
            return Err(Fault::Unsupported {
                found: "an answer that is neither a vector nor a scalar",
                remedy: "ask for numbers",
            });
        }
    }
    let result: PromqlResult = serde_json::from_str(data).map_err(malformed)?;
    Ok(result.into_inner().0)
}

/// Refuses too many series and native histograms, before the library makes a map of labels for each
/// series, and fails on the first histogram.
fn check_vector(result: &str, max_series: usize) -> Result<(), Fault> {
    let kinds: Vec<SeriesKind> = serde_json::from_str(result)
        .map_err(|error| Fault::malformed(format!("its series: {error}")))?;
    if kinds.len() > max_series {
        return Err(Fault::TooLarge { limit: max_series, unit: "series" });
    }
    if kinds.iter().any(|kind| kind.histogram.is_some()) {
        return Err(native_histogram());
    }
    Ok(())
}

fn native_histogram() -> Fault {
    Fault::Unsupported {
        found: "a native histogram",
        remedy: "export a classic histogram (series with `_bucket` and `le`) as well",
    }
}

/// Fault behind a refusal in Prometheus' own form.
fn refusal(status: u16, envelope: &Envelope<'_>) -> Fault {
    let message = bounded(envelope.error.as_deref().unwrap_or("no reason given"));
    match envelope.error_type.as_deref() {
        Some("timeout" | "canceled") => {
            Fault::TimedOut { detail: bounded(&format!("the server gave up: {message}")) }
        }
        Some("internal" | "unavailable") => Fault::unreachable(message),
        _ if status >= 500 || status == 429 => {
            Fault::unreachable(format!("HTTP {status}: {message}"))
        }
        _ => Fault::BadQuery { message },
    }
}

/// Fault behind an answer without Prometheus' envelope: of a proxy, or of something else.
fn without_envelope(status: u16, body: &[u8]) -> Fault {
    let start = String::from_utf8_lossy(&body[..body.len().min(400)]).into_owned();
    match status {
        200..=299 => Fault::malformed(format!("not Prometheus' JSON: {start}")),
        429 | 500..=599 => Fault::unreachable(format!("HTTP {status}: {start}")),
        // VictoriaMetrics refuses a query that is too long like this.
        400 | 413 | 422 => Fault::BadQuery { message: bounded(&start) },
        _ => Fault::malformed(format!("HTTP {status}: {start}")),
    }
}

#[cfg(test)]
mod tests;
