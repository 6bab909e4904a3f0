//! Steps whose hold can't prove anything at the traffic of the last reading.
//! Puts the status' own figures into the estimate of `lint`; computes nothing itself.

use siskin_api::{AnalysisStatus, CanaryRollout, CanaryRolloutStatus, Duration};

use crate::lint::expected::Expected;
use crate::lint::forecast::Forecast;
use crate::lint::words;
use crate::live::doctor::diagnosis::Diagnosis;

/// A diagnosis for each step that a healthy version can't pass in its time.
pub(crate) fn of(rollout: &CanaryRollout, status: &CanaryRolloutStatus) -> Vec<Diagnosis> {
    let group = status.analysis.as_ref().and_then(|it| group(rollout, status, it));
    let Some(forecast) = group.as_ref().and_then(|it| Forecast::of(rollout, it).ok()) else {
        let text =
            "whether the steps can prove anything: the status has no figures of the whole group";
        let remedy = "kubectl siskin lint FILE --partitions P --rate R says it for a group that you describe";
        return vec![Diagnosis::note(text, remedy)];
    };
    let rate = forecast.traffic.rate;
    let waits = words::waits(&forecast);
    if waits.is_empty() {
        return vec![Diagnosis::fine(format!(
            "each step can be passed in its hold, at {rate:.1} messages/s as last read"
        ))];
    }
    let remedy = "a longer hold or a larger step; kubectl siskin lint shows what each step can find (docs/replay.md)";
    waits
        .into_iter()
        .map(|it| {
            let text =
                format!("step {} at {rate:.1} messages/s as last read: {}", it.step, it.text);
            if it.is_endless {
                Diagnosis::wrong(text, remedy)
            } else {
                Diagnosis::note(text, remedy)
            }
        })
        .collect()
}

/// The group as it was read last; `None` if a figure of it is not known.
fn group(
    rollout: &CanaryRollout,
    status: &CanaryRolloutStatus,
    analysis: &AnalysisStatus,
) -> Option<Expected> {
    let roles = || [&analysis.primary, &analysis.canary].into_iter().flatten();
    let partitions: Option<i32> = roles().map(|it| it.partitions).sum();
    let rates = roles().map(|it| it.messages_per_second.as_ref()?.parse::<f64>().ok());
    let rate: Option<f64> = rates.sum();
    let partitions = partitions.and_then(|it| u32::try_from(it).ok()).filter(|it| 0 < *it)?;
    let sources = &rollout.spec.analysis;
    let has_metrics = sources.prometheus.is_some() || sources.scrape.is_some();
    let replicas = status.replicas.or(rollout.spec.replicas);
    Some(Expected {
        consumers: replicas.and_then(|it| u32::try_from(it).ok()),
        partitions: Some(partitions),
        rate: Some(rate?).filter(|it| 0.0 < *it),
        commit_interval: Duration::from_secs(5),
        metrics: has_metrics && !analysis.blind.iter().any(|it| it == "errors"),
        error_rate: 0.01,
        slow_share: 0.1,
    })
}
