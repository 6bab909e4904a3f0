//! What the audience sees of a moment: a block of lines on a terminal, one line elsewhere.
//! Pure: from the scene to text; where it is printed is `screen`'s business.

use std::time::Duration;

use siskin_api::{Phase, PrintedColumns, RoleFigures, Verdict};

use crate::scenario::history::State;
use crate::scenario::phase;
use crate::scenario::seen::{Event, Part, SeenPod};

/// What is worth a line of its own.
#[derive(Clone, Debug)]
pub enum Happening {
    /// The operator told it by an Event.
    Told(Event),
    /// A canary pod stands still at this topic/partition/offset.
    Stalled(String),
    /// The container of a canary pod has ended for the n-th time.
    Crashed(i64),
}

/// A piece of a line.
pub struct Span(pub Style, pub String);

/// How a piece looks on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// The terminal's own text.
    Plain,
    /// Bold.
    Strong,
    /// Grey.
    Faint,
    /// Green.
    Good,
    /// Yellow.
    Doubtful,
    /// Red.
    Bad,
}

/// The Deployments in the order in which they are shown.
const PARTS: [(Part, &str); 3] =
    [(Part::Target, "orders"), (Part::Primary, "primary"), (Part::Canary, "canary")];

/// The block that a terminal shows below everything else.
pub fn block(state: &State, title: &str, elapsed: Duration, width: usize) -> Vec<Vec<Span>> {
    let clock = format!(" {}:{:02} ", elapsed.as_secs() / 60, elapsed.as_secs() % 60);
    let head = format!("── {title} ");
    let rule = width.saturating_sub(head.chars().count() + clock.chars().count() + 2);
    let head = format!("{head}{}{clock}──", "─".repeat(rule));
    let mut lines = vec![vec![Span(Style::Strong, head)], place(state)];
    lines.extend(PARTS.iter().map(|(part, name)| row(state, *part, name)));
    let message = state.rollout().and_then(|it| it.status.message.clone());
    lines.push(vec![Span(Style::Faint, message.unwrap_or_default())]);
    lines.push(vec![Span(Style::Strong, "─".repeat(width))]);
    lines
}

/// One line, and the same without what changes all the time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Line {
    /// Phase, step, pods and verdict.
    pub calm: String,
    /// Phase, step, pods, lag and verdict.
    pub whole: String,
}

/// What is there, in one line; empty if nothing is.
pub fn line(state: &State) -> Line {
    let phase = phase(state).map_or(String::new(), |it| format!("{it:?}"));
    let mut calm = vec![format!("{phase:<12}")];
    if let Some((step, weight)) = step(state) {
        calm.push(format!("step {step}  weight {weight:>2} %"));
    }
    let mut whole = calm.clone();
    for (part, name) in PARTS {
        let Some(pods) = pods_in_words(state, part) else { continue };
        let lag = figures(state, part).and_then(|it| it.lag);
        let lag = lag.map(|it| format!(" lag {it}")).unwrap_or_default();
        calm.push(format!("{name} {pods}"));
        whole.push(format!("{name} {pods}{lag}"));
    }
    if let Some(verdict) = verdict(state) {
        calm.push(format!("{verdict:?}"));
        whole.push(format!("{verdict:?}"));
    }
    let line = |words: Vec<String>| words.join("  ").trim_end().to_owned();
    Line { calm: line(calm), whole: line(whole) }
}

/// What happened, in words.
pub fn happening(what: &Happening) -> Vec<Span> {
    let (style, name, text) = match what {
        Happening::Told(event) => {
            let style = if event.warning { Style::Bad } else { Style::Good };
            (style, format!("Event {}", event.reason), event.note.clone())
        }
        Happening::Stalled(place) => {
            (Style::Doubtful, "canary's log".to_owned(), format!("stalled at {place}"))
        }
        Happening::Crashed(times) => {
            let times = format!("its container has ended for the {} time", ordinal(*times));
            (Style::Doubtful, "canary's pod".to_owned(), times)
        }
    };
    vec![Span(style, format!("{name:<14}")), Span(Style::Plain, format!(" {text}"))]
}

fn place(state: &State) -> Vec<Span> {
    let Some(phase) = phase(state) else {
        return vec![Span(Style::Faint, "no CanaryRollout yet".to_owned())];
    };
    let style = match phase {
        Phase::Succeeded | Phase::Initialized | Phase::Promoting => Style::Good,
        Phase::Failed | Phase::RollingBack => Style::Bad,
        Phase::Pending
        | Phase::Adopting
        | Phase::Preparing
        | Phase::Progressing
        | Phase::Paused
        | Phase::Terminating => Style::Strong,
    };
    let mut spans = vec![Span(style, format!("{:<14}", format!("{phase:?}")))];
    if let Some((step, weight)) = step(state) {
        spans.push(Span(Style::Plain, format!("step {step}   weight {weight} %   ")));
    }
    if let Some(verdict) = verdict(state) {
        let style = match verdict {
            Verdict::Pass => Style::Good,
            Verdict::Fail => Style::Bad,
            Verdict::Inconclusive => Style::Doubtful,
        };
        spans.push(Span(style, format!("{verdict:?}")));
    }
    spans
}

fn summary(state: &State) -> Option<&PrintedColumns> {
    state.rollout()?.status.summary.as_ref()
}

/// `1/2`, and the real share of the canary's pods in percent.
fn step(state: &State) -> Option<(&str, i32)> {
    let summary = summary(state)?;
    Some((summary.step.as_deref()?, summary.weight.unwrap_or(0)))
}

/// A verdict is shown while there is something to judge.
fn verdict(state: &State) -> Option<Verdict> {
    let judged = on_trial(state) || phase(state) == Some(Phase::RollingBack);
    summary(state)?.verdict.filter(|_| judged)
}

fn on_trial(state: &State) -> bool {
    matches!(phase(state), Some(Phase::Progressing | Phase::Paused | Phase::Promoting))
}

/// Figures are those of the last look at the group; without a trial it is too long ago.
fn figures(state: &State, part: Part) -> Option<&RoleFigures> {
    let analysis = state.rollout()?.status.analysis.as_ref().filter(|_| on_trial(state))?;
    match part {
        Part::Target => None,
        Part::Primary => analysis.primary.as_ref(),
        Part::Canary => analysis.canary.as_ref(),
    }
}

fn row(state: &State, part: Part, name: &str) -> Vec<Span> {
    let mut spans = vec![Span(Style::Plain, format!("  {name:<9}"))];
    let pods: Vec<&SeenPod> = state.pods.values().filter(|it| it.part == Some(part)).collect();
    spans.extend(pods.iter().map(|it| symbol(it)));
    // Room for as many as a surge brings.
    let room = 9_usize.saturating_sub(pods.len());
    spans.push(Span(Style::Plain, "  ".repeat(room)));
    let Some(words) = pods_in_words(state, part) else { return spans };
    spans.push(Span(Style::Plain, format!("{words:<12}")));
    if on_trial(state) && part != Part::Target {
        let figures = figures(state, part);
        let text = |it: Option<i64>| it.map_or_else(|| "?".to_owned(), |it| it.to_string());
        let partitions = text(figures.and_then(|it| it.partitions).map(i64::from));
        let lag = text(figures.and_then(|it| it.lag));
        spans.push(Span(Style::Plain, format!("  {partitions:>2} partitions   lag {lag:>5}")));
    }
    spans
}

fn symbol(pod: &SeenPod) -> Span {
    let (style, symbol) = match (pod.terminating, pod.ready) {
        (true, _) => (Style::Faint, "· "),
        (false, true) => (Style::Good, "● "),
        // Its container waits to be started again.
        (false, false) if 0 < pod.crashes && !pod.running => (Style::Bad, "✗ "),
        (false, false) => (Style::Doubtful, "○ "),
    };
    Span(style, symbol.to_owned())
}

/// `5/6 v2`: ready of all, and of which version; nothing if there are none.
fn pods_in_words(state: &State, part: Part) -> Option<String> {
    let pods = || state.pods_of(part).map(|(_, it)| it);
    let mut versions: Vec<&str> = pods().filter_map(|it| it.version.as_deref()).collect();
    versions.sort_unstable();
    versions.dedup();
    let (ready, all) = (pods().filter(|it| it.ready).count(), pods().count());
    (all != 0).then(|| format!("{ready}/{all} v{}", versions.join(",")))
}

fn ordinal(number: i64) -> String {
    match number {
        1 => "first".to_owned(),
        2 => "second".to_owned(),
        3 => "third".to_owned(),
        other => format!("{other}th"),
    }
}

#[cfg(test)]
mod tests;
