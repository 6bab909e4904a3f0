//! What a server's answer says: data, or the fault that it stands for.
//! The envelope is read here, not by the client library: the library drops warnings and does not
//! know the error types of VictoriaMetrics, and keeps every label.

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::data::{self, Data, VectorBounds};

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

/// Reads an answer within these bounds.
///
/// # Errors
/// The fault that the status or the body stands for. Data that came with a warning are no data.
pub(crate) fn read(status: u16, body: &[u8], bounds: VectorBounds<'_>) -> Result<Data, Fault> {
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
    let mut warnings = envelope.warnings.iter().flatten();
    if let Some(warning) = warnings.find(|it| !is_about_the_query(it)) {
        // Prometheus, on reaching our own `limit`.
        if warning.contains("truncated due to limit") {
            return Err(Fault::TooLarge { limit: bounds.series, unit: "series" });
        }
        return Err(Fault::Partial { warning: bounded(warning) });
    }
    if envelope.is_partial {
        return Err(Fault::Partial { warning: "isPartial".to_owned() });
    }
    read_data(data, bounds)
}

/// Whether it tells about the query, and nothing about what is missing: Prometheus 2.48 to 2.53 and
/// Thanos put `PromQL info: metric might not be a counter` among the warnings.
fn is_about_the_query(warning: &str) -> bool {
    warning.starts_with("PromQL info:")
}

fn read_data(data: &str, bounds: VectorBounds<'_>) -> Result<Data, Fault> {
    let malformed = |error: serde_json::Error| Fault::malformed(format!("its data: {error}"));
    let unread: UnreadData<'_> = serde_json::from_str(data).map_err(malformed)?;
    match unread.result_type.as_str() {
        "vector" => data::read_vector(unread.result.get(), bounds).map(Data::Vector),
        "scalar" => data::read_scalar(unread.result.get()).map(Data::Scalar),
        "matrix" => Err(Fault::Unsupported {
            found: "a range of values",
            remedy: "ask for one value now, for example with rate() or last_over_time()",
        }),
        _ => Err(Fault::Unsupported {
            found: "an answer that is neither a vector nor a scalar",
            remedy: "ask for numbers",
        }),
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

/// Fault behind an answer without Prometheus' envelope: of a proxy, or of something else. Its text is
/// nobody's to show: whoever may write an address would read what answers there.
fn without_envelope(status: u16, body: &[u8]) -> Fault {
    let told = format!("HTTP {status}, {} bytes {}", body.len(), kind(body));
    match status {
        200..=299 => Fault::malformed(format!("not Prometheus' JSON: {told}")),
        429 | 500..=599 => Fault::unreachable(told),
        // VictoriaMetrics refuses a query that is too long like this.
        400 | 413 | 422 => Fault::BadQuery { message: told },
        _ => Fault::malformed(told),
    }
}

/// What a body looks like, by its first byte.
fn kind(body: &[u8]) -> &'static str {
    match body.trim_ascii_start().first() {
        None => "of nothing",
        Some(b'<') => "that look like HTML or XML",
        Some(b'{' | b'[') => "that look like JSON",
        Some(it) if it.is_ascii_graphic() => "of text",
        Some(_) => "that are no text",
    }
}

#[cfg(test)]
mod tests;
