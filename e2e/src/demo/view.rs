//! What the audience sees of a moment: a block of lines on a terminal, one line elsewhere.
//! Pure: from the scene to text; where it is printed is `screen`'s business.

use std::time::Duration;

use super::seen::{Figures, Life, Pod, Role, Scene};
use super::watch::Happening;

/// A piece of a line.
pub struct Span(pub Style, pub String);

/// How a piece looks on a terminal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Style {
    /// As the terminal's text is.
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

/// The roles in the order in which they are shown.
const ROLES: [(Role, &str); 3] =
    [(Role::Target, "orders"), (Role::Primary, "primary"), (Role::Canary, "canary")];

/// The block that a terminal shows below everything else.
#[must_use]
pub fn block(scene: &Scene, title: &str, elapsed: Duration, width: usize) -> Vec<Vec<Span>> {
    let clock = format!(" {}:{:02} ", elapsed.as_secs() / 60, elapsed.as_secs() % 60);
    let head = format!("── {title} ");
    let rule = width.saturating_sub(head.chars().count() + clock.chars().count() + 2);
    let head = format!("{head}{}{clock}──", "─".repeat(rule));
    let mut lines = vec![vec![Span(Style::Strong, head)], state(scene)];
    lines.extend(ROLES.iter().map(|(role, name)| row(scene, *role, name)));
    let message = scene.rollout.as_ref().map_or("", |it| &it.message);
    lines.push(vec![Span(Style::Faint, message.to_owned())]);
    lines.push(vec![Span(Style::Strong, "─".repeat(width))]);
    lines
}

/// The same in one line, but for what changes all the time; and with that.
#[must_use]
pub fn line(scene: &Scene) -> (String, String) {
    let phase = scene.rollout.as_ref().map_or("", |it| &it.phase);
    let mut calm = vec![format!("{phase:<12}")];
    if let Some(summary) =
        scene.rollout.as_ref().map(|it| &it.summary).filter(|it| !it.step.is_empty())
    {
        calm.push(format!("step {}  weight {:>2} %", summary.step, summary.weight));
    }
    let mut whole = calm.clone();
    for (role, name) in ROLES {
        let Some(pods) = pods_in_words(scene, role) else { continue };
        let lag = figures(scene, role).and_then(|it| it.lag);
        let lag = lag.map(|it| format!(" lag {it}")).unwrap_or_default();
        calm.push(format!("{name} {pods}"));
        whole.push(format!("{name} {pods}{lag}"));
    }
    if let Some(verdict) = verdict(scene) {
        calm.push(verdict.to_owned());
        whole.push(verdict.to_owned());
    }
    (calm.join("  "), whole.join("  "))
}

/// What happened, if it is worth a line of its own.
#[must_use]
pub fn happening(what: &Happening) -> Option<Vec<Span>> {
    let words = |style, name: &str, text: &str| {
        Some(vec![Span(style, format!("{name:<14}")), Span(Style::Plain, text.to_owned())])
    };
    match what {
        Happening::Told { reason, note, warning } => {
            let style = if *warning { Style::Bad } else { Style::Good };
            words(style, &format!("Event {reason}"), &format!(" {note}"))
        }
        Happening::Stalled(place) => {
            words(Style::Doubtful, "canary's log", &format!(" stalled at {place}"))
        }
        Happening::Crashed(times) => {
            let times = format!(" its container has ended for the {} time", ordinal(*times));
            words(Style::Doubtful, "canary's pod", &times)
        }
        Happening::Phase(_) | Happening::CanaryAt(_) | Happening::Appeared(..) => None,
    }
}

fn state(scene: &Scene) -> Vec<Span> {
    let Some(rollout) = &scene.rollout else {
        return vec![Span(Style::Faint, "no CanaryRollout yet".to_owned())];
    };
    let style = match &*rollout.phase {
        "Succeeded" | "Initialized" | "Promoting" => Style::Good,
        "Failed" | "RollingBack" => Style::Bad,
        _ => Style::Strong,
    };
    let mut spans = vec![Span(style, format!("{:<14}", rollout.phase))];
    if !rollout.summary.step.is_empty() {
        let place =
            format!("step {}   weight {} %   ", rollout.summary.step, rollout.summary.weight);
        spans.push(Span(Style::Plain, place));
    }
    if let Some(verdict) = verdict(scene) {
        let style = match verdict {
            "Pass" => Style::Good,
            "Fail" => Style::Bad,
            _ => Style::Doubtful,
        };
        spans.push(Span(style, verdict.to_owned()));
    }
    spans
}

/// A verdict is shown while there is something to judge.
fn verdict(scene: &Scene) -> Option<&str> {
    let rollout = scene.rollout.as_ref()?;
    let judged = rollout.on_trial() || rollout.phase == "RollingBack";
    (judged && !rollout.summary.verdict.is_empty()).then_some(&*rollout.summary.verdict)
}

/// Figures are those of the last look at the group; without a trial it is too long ago.
fn figures(scene: &Scene, role: Role) -> Option<&Figures> {
    let rollout = scene.rollout.as_ref().filter(|it| it.on_trial())?;
    match role {
        Role::Target => None,
        Role::Primary => Some(&rollout.analysis.primary),
        Role::Canary => Some(&rollout.analysis.canary),
    }
}

fn row(scene: &Scene, role: Role, name: &str) -> Vec<Span> {
    let mut spans = vec![Span(Style::Plain, format!("  {name:<9}"))];
    let pods: Vec<&Pod> = scene.pods.values().filter(|it| it.role == role).collect();
    spans.extend(pods.iter().map(|it| symbol(it.life)));
    // Room for as many as a surge brings.
    let room = 9_usize.saturating_sub(pods.len());
    spans.push(Span(Style::Plain, "  ".repeat(room)));
    let Some(words) = pods_in_words(scene, role) else { return spans };
    spans.push(Span(Style::Plain, format!("{words:<12}")));
    if let Some(figures) = figures(scene, role) {
        let text = |it: Option<i64>| it.map_or_else(|| "?".to_owned(), |it| it.to_string());
        let (partitions, lag) = (text(figures.partitions), text(figures.lag));
        spans.push(Span(Style::Plain, format!("  {partitions:>2} partitions   lag {lag:>5}")));
    }
    spans
}

fn symbol(life: Life) -> Span {
    match life {
        Life::Starting => Span(Style::Doubtful, "○ ".to_owned()),
        Life::Ready => Span(Style::Good, "● ".to_owned()),
        Life::Crashed => Span(Style::Bad, "✗ ".to_owned()),
        Life::Ending => Span(Style::Faint, "· ".to_owned()),
    }
}

/// `5/6 v2`: ready of all, and of which version; nothing if there are none.
fn pods_in_words(scene: &Scene, role: Role) -> Option<String> {
    let mut versions: Vec<&str> = scene.pods_of(role).map(|it| &*it.version).collect();
    let all = versions.len();
    versions.sort_unstable();
    versions.dedup();
    (all != 0).then(|| format!("{}/{all} v{}", scene.ready(role), versions.join(",")))
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
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    fn pod(role: Role, version: &str, life: Life) -> Pod {
        Pod { role, version: version.to_owned(), life, crashes: 0, running: true }
    }

    fn scene() -> Scene {
        let status = json!({
            "phase": "Progressing",
            "message": "step 1/2",
            "summary": {"step": "1/2", "weight": 33, "verdict": "Inconclusive"},
            "analysis": {"canary": {"partitions": 2, "lag": 17}, "primary": {"lag": 4}},
        });
        let mut scene = Scene { rollout: from_value(status).unwrap(), ..Scene::default() };
        for number in 1..=2 {
            let primary = pod(Role::Primary, "2", Life::Ready);
            scene.pods.insert(format!("p{number}"), primary);
        }
        scene.pods.insert("c".to_owned(), pod(Role::Canary, "3", Life::Crashed));
        scene.pods.insert("old".to_owned(), pod(Role::Target, "1", Life::Ending));
        scene
    }

    #[test]
    fn a_line_holds_what_matters_and_the_lag_is_no_change() {
        let (calm, whole) = line(&scene());
        assert_eq!(
            whole,
            "Progressing   step 1/2  weight 33 %  primary 2/2 v2 lag 4  canary 0/1 v3 lag 17  Inconclusive"
        );
        assert_eq!(
            calm,
            "Progressing   step 1/2  weight 33 %  primary 2/2 v2  canary 0/1 v3  Inconclusive"
        );
    }

    #[test]
    fn a_block_shows_each_pod_of_each_role() {
        let text = |spans: &[Span]| spans.iter().map(|it| &*it.1).collect::<String>();
        let lines: Vec<_> = block(&scene(), "a title", Duration::from_secs(61), 60)
            .iter()
            .map(|it| text(it))
            .collect();
        assert_eq!(lines.len(), 7);
        assert!(lines[0].starts_with("── a title ─") && lines[0].ends_with(" 1:01 ──"));
        assert_eq!(lines[0].chars().count(), 60);
        assert!(lines[2].contains("· ") && lines[3].contains("● ● ") && lines[4].contains("✗ "));
        assert!(lines[4].contains("0/1 v3") && lines[4].contains("lag    17"), "{}", lines[4]);
    }

    #[test]
    fn figures_of_an_earlier_trial_are_not_shown() {
        let mut scene = scene();
        scene.rollout.as_mut().unwrap().phase = "Failed".to_owned();
        assert!(!line(&scene).1.contains("lag"));
        assert_eq!(verdict(&scene), None);
    }
}
