//! Progress of a measurement, for a person: standard output is for its result.
//! It knows no measurement.

/// Writes one line to standard error.
pub(super) fn say(text: &str) {
    eprintln!("measure: {text}");
}
