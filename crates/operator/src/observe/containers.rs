//! What a pod's status says of its containers: main ones, init containers and sidecars alike.
//! Reads the trimmed pod; judges nothing.

use std::sync::Arc;

use k8s_openapi::api::core::v1::{
    ContainerState, ContainerStateTerminated, ContainerStateWaiting, ContainerStatus, PodStatus,
};
use siskin_analysis::observation::{ContainerObservation, Millis};

/// Reasons of a container that waits as every container does while its pod starts.
const USUAL_WAITS: [&str; 2] = ["ContainerCreating", "PodInitializing"];

/// Containers of a pod in the order in which they start.
pub(super) fn statuses(status: &PodStatus) -> impl Iterator<Item = &ContainerStatus> {
    let init = status.init_container_statuses.iter().flatten();
    init.chain(status.container_statuses.iter().flatten())
}

/// Keeps what is read here: a status also holds image digests, volumes, and messages of the
/// application that may hold anything.
pub(super) fn trim(status: ContainerStatus) -> ContainerStatus {
    let state = |it: ContainerState| ContainerState {
        waiting: it.waiting,
        running: it.running,
        terminated: it.terminated.map(|ended| ContainerStateTerminated {
            exit_code: ended.exit_code,
            reason: ended.reason,
            finished_at: ended.finished_at,
            ..ContainerStateTerminated::default()
        }),
    };
    let image = if waits_unusually(&status) { status.image } else { String::new() };
    ContainerStatus {
        name: status.name,
        image,
        restart_count: status.restart_count,
        state: status.state.map(state),
        last_state: status.last_state.map(state),
        ..ContainerStatus::default()
    }
}

/// Containers that restarted, or that wait for a reason that is no part of a usual start.
pub(super) fn observations(status: &PodStatus) -> Arc<[ContainerObservation]> {
    let all = statuses(status).map(observation);
    all.filter(|it| 0 < it.restarts || 0 < it.oom_kills || it.waiting.is_some()).collect()
}

/// Why a container waits, unless every container waits so while its pod starts.
pub(super) fn unusual_wait(container: &ContainerStatus) -> Option<(&str, &ContainerStateWaiting)> {
    let waiting = container.state.as_ref()?.waiting.as_ref()?;
    let reason = waiting.reason.as_deref().filter(|it| !USUAL_WAITS.contains(it))?;
    Some((reason, waiting))
}

/// How a container ended last.
pub(super) fn last_end(container: &ContainerStatus) -> Option<&ContainerStateTerminated> {
    let ended = |it: Option<&'_ ContainerState>| it.is_some_and(|it| it.terminated.is_some());
    let state = [container.state.as_ref(), container.last_state.as_ref()];
    state.into_iter().find(|it| ended(*it)).flatten()?.terminated.as_ref()
}

/// Whether anything of the pod ever ran: before that, its volumes, its network or its images are
/// waited for.
pub(super) fn has_begun(status: &PodStatus) -> bool {
    let begun = |it: &ContainerState| it.running.is_some() || it.terminated.is_some();
    statuses(status).any(|it| {
        let shown = [it.state.as_ref(), it.last_state.as_ref()];
        shown.into_iter().flatten().any(begun) || 0 < it.restart_count
    })
}

fn waits_unusually(container: &ContainerStatus) -> bool {
    unusual_wait(container).is_some()
}

fn observation(container: &ContainerStatus) -> ContainerObservation {
    let ended = last_end(container).and_then(|it| it.finished_at.as_ref());
    ContainerObservation {
        name: container.name.as_str().into(),
        restarts: u32::try_from(container.restart_count).unwrap_or(0),
        oom_kills: oom_kills(container),
        waiting: unusual_wait(container).map(|(reason, _)| reason.into()),
        ended: ended.map(|it| it.0.as_millisecond()).filter(|it: &Millis| 0 <= *it),
    }
}

/// A container shows its current and its last termination: at most two kills are visible.
fn oom_kills(container: &ContainerStatus) -> u32 {
    let states = [container.state.as_ref(), container.last_state.as_ref()];
    let killed = |it: &&ContainerState| {
        let reason = it.terminated.as_ref().and_then(|it| it.reason.as_deref());
        reason == Some("OOMKilled")
    };
    u32::try_from(states.into_iter().flatten().filter(killed).count()).unwrap_or(0)
}
