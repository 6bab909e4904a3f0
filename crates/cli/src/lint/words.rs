//! An estimate in words: a table of the steps, what they need, what is assumed.
//! Only formats; what it says was estimated elsewhere.

use std::fmt::Write;

use siskin_analysis::Signal;
use siskin_analysis::observation::Millis;
use siskin_analysis::power::{Missing, Smallest, StepEstimate};
use siskin_api::Duration;

use super::forecast::Forecast;

/// Not even a canary that fails every message, or does no work, by this signal.
const NOT_FOUND: &str = "not within this hold";

/// All about one rollout.
pub(crate) fn text(it: &Forecast) -> String {
    let mut out = format!(
        "\n{}: what its steps find with a probability of 90 %, and when a healthy version passes\n",
        it.name
    );
    let (traffic, plan) = (&it.traffic, &it.plan);
    let _ = writeln!(
        out,
        "group: {}, {}, {} messages/s, a commit every {}",
        counted(traffic.consumers, "consumer"),
        counted(traffic.partitions, "partition"),
        number(traffic.rate),
        span(traffic.commit_interval),
    );
    let _ = writeln!(
        out,
        "judge: falseRollbackProbability {}, interval {}, warmUp {}\n",
        plan.false_rollback_probability, plan.interval, plan.warm_up
    );
    table(&mut out, &rows(it));
    out.push('\n');
    for (index, step) in it.estimate.steps.iter().enumerate() {
        if let Some(said) = wait(it, index, step) {
            let _ = writeln!(out, "step {}: {said}", index + 1);
        }
    }
    facts(&mut out, it);
    assumed(&mut out, it);
    out
}

fn rows(it: &Forecast) -> Vec<Vec<String>> {
    let mut head: Vec<String> =
        ["STEP", "CANARY", "MESSAGES/S", "PARTITIONS", "HOLD"].map(str::to_owned).to_vec();
    if let Some(first) = it.estimate.steps.first() {
        head.extend(first.smallest.iter().map(|it| it.signal.to_string().to_uppercase()));
    }
    head.push("HEALTHY PASSES".to_owned());
    let row = |(index, step): (usize, &StepEstimate)| {
        let mut cells = vec![
            (index + 1).to_string(),
            format!("{} of {}", step.step.canary, it.traffic.consumers),
            number(step.rate),
            step.partitions.to_string(),
            span(step.step.hold),
        ];
        cells.extend(step.smallest.iter().map(effect));
        cells.push(
            step.healthy.after.map_or("never".to_owned(), |it| format!("after {}", span(it))),
        );
        cells
    };
    std::iter::once(head).chain(it.estimate.steps.iter().enumerate().map(row)).collect()
}

fn effect(it: &Smallest) -> String {
    match (it.effect, it.signal) {
        (None, _) => NOT_FOUND.to_owned(),
        (Some(deficit), Signal::Lag) => format!("{:.0} % deficit", 100.0 * deficit),
        (Some(rate), _) => format!("{} → {}", percent(it.base), percent(rate)),
    }
}

/// What a healthy version lacks at a step; nothing if its hold is long enough.
fn wait(it: &Forecast, index: usize, step: &StepEstimate) -> Option<String> {
    let (hold, max_hold) = (span(step.step.hold), span(step.step.max_hold));
    let then = format!("then onInconclusive: {:?}", it.plan.on_inconclusive);
    let healthy = &step.healthy;
    match (healthy.after, healthy.never) {
        (Some(after), _) if after <= step.step.hold => None,
        (Some(after), _) if after <= step.step.max_hold => Some(format!(
            "a healthy version needs at least {} at this traffic ({} is proven last): hold {hold} is too short, it would wait",
            span(after),
            healthy.waits_for
        )),
        (Some(after), _) => Some(format!(
            "a healthy version needs at least {} at this traffic ({} is proven last): it can't pass within maxHold {max_hold}; {then}",
            span(after),
            healthy.waits_for
        )),
        (None, never) => {
            let pods = it.steps.get(index).map_or(0, |_| step.step.canary);
            Some(format!(
                "a healthy version can't pass within maxHold {max_hold}: {}; {then}",
                why(never, pods, step)
            ))
        }
    }
}

fn why(never: Option<Missing>, pods: u32, step: &StepEstimate) -> String {
    match never {
        Some(Missing::Traffic) => format!(
            "{} messages/s over {} are too few, less than one a second in all or three a window in most partitions",
            number(step.rate),
            counted(step.partitions, "partition")
        ),
        Some(Missing::Partition) => {
            format!("{} would get no partition", counted(pods, "canary pod"))
        }
        Some(Missing::Primary) => {
            "no primary pod runs beside the canary to compare with".to_owned()
        }
        Some(Missing::Time) | None => {
            format!("{} takes more than a day to prove", step.healthy.waits_for)
        }
    }
}

fn facts(out: &mut String, it: &Forecast) {
    let interval = it.plan.interval;
    let _ = writeln!(out, "\nfound at every step, whatever the traffic:");
    let _ = writeln!(
        out,
        "  a crash loop, a pod's second crash, the second out-of-memory kill: at the next reading, {interval}"
    );
    let stall = span(it.estimate.stall_wait);
    let _ = writeln!(
        out,
        "  a partition with messages waiting and no commit: {stall} after its last commit, and one reading more"
    );
    if let Some(failure) = it.estimate.total_failure {
        let _ = writeln!(
            out,
            "  every message fails: about {}, if from the first one on",
            span(failure)
        );
    }
    if !it.estimate.blind.is_empty() {
        let names: Vec<String> = it.estimate.blind.iter().map(ToString::to_string).collect();
        let _ = writeln!(out, "not seen at all without metrics (--metrics): {}", names.join(", "));
    }
}

fn assumed(out: &mut String, it: &Forecast) {
    let margins = it.estimate.steps.first().map_or(&[][..], |step| &step.smallest);
    let margin = |it: &Smallest| match it.signal {
        Signal::Lag => format!("lag {} s/s", it.margin),
        _ if it.dispersion > 1.0 => {
            format!(
                "{} ×{} with {} times the noise (few events)",
                it.signal, it.margin, it.dispersion
            )
        }
        _ => format!("{} ×{}", it.signal, it.margin),
    };
    let margins: Vec<String> = margins.iter().map(margin).collect();
    let _ = writeln!(
        out,
        "\nA deficit is the part of its work that the canary can't do: at 7 % its lag grows by 0.07 s/s.\n\
         Estimate, not a promise: assumes equal shares for all pods and partitions, counts that vary as chance alone\n\
         makes them vary (Poisson), a quiet record of the primary, so that as healthy counts {},\n\
         and a canary that is worse from its first message on. Errors, loss and latency add up over the steps; lag\n\
         begins anew at each. Holds count from where the pods are ready and have joined.",
        margins.join(", ")
    );
}

fn table(out: &mut String, rows: &[Vec<String>]) {
    let columns = rows.first().map_or(0, Vec::len);
    let widths: Vec<usize> = (0..columns)
        .map(|column| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    for row in rows {
        let cells = row.iter().zip(&widths).map(|(cell, &width)| format!("{cell:width$}"));
        let line = cells.collect::<Vec<_>>().join("  ");
        let _ = writeln!(out, "{}", line.trim_end());
    }
}

fn counted(many: u32, what: &str) -> String {
    if many == 1 { format!("1 {what}") } else { format!("{many} {what}s") }
}

/// Rounded up to whole seconds.
fn span(millis: Millis) -> String {
    let seconds = millis.max(0).saturating_add(999) / 1_000;
    Duration::from_secs(u32::try_from(seconds).unwrap_or(u32::MAX)).to_string()
}

/// Three digits, or all before the point.
fn number(value: f64) -> String {
    let digits = if value >= 100.0 || value.fract() == 0.0 {
        0
    } else if value >= 10.0 {
        1
    } else {
        2
    };
    format!("{value:.digits$}")
}

fn percent(part: f64) -> String {
    let percent = 100.0 * part;
    if percent == 0.0 {
        "0 %".to_owned()
    } else if percent < 1.0 {
        format!("{percent:.2} %")
    } else {
        format!("{percent:.1} %")
    }
}
