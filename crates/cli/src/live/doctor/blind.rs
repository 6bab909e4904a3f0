//! What the judge can't see of a rollout, and what would end that.
//! Pure; what a signal needs is that of docs/metrics-sources.md.

use siskin_api::{Analysis, AnalysisStatus};

use crate::live::doctor::diagnosis::Diagnosis;

/// A note for each signal that the judge has no input for.
pub(crate) fn of(analysis: &Analysis, status: &AnalysisStatus) -> Vec<Diagnosis> {
    let has_source = analysis.prometheus.is_some() || analysis.scrape.is_some();
    let note = |signal: &String| {
        Diagnosis::note(
            format!("the judge is blind to {signal}"),
            ends(signal, analysis, has_source),
        )
    };
    status.blind.iter().map(note).collect()
}

fn ends(signal: &str, analysis: &Analysis, has_source: bool) -> String {
    let own = analysis.metrics.iter().any(|it| it.name == signal)
        || analysis.checks.iter().any(|it| it.name.as_str() == signal);
    if own {
        return format!(
            "its query or series gives no value for each pod, or primary has too few of them: try it in its source, or see \
             whether the condition SourcesReachable names {signal} (docs/metrics-sources.md)"
        );
    }
    let needs = match signal {
        "errors" => "series.consumed and series.errors",
        "loss" => "series.consumed and series.processed (errors and filtered where there are such)",
        "latency" => "series.latency, a classic histogram in seconds",
        "memory" => {
            "a working set for each pod: cAdvisor's in Prometheus, process_resident_memory_bytes when scraped, or series.workingSet"
        }
        "cpu" => {
            "series.consumed, and CPU time for each pod: cAdvisor's in Prometheus, process_cpu_seconds_total when scraped, or \
             series.cpu"
        }
        "yield" | "duplicates" => "series.consumed",
        _ => "what docs/metrics-sources.md names for it",
    };
    if has_source {
        format!(
            "in spec.analysis it needs {needs}; where that is set, its source has no such series of each pod, or too few \
             events (docs/metrics-sources.md)"
        )
    } else {
        format!(
            "in spec.analysis it needs prometheus or scrape, and {needs} (docs/metrics-sources.md)"
        )
    }
}
