//! What a person can do about a rollout now, as commands of this program.
//! Offers only what the operator would follow; runs nothing.

use kube::ResourceExt as _;
use siskin_api::conditions::{STALLED, is_true};
use siskin_api::{Approval, CanaryRollout, CanaryRolloutStatus, Phase};

/// Commands with what each does, the gentlest first.
pub(crate) fn of(rollout: &CanaryRollout) -> Vec<String> {
    let Some(status) = &rollout.status else { return Vec::new() };
    let mut commands = Vec::new();
    if rollout.spec.suspend {
        commands.push(("resume", "let it go on"));
    }
    match status.phase {
        Some(Phase::Preparing) => {
            commands.push(("start", "begin the trial although its conditions are not met"));
            commands.push(("abort", "give this version up"));
        }
        Some(Phase::Progressing | Phase::Paused) => {
            if needs_approval(status) {
                commands.push(("approve", "let this step pass once it has proven itself"));
            }
            commands.push(("abort", "roll back now"));
            commands.push(("promote", "skip what is left of this step"));
        }
        Some(Phase::Promoting) => commands.push(("abort", "take the promotion back")),
        Some(Phase::Failed) => commands.push(("retry", "try the rejected version again")),
        Some(
            Phase::Pending
            | Phase::Adopting
            | Phase::Initialized
            | Phase::RollingBack
            | Phase::Succeeded
            | Phase::Terminating,
        )
        | None => {}
    }
    let mut lines: Vec<_> = commands.iter().map(|it| line(rollout, *it)).collect();
    if is_true(&status.conditions, STALLED) {
        lines.push("read docs/runbook.md for the reason of the condition Stalled".to_owned());
    }
    lines
}

fn line(rollout: &CanaryRollout, command: (&str, &str)) -> String {
    let namespace = rollout.namespace().unwrap_or_default();
    let (verb, does) = command;
    format!("kubectl siskin {verb} {} -n {namespace}   # {does}", rollout.name_any())
}

/// Whether the step on trial asks for an approval at its end.
pub(crate) fn needs_approval(status: &CanaryRolloutStatus) -> bool {
    let step = || {
        let progress = status.progress.as_ref()?;
        let index = usize::try_from(progress.step?).ok()?;
        progress.plan.as_ref()?.steps().get(index).map(|it| it.approval)
    };
    step() == Some(Approval::Required)
}
