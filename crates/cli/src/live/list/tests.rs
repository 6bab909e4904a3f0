//! A list and a status in colors: what is painted, and that nothing else differs.
//! The plain text is what the tests of the program have.

use jiff::Timestamp;
use serde_json::json;
use siskin_api::CanaryRollout;

use super::{ListLook, text};
use crate::live::paint::Paint;
use crate::live::view::{self, Seen};

fn rollout(name: &str, phase: &str, verdict: &str, stalled: bool) -> CanaryRollout {
    let stalled = json!({
        "type": "Stalled", "status": if stalled { "True" } else { "False" }, "reason": "Overdue",
        "message": "", "lastTransitionTime": "2026-01-01T00:00:00Z",
    });
    let object = json!({
        "metadata": {"name": name, "namespace": "shop"},
        "spec": {
            "targetRef": {"name": name}, "strategy": {"steps": [{"weight": 10}]},
            "analysis": {"kafka": {"bootstrapServers": ["k:9092"], "consumerGroup": name}},
        },
        "status": {
            "phase": phase, "conditions": [stalled], "summary": {"verdict": verdict},
            "analysis": {"verdict": verdict, "reason": "a reason"},
        },
    });
    serde_json::from_value(object).expect("a rollout")
}

/// A text without what paints it.
fn plain(text: &str) -> String {
    let mut parts = text.split('\x1b');
    let first = parts.next().unwrap_or_default().to_owned();
    let rest = parts.map(|it| it.split_once('m').expect("the end of a color").1);
    rest.fold(first, |all, part| all + part)
}

#[test]
fn a_list_paints_verdicts_and_the_phases_that_need_a_person_and_keeps_its_columns() {
    let rollouts = [
        rollout("a", "Progressing", "Inconclusive", false),
        rollout("b", "Failed", "Fail", true),
        rollout("c", "Succeeded", "Pass", false),
    ];
    for everywhere in [false, true] {
        let shown = |paint| text(&rollouts, ListLook { everywhere, paint }, Timestamp::UNIX_EPOCH);
        let painted = shown(Paint::On);
        assert_eq!(plain(&painted), shown(Paint::Off));
        assert!(!shown(Paint::Off).contains('\x1b'));
        for part in [
            "  Progressing         ",
            "\x1b[33mInconclusive\x1b[0m",
            "\x1b[31mFailed (needs you)\x1b[0m",
            "\x1b[31mFail        \x1b[0m",
            "\x1b[32mPass        \x1b[0m",
        ] {
            assert!(painted.contains(part), "{part:?} in {painted:?}");
        }
        assert_eq!(painted.lines().next(), shown(Paint::Off).lines().next(), "heads are plain");
    }
}

#[test]
fn a_status_paints_its_phase_and_its_verdict() {
    let seen = Seen { rollout: rollout("b", "Paused", "Fail", false), events: Ok(Vec::new()) };
    let painted = view::text(&seen, Timestamp::UNIX_EPOCH, Paint::On);
    assert_eq!(plain(&painted), view::text(&seen, Timestamp::UNIX_EPOCH, Paint::Off));
    assert!(
        painted.starts_with("shop/b  \x1b[33mPaused\x1b[0m, \x1b[31mFail\x1b[0m\n"),
        "{painted:?}"
    );
    assert!(painted.contains("Verdict     \x1b[31mFail\x1b[0m: a reason\n"), "{painted:?}");
}
