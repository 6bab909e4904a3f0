//! An estimate in words: a table of the steps, what they need, what is assumed.
//! Only formats; what it says was estimated elsewhere.

use std::fmt::Write;

use siskin_analysis::Signal;
use siskin_analysis::observation::Millis;
use siskin_analysis::power::{Missing, Smallest, StepEstimate};
use siskin_api::Duration;

use crate::lint::forecast::Forecast;
use crate::table;

/// Cell of a signal that misses even a canary that fails every message, or does no work.
const NOT_FOUND: &str = "not within this hold";

/// The whole estimate of one rollout.
pub(crate) fn text(it: &Forecast) -> String {
    let (traffic, plan) = (&it.traffic, &it.plan);
    let mut out = format!(
        "\n{}: the smallest effects that its steps find with a probability of 90 %\n",
        it.name
    );
    let _ = writeln!(
        out,
        "group: {}, {}, {}, a commit every {}",
        counted(traffic.consumers, "consumer"),
        counted(traffic.partitions, "partition"),
        per_second(traffic.rate),
        span(traffic.commit_interval),
    );
    let _ = writeln!(
        out,
        "judge: falseRollbackProbability {}, interval {}, warmUp {}\n",
        plan.false_rollback_probability, plan.interval, plan.warm_up
    );
    out += &table::text(&rows(it));
    out.push('\n');
    let waits = waits(it);
    if !waits.is_empty() {
        for LongWait { step, text, .. } in &waits {
            let _ = writeln!(out, "step {step}: {text}");
        }
        out.push('\n');
    }
    if traffic.consumers == 1 {
        out += "one consumer: the canary replaces it, and a bad version has all the work until it is rolled back\n\n";
    }
    facts(&mut out, it);
    assumed(&mut out, it);
    out
}

/// A step whose hold is too short for a healthy version to pass.
pub(crate) struct LongWait {
    /// Number of the step, from 1 on.
    pub(crate) step: usize,
    /// Whether it can't pass within `maxHold` either.
    pub(crate) is_endless: bool,
    pub(crate) text: String,
}

/// Every step whose hold is too short, in their order.
pub(crate) fn waits(it: &Forecast) -> Vec<LongWait> {
    let steps = it.estimate.steps.iter().enumerate();
    let waits = steps.filter_map(|(index, step)| {
        let is_endless = step.healthy.after.is_none_or(|it| step.step.max_hold < it);
        Some(LongWait { step: index + 1, is_endless, text: wait(it, step)? })
    });
    waits.collect()
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
        cells.push(passes(step));
        cells
    };
    std::iter::once(head).chain(it.estimate.steps.iter().enumerate().map(row)).collect()
}

/// When a healthy version may go on, and when all is proven if that is later.
fn passes(step: &StepEstimate) -> String {
    let after = |it: Option<i64>| it.map_or("never".to_owned(), |it| format!("after {}", span(it)));
    let (passes, proven) = (step.healthy.after, step.healthy.proven);
    if passes == proven {
        return after(passes);
    }
    format!("{}, proven {}", after(passes), after(proven))
}

fn effect(it: &Smallest) -> String {
    match (it.effect, &it.signal) {
        (None, _) => NOT_FOUND.to_owned(),
        (Some(deficit), Signal::Lag) => format!("{:.0} % deficit", 100.0 * deficit),
        (Some(rate), _) => format!("{} → {}", percent(it.base), percent(rate)),
    }
}

/// What a healthy version lacks to pass a step; `None` if the step's hold is long enough.
fn wait(it: &Forecast, step: &StepEstimate) -> Option<String> {
    let (hold, max_hold) = (step.step.hold, step.step.max_hold);
    let then = format!("then onInconclusive: {:?}", it.plan.on_inconclusive);
    let needs = |after| {
        let (after, last) = (span(after), &step.healthy.waits_for);
        format!("a healthy version needs at least {after} at this traffic, most for {last}: ")
    };
    match step.healthy.after {
        Some(after) if after <= hold => None,
        Some(after) if after <= max_hold => {
            Some(format!("{}hold {} is too short, it would wait", needs(after), span(hold)))
        }
        Some(after) => {
            let most = span(max_hold);
            Some(format!("{}it can't pass within maxHold {most}, {then}", needs(after)))
        }
        None => {
            let (most, why) = (span(max_hold), why(step));
            Some(format!("a healthy version can't pass within maxHold {most}: {why}, {then}"))
        }
    }
}

fn why(step: &StepEstimate) -> String {
    match step.healthy.never {
        Some(Missing::Traffic) => format!(
            "{} over {} is too little to tell",
            per_second(step.rate),
            counted(step.partitions, "partition")
        ),
        Some(Missing::Partition) => "the canary would get no partition".to_owned(),
        Some(Missing::Time) | None => {
            format!("{} takes more than a day to prove", step.healthy.waits_for)
        }
    }
}

fn facts(out: &mut String, it: &Forecast) {
    let _ = writeln!(out, "at every step, whatever the traffic:");
    let _ = writeln!(
        out,
        "  a crash loop, a pod's second crash, a second out-of-memory kill: within one reading, {}",
        it.plan.interval
    );
    let _ = writeln!(
        out,
        "  messages waiting and no commit on a partition: {} after its last commit, and one reading",
        span(it.estimate.stall_wait)
    );
    if let Some(failure) = it.estimate.total_failure {
        let _ = writeln!(
            out,
            "at step 1, if every message fails from the first one on: after about {}",
            span(failure)
        );
    }
    if !it.estimate.blind.is_empty() {
        let names: Vec<String> = it.estimate.blind.iter().map(ToString::to_string).collect();
        let _ = writeln!(out, "never, without --metrics: {}", names.join(", "));
    }
}

fn assumed(out: &mut String, it: &Forecast) {
    let margins = it.estimate.steps.first().map_or(&[][..], |step| &step.smallest);
    let _ = writeln!(
        out,
        "\n\
         LAG: the part of its work that the canary can't do; 7 % grows the lag by 0.07 s/s. LATENCY: slow messages.\n\
         Errors, loss and latency add up over the steps, lag begins anew at each. Holds count from where all pods\n\
         are ready and have joined. Lag and latency decide nothing in a pod's first three minutes.\n\
         This is an estimate, not a promise. It assumes a canary that is worse from its first message on, equal\n\
         shares for all pods and partitions, counts that vary by chance alone (Poisson), and a record of the primary\n\
         so quiet that the judge learns its least margins: {}.",
        margins.iter().map(margin).collect::<Vec<_>>().join(", ")
    );
}

fn margin(it: &Smallest) -> String {
    let noise = if it.dispersion > 1.0 {
        format!(" (φ {}: few events)", it.dispersion)
    } else {
        String::new()
    };
    match &it.signal {
        Signal::Lag => format!("lag {} s/s", it.margin),
        Signal::Latency
        | Signal::Cpu
        | Signal::Loss
        | Signal::Errors
        | Signal::Memory
        | Signal::Yield
        | Signal::Duplicates
        | Signal::Restarts
        | Signal::Churn
        | Signal::User(_) => format!("{} ×{:.2}{noise}", it.signal, it.margin),
    }
}

fn counted(many: u32, what: &str) -> String {
    if many == 1 { format!("1 {what}") } else { format!("{many} {what}s") }
}

fn per_second(rate: f64) -> String {
    let what = if number(rate) == "1" { "message" } else { "messages" };
    format!("{} {what}/s", number(rate))
}

/// A span as users write it, rounded up to whole seconds.
fn span(millis: Millis) -> String {
    let seconds = millis.max(0).saturating_add(999) / 1_000;
    Duration::from_secs(u32::try_from(seconds).unwrap_or(u32::MAX)).to_string()
}

/// A number of three digits, or of all before the point.
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
    } else if percent < 0.995 {
        format!("{percent:.2} %")
    } else {
        format!("{percent:.1} %")
    }
}
