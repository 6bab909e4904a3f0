//! The containers of a pod as the crash guard counts them.
//! Where an observation names none, what it says of the pod stands for one container.

use std::sync::Arc;

use crate::numbers::Millis;
use crate::observation::PodObservation;

/// Crashes that a container in `CrashLoopBackOff` has had at least: the first is answered by a
/// start at once.
const LEAST_OF_A_LOOP: u32 = 2;

/// One container of a pod.
#[derive(Clone, Copy, Debug)]
pub(super) struct Container<'a> {
    /// Empty: nobody said which one.
    pub(super) name: &'a Arc<str>,
    pub(super) restarts: u32,
    pub(super) oom_kills: u32,
    pub(super) is_loop: bool,
    /// When it ended last; `None`: unknown.
    pub(super) ended: Option<Millis>,
}

impl Container<'_> {
    /// Crashes so far: a restart that is waited for is one.
    pub(super) fn crashes(&self) -> u32 {
        if self.is_loop {
            self.restarts.saturating_add(1).max(LEAST_OF_A_LOOP)
        } else {
            self.restarts
        }
    }
}

/// The containers of a pod that have something to say.
pub(super) fn containers(pod: &PodObservation) -> impl Iterator<Item = Container<'_>> {
    static NAMELESS: std::sync::LazyLock<Arc<str>> = std::sync::LazyLock::new(|| Arc::from(""));
    let named = pod.containers.iter().map(|it| Container {
        name: &it.name,
        restarts: it.restarts,
        oom_kills: it.oom_kills,
        is_loop: it.is_crash_loop(),
        ended: it.ended,
    });
    let nameless = pod.containers.is_empty().then(|| Container {
        name: &NAMELESS,
        restarts: pod.restarts,
        oom_kills: pod.oom_kills,
        is_loop: pod.crash_loop,
        ended: None,
    });
    let says = |it: &Container<'_>| 0 < it.restarts || it.is_loop || 0 < it.oom_kills;
    named.chain(nameless).filter(says)
}
