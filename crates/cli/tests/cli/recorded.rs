//! What the operator records is judged again to the same verdict, second and reason.
//! The operator's own evidence and recorder on a simulated group, then the command on the file.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::sync::Arc;

use jiff::Timestamp;
use siskin_analysis::observation::{GroupState, Millis, Observation, Role};
use siskin_analysis::{Assessment, Verdict};
use siskin_api::AnalysisStatus;
use siskin_decide::{Revision, RolloutId};
use siskin_kafka::GroupSnapshot;
use siskin_operator::evidence::replay_ranges::KeptRanges;
use siskin_operator::evidence::rollout_evidence::{RolloutEvidence, Saved};
use siskin_operator::name::Name;
use siskin_operator::traces::shelf::Traces;
use siskin_simulation::trial::{HAND_OVER, settings};
use siskin_simulation::{Shape, World};

use crate::command::{MINUTE, folder};

const ID: RolloutId = RolloutId { revision: Revision(7), attempt: 1 };

/// An operator and a group, live.
struct Live {
    world: World,
    traces: Traces,
    evidence: RolloutEvidence,
    /// When the judge at work began.
    begun: Millis,
    /// When the verdict changed to what it is.
    since: Millis,
    last: Option<Assessment>,
    /// The primary's health as each pass sees it.
    primary_healthy: bool,
}

impl Live {
    /// Longer at rest than an operator remembers, then a trial.
    fn begin() -> Self {
        let mut world = World::new(Shape::small(), 1);
        let (traces, evidence) = process(world.shape);
        world.run(25 * MINUTE, |_, _| {});
        let begun = world.now;
        let mut live = Self {
            world,
            traces,
            evidence,
            begun,
            since: begun,
            last: None,
            primary_healthy: true,
        };
        live.run(25 * MINUTE, |_| {});
        live.world.start_trial(HAND_OVER);
        live.attend(Saved { analysis: None, replay: &KeptRanges::Begins, under_way: false });
        live
    }

    fn attend(&mut self, saved: Saved<'_>) {
        (self.begun, self.since, self.last) = (self.world.now, self.world.now, None);
        let settings = settings(self.world.shape);
        self.evidence.attend(Some(ID), settings, saved, time(self.world.now));
    }

    /// Another process goes on; with the accounts of this one, or without.
    fn restart(&mut self, accounts: bool) {
        let analysis = AnalysisStatus { accounts: self.evidence.accounts(), ..Default::default() };
        (self.traces, self.evidence) = process(self.world.shape);
        let analysis = accounts.then_some(&analysis);
        self.attend(Saved { analysis, replay: &KeptRanges::Begins, under_way: true });
    }

    /// Lets time pass, up to the first Fail. A sample, then a pass: as in the operator.
    fn run(&mut self, span: Millis, edit: impl Fn(&mut Observation)) {
        let Self { world, evidence, since, last, primary_healthy, .. } = self;
        world.run(span, |_, mut seen| {
            if last.as_ref().is_some_and(|it| it.verdict == Verdict::Fail) {
                return;
            }
            edit(&mut seen);
            let (at, state) = (seen.at, GroupState::Stable);
            let (members, partitions) = (Vec::new(), Vec::new());
            let snapshot =
                GroupSnapshot { at, state, assignor: String::new(), epoch: 1, members, partitions };
            evidence.observe(Arc::new(Ok(snapshot)), time(at), seen.pods, seen.group);
            let Some(now) = evidence.assess(time(at), *primary_healthy) else { return };
            if last.as_ref().is_none_or(|it| it.verdict != now.verdict) {
                *since = at;
            }
            *last = Some(now);
        });
    }

    /// The trace as the operator hands it out.
    fn trace(&self) -> Vec<u8> {
        self.traces.of(&name()).expect("a trace").concat()
    }

    /// What the command says of the trace must be what was found live.
    fn compare(&self, folder: &Path, expected: (Verdict, &str)) {
        let path = folder.join("orders.jsonl.gz");
        std::fs::write(&path, self.trace()).expect("written");
        let output = command(folder).args(["orders.jsonl.gz", "--json"]).output().expect("runs");
        let live = self.last.as_ref().expect("judged");
        assert_eq!((live.verdict, live.finding.name()), expected, "live");
        let notes: Vec<String> = live.notes.iter().map(ToString::to_string).collect();
        let live = serde_json::json!({
            "file": "orders.jsonl.gz",
            "rollout": "shop/orders",
            "verdict": live.verdict,
            "second": (self.since - self.begun) / 1_000,
            "reason": live.finding.name(),
            "message": live.finding.to_string(),
            "judgedSeconds": (live.at - self.begun) / 1_000,
            "against": live.against,
            "proof": live.proof,
            "blind": live.blind,
            "notes": notes,
            "resumed": self.traces.list()[0].resumed,
            "cut": false,
        });
        // As text: numbers that are read back may differ in their last bit.
        assert_eq!(said(&output), format!("{live}\n"));
    }
}

/// A new process: nothing recorded, nothing known.
fn process(shape: Shape) -> (Traces, RolloutEvidence) {
    let traces = Traces::default();
    let evidence = RolloutEvidence::new(shape.poll, traces.recorder(&name()));
    (traces, evidence)
}

fn name() -> Name {
    Name::new("shop", "orders")
}

fn time(at: Millis) -> Timestamp {
    Timestamp::from_millisecond(at).expect("a time of 2026")
}

fn command(folder: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kubectl-siskin"));
    command.current_dir(folder).arg("replay");
    command
}

fn said(output: &Output) -> &str {
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    std::str::from_utf8(&output.stdout).expect("text")
}

#[test]
fn a_canary_that_keeps_up_passes_again() {
    let mut live = Live::begin();
    live.run(6 * MINUTE, |_| {});
    live.compare(&folder("recorded-pass"), (Verdict::Pass, "KeepsUp"));
}

#[test]
fn a_canary_that_never_commits_fails_again() {
    let mut live = Live::begin();
    live.world.canary().for_each(|pod| pod.health = 0.0);
    live.run(6 * MINUTE, |_| {});
    live.compare(&folder("recorded-stall"), (Verdict::Fail, "NoFirstCommit"));
}

#[test]
fn a_canary_that_is_too_slow_fails_again() {
    let mut live = Live::begin();
    live.world.canary().for_each(|pod| pod.health = 0.5);
    live.run(30 * MINUTE, |_| {});
    live.compare(&folder("recorded-drift"), (Verdict::Fail, "Drifting"));
}

#[test]
fn a_crash_loop_fails_again_and_so_it_does_without_kafka() {
    let mut live = Live::begin();
    live.run(MINUTE, |_| {});
    live.run(MINUTE, |seen| {
        seen.group = None;
        seen.pods
            .iter_mut()
            .filter(|pod| pod.role == Role::Canary)
            .for_each(|pod| pod.crash_loop = true);
    });
    live.compare(&folder("recorded-crash"), (Verdict::Fail, "CrashLoop"));
}

/// By the pods alone the first primary would be unhealthy and the second one healthy: the operator
/// goes by the Deployment and what it may miss.
#[test]
fn the_primary_s_health_is_judged_by_as_the_operator_saw_it() {
    let missing = |seen: &mut Observation| {
        let primary = seen.pods.iter_mut().filter(|pod| pod.role == Role::Primary);
        primary.for_each(|pod| pod.ready = false);
    };
    let mut live = Live::begin();
    live.world.canary().for_each(|pod| pod.health = 0.0);
    live.run(6 * MINUTE, missing);
    live.compare(&folder("recorded-lenient"), (Verdict::Fail, "NoFirstCommit"));
    let mut live = Live::begin();
    live.primary_healthy = false;
    live.world.canary().for_each(|pod| pod.health = 0.0);
    live.run(6 * MINUTE, |_| {});
    live.compare(&folder("recorded-strict"), (Verdict::Inconclusive, "PrimaryUnhealthy"));
}

#[test]
fn after_a_restart_of_the_operator_the_rest_is_judged_as_it_was() {
    for (accounts, folder) in [(true, folder("recorded-on")), (false, folder("recorded-over"))] {
        let mut live = Live::begin();
        live.run(2 * MINUTE, |_| {});
        live.restart(accounts);
        live.run(2 * MINUTE, |_| {});
        live.world.canary().for_each(|pod| pod.health = 0.0);
        live.run(10 * MINUTE, |_| {});
        live.compare(&folder, (Verdict::Fail, "Stalled"));
    }
}

#[test]
fn a_trace_is_read_from_standard_input_and_a_broken_one_is_named() {
    let mut live = Live::begin();
    live.run(MINUTE, |_| {});
    let trace = live.trace();
    let folder = folder("recorded-piped");
    let feed = |bytes: &[u8]| {
        let mut piped = command(&folder);
        piped.args(["-", "--json"]).stdin(Stdio::piped());
        let mut child = piped.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("runs");
        child.stdin.take().expect("a pipe").write_all(bytes).expect("taken");
        child.wait_with_output().expect("ends")
    };
    let whole = feed(&trace);
    let whole: serde_json::Value = serde_json::from_str(said(&whole)).expect("JSON");
    assert_eq!((&whole["file"], &whole["judgedSeconds"]), (&"-".into(), &60.into()));
    let broken = feed(&trace[..trace.len() - 9]);
    assert_eq!(broken.status.code(), Some(1));
    let errors = String::from_utf8(broken.stderr).expect("text");
    assert!(errors.starts_with("-: line "), "{errors}");
    let none = feed(b"");
    assert!(String::from_utf8_lossy(&none.stderr).contains("the trace is empty"));
}
