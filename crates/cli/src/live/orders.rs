//! Orders given to the operator: asked before where they skip a comparison, written, and the answer waited for.
//! Which order fits is decided elsewhere; takes none back.

use std::io::{IsTerminal as _, Write as _};
use std::time::Duration;

use kube::ResourceExt as _;
use serde_json::json;
use siskin_api::annotations::{primary, target};
use siskin_api::{CanaryRollout, CommandOutcome};
use tokio::time::Instant;

use crate::cluster::Cluster;
use crate::cluster::ask_error::AskError;
use crate::live::order::{self, OrderToGive, Wish};
use crate::live::wait::TIMED_OUT;
use crate::live::{output, undo};
use crate::options::orders::{BypassArgs, OrderArgs, OrderCommand};

/// Pause between two looks for an answer: the operator takes some 100 ms.
const LOOKS_EVERY: Duration = Duration::from_millis(300);

/// Exit code of an order that is not followed.
const NOT_FOLLOWED: u8 = 1;

/// Exit code of an order that is not given.
const NOT_GIVEN: u8 = 2;

/// Gives an order; 0 once it is followed.
pub(crate) async fn run(command: &OrderCommand) -> Result<u8, AskError> {
    match command {
        OrderCommand::Abort(args) => give(args, Wish::Abort).await,
        OrderCommand::Approve(args) => give(args, Wish::Approve).await,
        OrderCommand::Promote(args) if args.full => give(&args.order, Wish::PromoteFull).await,
        OrderCommand::Promote(args) => give(&args.order, Wish::PromoteStep).await,
        OrderCommand::Retry(args) => give(args, Wish::Retry).await,
        OrderCommand::Start(args) => give(args, Wish::Start).await,
        OrderCommand::Bypass(args) => bypass(args).await,
        OrderCommand::Suspend(args) => suspend(args, true).await,
        OrderCommand::Resume(args) => suspend(args, false).await,
        OrderCommand::Undo(args) => undo::run(args).await,
    }
}

async fn give(args: &OrderArgs, wish: Wish) -> Result<u8, AskError> {
    let cluster = Cluster::of(&args.cluster).await?;
    let rollout = cluster.rollout(&args.subject).await?;
    let order = match order::of(wish, &rollout) {
        Ok(order) => order,
        Err(why) => return Ok(not_given(&why)),
    };
    if let Some(code) = answered(&rollout, &order, "was answered before") {
        return Ok(code);
    }
    if let Some(skips) = &order.skips
        && !may_go_on(skips, args.yes)
    {
        return Ok(NOT_GIVEN);
    }
    let name = rollout.name_any();
    let change = json!({"metadata": {"annotations": {order.key: order.value}}});
    cluster.patch(&name, &change).await?;
    let deadline = deadline(args);
    while Instant::now() < deadline {
        tokio::time::sleep(LOOKS_EVERY).await;
        let rollout = cluster.named(&name).await?;
        if let Some(code) = answered(&rollout, &order, "was answered") {
            return Ok(code);
        }
    }
    eprintln!(
        "error: {}={} is given, but not answered after {}: the operator follows it as soon as it can. To take it back: \
         kubectl annotate canaryrollout/{name} -n {} {}-",
        order.key, order.value, args.timeout, cluster.namespace, order.key
    );
    Ok(TIMED_OUT)
}

/// Prints the operator's answer, if there is one; the exit code of it.
fn answered(rollout: &CanaryRollout, order: &OrderToGive, when: &str) -> Option<u8> {
    let status = rollout.status.as_ref()?;
    let is_of_it =
        |it: &&siskin_api::CommandRecord| it.command == order.command && it.value == order.value;
    let record = status.commands.iter().find(is_of_it)?;
    let message = status.message.as_deref().unwrap_or_default();
    let (code, said) = match record.outcome {
        CommandOutcome::Consumed => (0, "it is followed"),
        CommandOutcome::Stale => {
            (NOT_FOLLOWED, "it is of another attempt or step by now, and changes nothing")
        }
        CommandOutcome::Malformed => (NOT_FOLLOWED, "it is not understood, and changes nothing"),
    };
    output::print(&format!("{}={} {when}: {said}\nnow: {message}\n", order.key, order.value));
    Some(code)
}

async fn suspend(args: &OrderArgs, suspend: bool) -> Result<u8, AskError> {
    let cluster = Cluster::of(&args.cluster).await?;
    let name = cluster.rollout(&args.subject).await?.name_any();
    let written = cluster.patch(&name, &json!({"spec": {"suspend": suspend}})).await?;
    let generation = written.metadata.generation.unwrap_or(0);
    let deadline = deadline(args);
    let mut rollout = written;
    loop {
        let status = rollout.status.as_ref();
        if status.is_some_and(|it| generation <= it.observed_generation) {
            let message = status.and_then(|it| it.message.as_deref()).unwrap_or_default();
            let done = if suspend {
                "suspended: nothing goes forward; a tool for Git that has spec.suspend sets it back"
            } else {
                "resumed"
            };
            output::print(&format!("{done}\nnow: {message}\n"));
            return Ok(0);
        }
        if deadline <= Instant::now() {
            eprintln!("error: spec.suspend is {suspend}, but not seen after {}", args.timeout);
            return Ok(TIMED_OUT);
        }
        tokio::time::sleep(LOOKS_EVERY).await;
        rollout = cluster.named(&name).await?;
    }
}

async fn bypass(args: &BypassArgs) -> Result<u8, AskError> {
    let BypassArgs { reason, order: args } = args;
    let cluster = Cluster::of(&args.cluster).await?;
    let rollout = cluster.rollout(&args.subject).await?;
    let name = &rollout.spec.target_ref.name;
    if cluster.deployment(name).await?.is_none() {
        return Err(AskError::Absent(format!("Deployment {}/{name}", cluster.namespace)));
    }
    if is_consumed(&cluster, name, reason).await? {
        let why =
            "this reason was used for the last bypass, and would promote nothing: give another one";
        return Ok(not_given(why));
    }
    let revisions = rollout.status.as_ref().and_then(|it| it.revisions.clone()).unwrap_or_default();
    let waits = revisions.desired.is_some() && revisions.desired != revisions.promoted;
    let which = if waits { "the version that waits now" } else { "the next version applied" };
    let skips =
        format!("{which} of Deployment {name} goes to all consumers at once, without a trial");
    if !may_go_on(&skips, args.yes) {
        return Ok(NOT_GIVEN);
    }
    let change = json!({"metadata": {"annotations": {target::BYPASS: reason}}});
    cluster.patch_deployment(name, &change).await?;
    if !waits {
        output::print(&format!("noted on Deployment {name}: {skips}\n"));
        return Ok(0);
    }
    let deadline = deadline(args);
    while Instant::now() < deadline {
        tokio::time::sleep(LOOKS_EVERY).await;
        if is_consumed(&cluster, name, reason).await? {
            output::print(&format!("followed: {skips}\n"));
            return Ok(0);
        }
    }
    eprintln!(
        "error: the bypass is on Deployment {name}, but not followed after {}; kubectl siskin status says what holds it",
        args.timeout
    );
    Ok(TIMED_OUT)
}

/// Whether the operator has followed a bypass of this reason already.
async fn is_consumed(cluster: &Cluster, name: &str, reason: &str) -> Result<bool, AskError> {
    let child = cluster.deployment(&format!("{name}-primary")).await?;
    let consumed = child.and_then(|it| it.annotations().get(primary::BYPASS_CONSUMED).cloned());
    Ok(consumed.is_some_and(|it| it.trim() == reason))
}

fn deadline(args: &OrderArgs) -> Instant {
    let allowed = u64::try_from(args.timeout.as_millis()).unwrap_or(0);
    Instant::now() + Duration::from_millis(allowed)
}

fn not_given(why: &str) -> u8 {
    eprintln!("error: {why}");
    NOT_GIVEN
}

/// Asks on the terminal; without one only `--yes` lets it pass.
fn may_go_on(skips: &str, yes: bool) -> bool {
    if yes {
        return true;
    }
    if !std::io::stdin().is_terminal() {
        eprintln!("error: {skips}; there is no terminal to ask on, so it needs --yes");
        return false;
    }
    eprint!("{skips}. Go on? [y/N] ");
    let _ = std::io::stderr().flush();
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    let agrees = read.is_ok() && matches!(answer.trim(), "y" | "Y" | "yes");
    if !agrees {
        eprintln!("nothing was changed");
    }
    agrees
}
