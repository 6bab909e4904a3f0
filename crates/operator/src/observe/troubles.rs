//! What keeps a pod from running, and a Deployment from getting its pods, in the server's words.
//! Says what stands there; whose fault it is, others say.

use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use jiff::Timestamp;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod, PodCondition, PodStatus};
use kube::ResourceExt;
use kube::core::DynamicObject;
use siskin_analysis::observation::{CRASH_LOOP, Millis, Role};

use crate::observe::containers::{has_begun, last_end, statuses, unusual_wait};
use crate::workloads::identity::role_name;

/// Characters of the server's words that are told: a scheduler names every kind of node.
const MOST_WORDS: usize = 300;
/// A pod on its node whose containers are not created by then is told: volumes are attached and
/// images of a gigabyte pulled within a minute.
pub(crate) const CREATED_WITHIN: Millis = 60_000;

/// What keeps one pod from running.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodTrouble {
    pub(crate) pod: Arc<str>,
    pub(crate) role: Role,
    /// Since when; for a container since its pod was created.
    pub(crate) since: Millis,
    pub(crate) trouble: Trouble,
}

/// A reason why a pod does not run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The scheduler finds no node for it, in its words.
    Unplaced(String),
    /// It has a node, and none of its containers was created: the reason is in its Events alone.
    NotCreated,
    /// A container can't be started, or is started again and again.
    NotStarted { container: String, reason: String, words: String },
}

impl PodTrouble {
    /// The gravest trouble of a pod; `None`: it has none, or is about to go.
    pub(super) fn of(pod: &Pod, role: Role) -> Option<Self> {
        if pod.metadata.deletion_timestamp.is_some() {
            return None;
        }
        let created = pod.creation_timestamp().map_or(0, |it| it.0.as_millisecond());
        let (trouble, since) = trouble(pod.status.as_ref()?)?;
        let since = since.unwrap_or(created);
        Some(Self { pod: pod.name_any().into(), role, since, trouble })
    }

    /// Whether it is one at `now`: containers take their time.
    pub(crate) fn stands(&self, now: Millis) -> bool {
        match self.trouble {
            Trouble::NotCreated => CREATED_WITHIN <= now.saturating_sub(self.since),
            Trouble::Unplaced(_) | Trouble::NotStarted { .. } => true,
        }
    }

    /// Whether the cluster owes the pod something, rather than the pod's version.
    pub(crate) const fn is_of_the_cluster(&self) -> bool {
        match self.trouble {
            Trouble::Unplaced(_) | Trouble::NotCreated => true,
            Trouble::NotStarted { .. } => false,
        }
    }

    /// Whether another pod has the same trouble: the same container waits for the same reason.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        match (&self.trouble, &other.trouble) {
            (
                Trouble::NotStarted { container, reason, .. },
                Trouble::NotStarted { container: theirs, reason: other, .. },
            ) => container == theirs && reason == other,
            (Trouble::Unplaced(_), Trouble::Unplaced(_))
            | (Trouble::NotCreated, Trouble::NotCreated) => true,
            (
                Trouble::Unplaced(_) | Trouble::NotCreated | Trouble::NotStarted { .. },
                Trouble::Unplaced(_) | Trouble::NotCreated | Trouble::NotStarted { .. },
            ) => false,
        }
    }

    /// What tells two troubles apart for whoever is told: not the pod, which is replaced.
    pub(crate) fn key(&self) -> String {
        let role = role_name(self.role);
        match &self.trouble {
            Trouble::Unplaced(_) => format!("{role} Unschedulable"),
            Trouble::NotCreated => format!("{role} ContainersNotCreated"),
            Trouble::NotStarted { container, reason, .. } => format!("{role} {container} {reason}"),
        }
    }
}

impl Display for PodTrouble {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let pod = &self.pod;
        match &self.trouble {
            Trouble::Unplaced(words) => write!(f, "pod {pod} can't be placed: {words}"),
            Trouble::NotCreated => {
                let since = Timestamp::from_millisecond(self.since).unwrap_or(Timestamp::MIN);
                write!(
                    f,
                    "pod {pod} has had a node since {since:.0} and its containers are not created: a volume, the network, or a large image; its Events say which"
                )
            }
            Trouble::NotStarted { container, reason, words } if words.is_empty() => {
                write!(f, "container {container} of pod {pod} waits: {reason}")
            }
            Trouble::NotStarted { container, reason, words } => {
                write!(f, "container {container} of pod {pod} waits: {reason} ({words})")
            }
        }
    }
}

/// The gravest trouble that a status shows, and since when, if it says so.
fn trouble(status: &PodStatus) -> Option<(Trouble, Option<Millis>)> {
    if let Some((container, (reason, waiting))) =
        statuses(status).find_map(|it| Some((it, unusual_wait(it)?)))
    {
        let reason = canonical(reason);
        let words = match reason {
            IMAGE_PULL => image_words(container),
            CRASH_LOOP => exit_words(container),
            _ => sanitized(waiting.message.as_deref().unwrap_or_default()),
        };
        let (container, reason) = (container.name.clone(), reason.to_owned());
        return Some((Trouble::NotStarted { container, reason, words }, None));
    }
    let scheduled = condition(status, "PodScheduled")?;
    let since = scheduled.last_transition_time.as_ref().map(|it| it.0.as_millisecond());
    match scheduled.status.as_str() {
        "False" => {
            let words = scheduled.message.as_deref().or(scheduled.reason.as_deref());
            Some((Trouble::Unplaced(sanitized(words.unwrap_or_default())), since))
        }
        "True" if !has_begun(status) => Some((Trouble::NotCreated, since)),
        _ => None,
    }
}

const IMAGE_PULL: &str = "ErrImagePull";

/// A failing pull and the wait before the next one are one thing: a text that changes with every
/// try would be written with every try.
fn canonical(reason: &str) -> &str {
    if reason == "ImagePullBackOff" { IMAGE_PULL } else { reason }
}

fn image_words(container: &ContainerStatus) -> String {
    if container.image.is_empty() {
        return String::new();
    }
    sanitized(&format!("image {}", container.image))
}

fn exit_words(container: &ContainerStatus) -> String {
    let Some(ended) = last_end(container) else { return String::new() };
    match ended.reason.as_deref() {
        Some(reason) if !matches!(reason, "Error" | "Completed") => sanitized(reason),
        Some(_) | None => format!("exit code {}", ended.exit_code),
    }
}

fn condition<'a>(status: &'a PodStatus, type_: &str) -> Option<&'a PodCondition> {
    status.conditions.iter().flatten().find(|it| it.type_ == type_)
}

/// Why a Deployment can't make its pods, in the server's words, and since when: a quota, a policy,
/// a webhook that does not answer.
pub(crate) fn replica_failure(object: &DynamicObject) -> Option<(String, Option<Timestamp>)> {
    let conditions = object.data["status"]["conditions"].as_array()?;
    let failure =
        conditions.iter().find(|it| it["type"] == "ReplicaFailure" && it["status"] == "True")?;
    let name = object.name_any();
    let words = sanitized(failure["message"].as_str().unwrap_or_default());
    let since = failure["lastTransitionTime"].as_str().and_then(|it| it.parse().ok());
    Some((format!("pods of {name} can't be made: {}", without_suffixes(&words, &name)), since))
}

/// Each refused pod has a name of its own: a text that names it would change with every try.
fn without_suffixes(words: &str, deployment: &str) -> String {
    let prefix = format!("{deployment}-");
    let parts = words.split('"').enumerate().map(|(place, part)| {
        let quoted = place % 2 == 1;
        if quoted && part.starts_with(&prefix) { format!("{prefix}…") } else { part.to_owned() }
    });
    parts.collect::<Vec<_>>().join("\"")
}

/// The server's words as they may be shown: one line, bounded, no credentials of an address.
pub(crate) fn sanitized(words: &str) -> String {
    let plain = words.split(|c: char| c.is_whitespace() || c.is_control());
    let line = plain.filter(|it| !it.is_empty()).map(without_credentials).collect::<Vec<_>>();
    let line = line.join(" ");
    match line.char_indices().nth(MOST_WORDS) {
        Some((end, _)) => format!("{}…", &line[..end]),
        None => line,
    }
}

/// `https://user:password@host` as `https://…@host`.
fn without_credentials(word: &str) -> String {
    let Some((scheme, rest)) = word.split_once("://") else { return word.to_owned() };
    let authority = rest.find('/').unwrap_or(rest.len());
    match rest[..authority].rfind('@') {
        Some(at) => format!("{scheme}://…{}", &rest[at..]),
        None => word.to_owned(),
    }
}

#[cfg(test)]
mod tests;
