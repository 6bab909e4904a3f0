//! `status` as text: what happens, on what evidence, how long it still takes, what a person can do.
//! Pure: equal objects at an equal time give equal text, on a terminal and elsewhere.

use std::fmt::Write as _;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::Event;
use kube::ResourceExt as _;
use siskin_api::conditions::{STALLED, is_true};
use siskin_api::{
    AnalysisStatus, Approval, CanaryRollout, CanaryRolloutStatus, Phase, ProgressStatus,
    RoleFigures, Verdict,
};

use crate::live::paint::{self, Paint};
use crate::live::{advice, ago};
use crate::table;

/// Events that are shown: what happened last.
const MAX_EVENTS: usize = 8;

/// A rollout and what was told about it.
pub(crate) struct Seen {
    pub(crate) rollout: CanaryRollout,
    /// Events, or why there are none to show.
    pub(crate) events: Result<Vec<Event>, String>,
}

/// The whole description.
pub(crate) fn text(seen: &Seen, now: Timestamp, paint: Paint) -> String {
    let Seen { rollout, events } = seen;
    let unseen = CanaryRolloutStatus::default();
    let status = rollout.status.as_ref().unwrap_or(&unseen);
    let mut out = format!("{}\n", headline(rollout, paint));
    let _ = writeln!(out, "  {}\n", message(rollout));
    for (name, value) in facts(rollout, status, now, paint) {
        let _ = writeln!(out, "{name:12}{value}");
    }
    if let Some(analysis) = &status.analysis {
        let _ = write!(out, "\n{}", roles(analysis));
    }
    if !status.conditions.is_empty() {
        let _ = write!(out, "\n{}", conditions(status, now));
    }
    let _ = write!(out, "\n{}", told(events, now));
    let advice = advice::of(rollout);
    if !advice.is_empty() {
        out += "\nWhat you can do:\n";
        for line in advice {
            let _ = writeln!(out, "  {line}");
        }
    }
    out
}

/// One line that changes when something happened: for logs.
pub(crate) fn line(rollout: &CanaryRollout) -> String {
    format!("{}: {}", headline(rollout, Paint::Off), message(rollout))
}

fn headline(rollout: &CanaryRollout, paint: Paint) -> String {
    let status = rollout.status.as_ref();
    let columns = status.and_then(|it| it.summary.clone()).unwrap_or_default();
    let stalled = status.is_some_and(|it| is_true(&it.conditions, STALLED));
    let now = status.and_then(|it| it.phase);
    let hue = now.and_then(|it| paint::of_phase(it, stalled));
    let mut parts = vec![paint.maybe(hue, now.map_or("not seen yet", phase))];
    parts.extend(columns.step.map(|it| format!("step {it}")));
    parts.extend(columns.verdict.map(|it| paint.over(paint::of_verdict(it), verdict(it))));
    if rollout.spec.suspend {
        parts.push("suspended".to_owned());
    }
    let namespace = rollout.namespace().unwrap_or_default();
    format!("{namespace}/{}  {}", rollout.name_any(), parts.join(", "))
}

fn message(rollout: &CanaryRollout) -> &str {
    let told = rollout.status.as_ref().and_then(|it| it.message.as_deref());
    told.unwrap_or("the operator has not seen it yet; does it run, and watch this namespace?")
}

fn facts(
    rollout: &CanaryRollout,
    status: &CanaryRolloutStatus,
    now: Timestamp,
    paint: Paint,
) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    let change = status.change_id.as_ref().map(|it| format!(", change {it}"));
    facts.push((
        "Deployment",
        format!("{}{}", rollout.spec.target_ref.name, change.unwrap_or_default()),
    ));
    let revisions = status.revisions.clone().unwrap_or_default();
    if let (Some(promoted), Some(desired)) = (revisions.promoted, revisions.desired) {
        let text = if promoted == desired {
            format!("{promoted} serves, as the Deployment asks")
        } else {
            format!("{promoted} serves; the Deployment asks for {desired}")
        };
        facts.push(("Revision", text));
    }
    if let (Some(id), Some(progress)) = (&status.rollout_id, &status.progress) {
        let began = progress.started.as_ref().map(|it| ago::since(it.0, now));
        if let Some(began) = began {
            facts.push(("Attempt", format!("{id}, began {began} ago")));
        }
    }
    if let Some(progress) = &status.progress {
        facts.extend(hold(progress, status.phase, now).map(|it| ("Hold", it)));
    }
    if let Some(analysis) = &status.analysis {
        facts.extend(evidence(analysis, paint));
    }
    facts.extend(
        status
            .autoscaler
            .as_ref()
            .map(|it| ("Autoscaler", format!("{:?} {}, kept pointed here", it.kind, it.name))),
    );
    facts
}

/// How long the step is compared already, and how long it still is.
fn hold(progress: &ProgressStatus, phase: Option<Phase>, now: Timestamp) -> Option<String> {
    if !matches!(phase, Some(Phase::Progressing | Phase::Paused)) {
        return None;
    }
    let plan = progress.plan.as_ref()?;
    let index = usize::try_from(progress.step?).ok()?;
    let steps = plan.steps();
    let step = steps.get(index)?;
    let clock = &progress.clocks.hold;
    let running = clock.since.as_ref().map(|it| now.duration_since(it.0).as_secs().max(0));
    let spent = clock.spent_ms / 1_000 + running.unwrap_or(0);
    let seconds = |it: siskin_api::Duration| it.as_millis() / 1_000;
    let (whole, most) = (seconds(step.hold), seconds(plan.max_hold_of(step)));
    let mut text = format!("{} of {}", ago::length(spent.min(whole)), ago::length(whole));
    let left = if spent < whole {
        format!(", {} left", ago::length(whole - spent))
    } else if spent < most {
        format!(", over; without a Pass it goes on for {} at most", ago::length(most - spent))
    } else {
        format!(", over, and so are the {} that it may take at most", ago::length(most))
    };
    text += &left;
    if running.is_none() {
        text += "; the clock stands until the canary is ready and in the group";
    }
    if step.approval == Approval::Required {
        text += "; then it needs an approval";
    }
    Some(text)
}

fn evidence(analysis: &AnalysisStatus, paint: Paint) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(found) = analysis.verdict {
        let reason = analysis.reason.as_deref().unwrap_or("no reason told");
        let on = analysis.subject.as_ref().map(|it| format!(" (on {it})")).unwrap_or_default();
        let word = paint.over(paint::of_verdict(found), verdict(found));
        facts.push(("Verdict", format!("{word}: {reason}{on}")));
    }
    if let (Some(evidence), Some(needed)) = (&analysis.evidence, &analysis.threshold) {
        facts.push(("Evidence", format!("{evidence} against the canary; it fails at {needed}")));
    }
    if !analysis.blind.is_empty() {
        facts.push(("Blind to", analysis.blind.join(", ")));
    }
    facts
}

fn roles(analysis: &AnalysisStatus) -> String {
    let heads = ["ROLE", "PODS", "READY", "MEMBERS", "PARTITIONS", "MSG/S", "LAG", "BEHIND"];
    let mut rows = vec![heads.map(str::to_owned)];
    let roles = [("primary", &analysis.primary), ("canary", &analysis.canary)];
    let known = roles.into_iter().filter_map(|(name, it)| Some((name, it.as_ref()?)));
    rows.extend(known.map(|(name, it)| role(name, it)));
    table::text(&rows)
}

fn role(name: &str, figures: &RoleFigures) -> [String; 8] {
    let number = |it: Option<i32>| it.map_or_else(|| "?".to_owned(), |it| it.to_string());
    [
        name.to_owned(),
        number(figures.pods),
        number(figures.ready_pods),
        number(figures.members),
        number(figures.partitions),
        figures.messages_per_second.clone().unwrap_or_else(|| "?".to_owned()),
        figures.lag.map_or_else(|| "?".to_owned(), |it| it.to_string()),
        figures.time_lag_seconds.map_or_else(|| "?".to_owned(), ago::length),
    ]
}

fn conditions(status: &CanaryRolloutStatus, now: Timestamp) -> String {
    let mut rows = vec![["CONDITION", "STATUS", "REASON", "FOR", "MESSAGE"].map(str::to_owned)];
    rows.extend(status.conditions.iter().map(|it| {
        let since = ago::since(it.last_transition_time.0, now);
        // Most say what the head of the text says.
        let said = status.message.as_ref() == Some(&it.message);
        let message = if said { "as above" } else { &it.message };
        [it.type_.clone(), it.status.clone(), it.reason.clone(), since, message.to_owned()]
    }));
    table::text(&rows)
}

fn told(events: &Result<Vec<Event>, String>, now: Timestamp) -> String {
    let events = match events {
        Ok(events) if events.is_empty() => return "Events: none\n".to_owned(),
        Ok(events) => events,
        Err(why) => return format!("Events: not shown, since {why}\n"),
    };
    let mut events: Vec<_> = events.iter().map(|it| (last_seen(it), it)).collect();
    events.sort_by_key(|it| std::cmp::Reverse(it.0));
    let mut rows = vec![["AGO", "EVENT", "REASON", "MESSAGE"].map(str::to_owned)];
    rows.extend(events.into_iter().take(MAX_EVENTS).map(|(at, it)| {
        let text = |it: &Option<String>| it.clone().unwrap_or_default().replace('\n', " ");
        let ago = at.map_or_else(|| "?".to_owned(), |at| ago::since(at, now));
        [ago, text(&it.type_), text(&it.reason), text(&it.message)]
    }));
    table::text(&rows)
}

/// When it was told last: a series says so itself.
fn last_seen(event: &Event) -> Option<Timestamp> {
    let series = event.series.as_ref().and_then(|it| it.last_observed_time.as_ref());
    let times = [
        series.map(|it| it.0),
        event.last_timestamp.as_ref().map(|it| it.0),
        event.event_time.as_ref().map(|it| it.0),
        event.metadata.creation_timestamp.as_ref().map(|it| it.0),
    ];
    times.into_iter().flatten().max()
}

/// Name of a phase.
pub(crate) fn phase(phase: Phase) -> &'static str {
    phase.into()
}

/// Name of a verdict.
pub(crate) const fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Pass => "Pass",
        Verdict::Fail => "Fail",
        Verdict::Inconclusive => "Inconclusive",
    }
}
