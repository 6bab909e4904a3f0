//! `status`: one rollout, or those of a namespace, once or followed.
//! Asks and prints; the text is made elsewhere.

use std::io::IsTerminal as _;
use std::time::Duration;

use kube::ResourceExt as _;
use siskin_api::CanaryRollout;

use crate::clock;
use crate::cluster::Cluster;
use crate::cluster::ask_error::AskError;
use crate::live::paint::Paint;
use crate::live::view::Seen;
use crate::live::{output, view};
use crate::options::live::StatusArgs;

/// Pause between two looks: a person reads no faster, and a status is rarely written more often.
const LOOKS_EVERY: Duration = Duration::from_secs(2);

/// To the upper left corner, and nothing below.
const CLEAR: &str = "\x1b[H\x1b[2J";

/// Shows what is asked for.
pub(crate) async fn run(cluster: &Cluster, args: &StatusArgs) -> Result<u8, AskError> {
    let Some(subject) = &args.subject else { return all(cluster, args).await };
    let rollout = cluster.rollout(subject).await?;
    if let Some(form) = args.output {
        output::print(&output::one(&rollout, form));
        return Ok(0);
    }
    if args.watch {
        return follow(cluster, rollout).await;
    }
    let seen = seen(cluster, rollout).await;
    output::print(&view::text(&seen, clock::now(), Paint::of_stdout()));
    Ok(0)
}

async fn all(cluster: &Cluster, args: &StatusArgs) -> Result<u8, AskError> {
    let rollouts = cluster.rollouts(false).await?;
    if let Some(form) = args.output {
        output::print(&output::many(&rollouts, form));
        return Ok(0);
    }
    if rollouts.is_empty() {
        eprintln!("no CanaryRollout in {}", cluster.namespace);
    }
    let mut texts = Vec::new();
    for rollout in rollouts {
        texts.push(view::text(&seen(cluster, rollout).await, clock::now(), Paint::of_stdout()));
    }
    output::print(&texts.join("\n"));
    Ok(0)
}

/// Who may not read Events still sees the rest.
async fn seen(cluster: &Cluster, rollout: CanaryRollout) -> Seen {
    let events = cluster.events(&rollout.name_any()).await.map_err(|it| it.to_string());
    Seen { rollout, events }
}

/// Looks again and again, until nobody reads, or Ctrl-C. An error is shown and tried again.
async fn follow(cluster: &Cluster, first: CanaryRollout) -> Result<u8, AskError> {
    let name = first.name_any();
    let terminal = std::io::stdout().is_terminal();
    let mut told = String::new();
    let mut next: Result<CanaryRollout, AskError> = Ok(first);
    loop {
        let text = match next {
            Ok(rollout) if terminal => {
                view::text(&seen(cluster, rollout).await, clock::now(), Paint::of_stdout())
            }
            Ok(rollout) => format!("{}\n", view::line(&rollout)),
            Err(error) if error.may_pass() => format!("{name}: {error}\n"),
            Err(error) => return Err(error),
        };
        let reads = if terminal {
            output::print(&format!("{CLEAR}{text}"))
        } else if text == told {
            true
        } else {
            let at = clock::now().strftime("%Y-%m-%dT%H:%M:%SZ");
            output::print(&format!("{at} {text}"))
        };
        if !reads {
            return Ok(0);
        }
        told = text;
        tokio::time::sleep(LOOKS_EVERY).await;
        next = cluster.named(&name).await;
    }
}
