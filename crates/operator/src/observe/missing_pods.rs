//! Why pods of a rollout are missing, by what their Deployments and the pods themselves say.
//! Tells what is the cluster's fault from what may be the version's; decides nothing.

use jiff::Timestamp;
use siskin_analysis::observation::Role;
use siskin_decide::Workload;

use crate::observe::troubles::{PodTrouble, Trouble, replica_failure};
use crate::observe::world::{Blocked, BlockedPods, World};
use crate::workloads::children::child_name;
use crate::workloads::identity::role_name;

/// What stands in a rollout's way: why pods of one Deployment are missing, mostly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Obstacle {
    /// Reason of an Event: `CamelCase`, one of a closed set.
    pub reason: &'static str,
    /// A sentence with the pod, the container and the server's words, as far as there are some.
    pub words: String,
    /// What tells it from other causes; the names of pods are not in it.
    pub key: String,
    since: Timestamp,
}

const NOT_MADE: &str = "PodsNotMade";
const NOT_STARTED: &str = "PodNotStarted";

impl World {
    /// Why pods of this role are missing; `None`: none is, or nobody says why.
    pub(crate) fn missing_pods(&self, role: Role) -> Option<Obstacle> {
        // While a template is rolled out all of the old pods may be there, and none of the new.
        self.workload(role).filter(|it| it.ready < it.replicas || !it.rolled)?;
        let not_made = self.live.child(role).and_then(replica_failure);
        let not_made = not_made.map(|it| self.not_made(it, role_name(role)));
        let first = || self.troubles(role).next().map(Obstacle::of);
        // A pod that can't start is told before others that a quota refuses: it may be the version.
        first().filter(|it| it.reason == NOT_STARTED).or(not_made).or_else(first)
    }

    /// What of the primary a step waits for beside its canary: pods that leave, pods that are missing.
    pub(crate) fn primary_in_the_way(&self) -> Option<String> {
        let Workload { terminating, available, replicas, .. } = self.workload(Role::Primary)?;
        if *terminating == 0 && replicas <= available {
            return None;
        }
        let whose = child_name(self.target_name(), Role::Primary);
        if 0 < *terminating {
            // The first by name, and no number: the words change when that one has left.
            let leaving = self.pods.observations.iter();
            let leaving = leaving.filter(|it| it.role == Role::Primary && it.terminating);
            return Some(match leaving.map(|it| &it.name).min() {
                Some(pod) => format!("pod {pod} of {whose} has not left yet"),
                None => format!("a pod of {whose} has not left yet"),
            });
        }
        let missing = self.missing_pods(Role::Primary).map(|it| format!(" ({})", it.words));
        Some(format!("pods of {whose} are not available{}", missing.unwrap_or_default()))
    }

    /// Why the target can't make its pods. Its pods are not watched: the reason of one that exists
    /// and does not run is unknown.
    pub(crate) fn missing_pods_of_target(&self) -> Option<Obstacle> {
        let workload = &self.target.as_ref()?.workload;
        let failure = self.live.target.as_ref().and_then(replica_failure)?;
        (workload.ready < workload.replicas).then(|| self.not_made(failure, "target"))
    }

    /// What the cluster owes either role: pods that can't be made or placed. A canary is also
    /// blocked by what its pods and those of the primary wait for alike, and by nothing while a
    /// container waits for what only its version explains.
    pub(crate) fn blocked_pods(&self) -> Blocked {
        let primary = self.missing_pods(Role::Primary).filter(|it| it.reason != NOT_STARTED);
        let own = |it: &PodTrouble| !it.is_of_the_cluster() && !self.primary_has(it);
        let is_its_own = self.troubles(Role::Canary).any(own);
        let canary = self.missing_pods(Role::Canary).filter(|_| !is_its_own);
        let canary = canary.map(|it| if it.reason == NOT_STARTED { it.shared() } else { it });
        Blocked { primary: primary.map(BlockedPods::from), canary: canary.map(BlockedPods::from) }
    }

    fn not_made(&self, failure: (String, Option<Timestamp>), whose: &str) -> Obstacle {
        let (words, since) = failure;
        let (key, since) = (format!("{whose} ReplicaFailure"), since.unwrap_or(self.seen_at));
        Obstacle { reason: NOT_MADE, words, key, since }
    }

    fn primary_has(&self, trouble: &PodTrouble) -> bool {
        self.troubles(Role::Primary).any(|it| it.is_like(trouble))
    }

    fn troubles(&self, role: Role) -> impl Iterator<Item = &PodTrouble> {
        let all = self.pods.troubles.iter();
        all.filter(move |it| it.role == role && it.stands(self.seen_at.as_millisecond()))
    }

    fn workload(&self, role: Role) -> Option<&Workload> {
        match role {
            Role::Primary => self.primary.as_ref().map(|it| &it.workload),
            Role::Canary => self.canary.as_ref(),
        }
    }
}

impl Obstacle {
    /// Partitions that stand still, told before a trial begins.
    pub(crate) fn stuck(words: String, now: Timestamp) -> Self {
        Self { reason: "PartitionStuck", words, key: "partitions".to_owned(), since: now }
    }

    /// Two writers of `spec.replicas`.
    pub(crate) fn contested(words: String, now: Timestamp) -> Self {
        Self { reason: "ReplicasContested", words, key: "replicas".to_owned(), since: now }
    }

    /// A cause that only its key tells from others.
    #[cfg(test)]
    pub(crate) fn keyed(key: &str) -> Self {
        let words = "container check of pod orders-canary-1 waits: CrashLoopBackOff".to_owned();
        Self { reason: NOT_STARTED, words, key: key.to_owned(), since: Timestamp::UNIX_EPOCH }
    }

    fn of(trouble: &PodTrouble) -> Self {
        let reason = match trouble.trouble {
            Trouble::Unplaced(_) => "PodNotPlaced",
            Trouble::NotCreated => "PodNotCreated",
            Trouble::NotStarted { .. } => NOT_STARTED,
        };
        let since = Timestamp::from_millisecond(trouble.since).unwrap_or(Timestamp::MIN);
        Self { reason, words: trouble.to_string(), key: trouble.key(), since }
    }

    fn shared(self) -> Self {
        Self { words: format!("{}; pods of the primary wait for the same", self.words), ..self }
    }
}

impl From<Obstacle> for BlockedPods {
    fn from(missing: Obstacle) -> Self {
        Self { since: missing.since, words: missing.words }
    }
}

#[cfg(test)]
mod tests;
