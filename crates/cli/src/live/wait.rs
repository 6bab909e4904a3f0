//! `wait`: looks at Deployment and CanaryRollout until there is an answer, or no time left.
//! Asks and prints; what a look means is decided elsewhere.

use std::time::Duration;

use kube::ResourceExt as _;
use siskin_api::Duration as ApiDuration;
use tokio::time::Instant;

use crate::cluster::Cluster;
use crate::cluster::ask_error::AskError;
use crate::live::output;
use crate::live::waiting::{self, WaitAnswer, Waiting};
use crate::options::live::WaitArgs;

/// Pause between two looks: two small reads a second at most.
const LOOKS_EVERY: Duration = Duration::from_secs(1);

/// Longest wait for the CanaryRollout itself, whose plan says how long the rest may take.
const FIRST_LOOK: ApiDuration = ApiDuration::from_mins(10);

/// Exit code of a version that does not serve.
const ROLLED_BACK: u8 = 1;

/// Exit code of a rollout that goes on only when a person does something.
const NEEDS_PERSON: u8 = 3;

/// Exit code of a time-out, that of timeout(1).
pub(crate) const TIMED_OUT: u8 = 124;

/// Waits, and tells each change of what is waited for.
pub(crate) async fn run(cluster: &Cluster, args: &WaitArgs) -> Result<u8, AskError> {
    let begun = Instant::now();
    let mut allowed = args.timeout.unwrap_or(FIRST_LOOK);
    let mut waiting = Waiting::new(args.change_id.clone(), args.keep_waiting);
    let mut told = String::new();
    loop {
        let deadline =
            begun + Duration::from_millis(u64::try_from(allowed.as_millis()).unwrap_or(0));
        let (name, answer) =
            match tokio::time::timeout_at(deadline, look(cluster, args, &mut waiting)).await {
                Ok(Ok(Look { name, answer, longest })) => {
                    allowed = args.timeout.unwrap_or(longest);
                    (name, answer)
                }
                Ok(Err(error)) if error.may_pass() => {
                    (String::new(), WaitAnswer::Waits(error.to_string()))
                }
                Ok(Err(error)) => return Err(error),
                Err(_) => (String::new(), WaitAnswer::Waits(told.clone())),
            };
        let (code, text) = match answer {
            WaitAnswer::Promoted(why) => (0, format!("{name} promoted: {why}")),
            WaitAnswer::RolledBack(why) => (ROLLED_BACK, format!("{name} not promoted: {why}")),
            WaitAnswer::NeedsPerson(why) => (NEEDS_PERSON, format!("{name} needs you: {why}")),
            WaitAnswer::Waits(why) => {
                if why != told {
                    output::print(&format!("waiting: {why}\n"));
                    told = why;
                }
                if deadline <= Instant::now() {
                    eprintln!("error: not over after {allowed}: {told}");
                    return Ok(TIMED_OUT);
                }
                tokio::time::sleep_until(deadline.min(Instant::now() + LOOKS_EVERY)).await;
                continue;
            }
        };
        output::print(&format!("{text}\n"));
        return Ok(code);
    }
}

/// What one look showed.
struct Look {
    name: String,
    answer: WaitAnswer,
    /// How long a rollout of this plan may take.
    longest: ApiDuration,
}

async fn look(cluster: &Cluster, args: &WaitArgs, waiting: &mut Waiting) -> Result<Look, AskError> {
    let rollout = cluster.rollout(&args.subject).await?;
    let deployment = cluster.deployment(&rollout.spec.target_ref.name).await?;
    let name = format!("{}/{}", cluster.namespace, rollout.name_any());
    let answer = waiting.look(deployment.as_ref(), &rollout);
    Ok(Look { name, answer, longest: waiting::longest(&rollout.spec) })
}
