//! A Deployment as the cluster runs it: a spec, pods that follow it over time, and a status that may
//! be behind. Knows nothing of roles; the rules are those of Kubernetes' own controller.

use super::shape::Shape;
use super::weather::Weather;
use crate::observed::Workload;
use crate::revision::Revision;
use siskin_simulation::random::Random;

/// What someone edited into a child by hand.
pub(super) const BY_HAND: Revision = Revision(99);

/// What pods are made from: a template, and how often its pods were restarted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Made {
    pub(super) from: Revision,
    /// `kubectl.kubernetes.io/restartedAt`.
    pub(super) restarts: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Pod {
    pub(super) made: Made,
    pub(super) ready: bool,
    /// Seconds until it may be Ready.
    starts_in: u32,
    /// Seconds for which it has been Ready, as far as anybody asks.
    ready_for: u32,
    /// Seconds until it is gone, [`NEVER`] included; `None` for a pod that stays.
    leaving: Option<u32>,
}

/// A pod with a finalizer, or on a dead node.
const NEVER: u32 = u32::MAX;

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) all: u32,
    pub(super) ready: u32,
    pub(super) available: u32,
    pub(super) updated: u32,
    pub(super) leaving: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Deployment {
    /// What its pods are to be made from.
    pub(super) made: Made,
    /// What its annotation says they are made from.
    pub(super) named: Revision,
    pub(super) replicas: u32,
    pub(super) shape: Shape,
    /// Seconds for which a pod must be Ready to be available.
    pub(super) min_ready: u32,
    /// `spec.paused`: counts are followed, another template is not.
    pub(super) paused: bool,
    /// What its newest `ReplicaSet` makes: while paused not what the spec says.
    newest: Made,
    pub(super) pods: Vec<Pod>,
    pub(super) counted: Counted,
    /// resourceVersion.
    pub(super) version: u32,
    /// Whether its status is of its current spec.
    pub(super) current: bool,
    /// Whether someone changed it by hand.
    pub(super) edited: bool,
}

impl Deployment {
    pub(super) fn new(template: Revision, replicas: u32, version: u32) -> Self {
        let made = Made { from: template, restarts: 0 };
        Self {
            made,
            named: template,
            replicas,
            shape: Shape::CHILD,
            min_ready: 0,
            paused: false,
            newest: made,
            pods: Vec::new(),
            counted: Counted::default(),
            version,
            current: false,
            edited: false,
        }
    }

    /// All pods there and available: how a life before the simulation has left it.
    pub(super) fn serving(template: Revision, replicas: u32, version: u32) -> Self {
        let mut it = Self::new(template, replicas, version);
        let pod = Pod { made: it.made, ready: true, starts_in: 0, ready_for: NEVER, leaving: None };
        it.pods = vec![pod; replicas as usize];
        it.counted = it.count();
        it.current = true;
        it
    }

    /// It has been at 0 for long.
    pub(super) fn empty(&mut self) {
        self.replicas = 0;
        self.pods.clear();
        self.counted = self.count();
    }

    pub(super) fn workload(&self, differs: bool) -> Workload {
        // Those that the status still counts too many are on their way out, too.
        let surplus = self.counted.all.saturating_sub(self.replicas);
        Workload {
            revision: Some(self.named),
            replicas: self.replicas,
            ready: self.counted.ready,
            available: self.counted.available,
            updated: self.counted.updated,
            terminating: self.counted.leaving + surplus,
            current: self.current,
            rolled: self.counted.updated == self.counted.all,
            differs,
        }
    }

    /// A write of the spec.
    pub(super) fn write(&mut self, made: Made, replicas: u32, version: u32) {
        self.current &= self.made == made && self.replicas == replicas;
        (self.made, self.replicas, self.version) = (made, replicas, version);
    }

    /// A write of the count only.
    pub(super) fn scale(&mut self, replicas: u32, version: u32) {
        self.write(self.made, replicas, version);
    }

    /// A write of the template only.
    pub(super) fn give(&mut self, template: Revision, version: u32) {
        let made = Made { from: template, ..self.made };
        self.write(made, self.replicas, version);
    }

    /// Nothing more will happen by itself.
    pub(super) fn is_calm(&self) -> bool {
        self.is_served()
            && u32::try_from(self.pods.len()).unwrap() == self.replicas
            && self.pods.iter().all(|it| self.min_ready <= it.ready_for)
    }

    /// Every pod that it should have is Ready and of its template, whatever still leaves.
    fn is_served(&self) -> bool {
        self.current
            && self.count().all == self.replicas
            && self.staying().all(|it| it.ready && it.made == self.made)
    }

    /// Pods that stay and run this template.
    pub(super) fn runs(&self, template: Revision) -> bool {
        self.staying().any(|it| it.made.from == template)
    }

    /// Ready pods, whatever the status says.
    pub(super) fn ready(&self) -> u32 {
        self.count().ready
    }

    /// Available pods that stay while its controller replaces them, if it does or is about to. Those that
    /// its status counts may be old ones that have begun to leave.
    pub(super) fn kept(&self) -> u32 {
        let available = self.counted.available.min(self.replicas);
        let old = |it: &Pod| it.made != self.made;
        let counts_old = self.counted.updated < self.counted.all;
        let rolls = !self.paused && (counts_old || self.staying().any(old));
        let slack =
            if self.shape.recreate { self.replicas } else { self.shape.slack(self.replicas) };
        if rolls { available.min(self.replicas.saturating_sub(slack)) } else { available }
    }

    /// Whether all of its pods are of its template, ready or not.
    pub(super) fn has_rolled(&self) -> bool {
        let Counted { all, updated, .. } = self.counted;
        self.current && 0 < self.replicas && [all, updated] == [self.replicas; 2]
    }

    /// Time passes for kubelet and controllers, which in calm weather are prompt. Returns whether
    /// the status was written.
    pub(super) fn tick(
        &mut self,
        dice: &mut Random,
        weather: Weather,
        starts: impl Fn(Revision) -> bool,
    ) -> bool {
        if self.is_calm() && self.counted == self.count() {
            return false;
        }
        for pod in &mut self.pods {
            if pod.leaving.is_some_and(|it| it != NEVER) {
                pod.leaving = pod.leaving.map(|it| it.saturating_sub(weather.seconds));
            }
            pod.starts_in = pod.starts_in.saturating_sub(weather.seconds);
            if pod.ready {
                pod.ready_for = pod.ready_for.saturating_add(weather.seconds);
            }
            let up = pod.leaving.is_none() && !pod.ready && pod.starts_in == 0;
            pod.ready |= up && starts(pod.made.from) && dice.percent(60);
        }
        self.pods.retain(|it| it.leaving != Some(0));
        let before = (self.counted, self.current);
        // The controller may be behind; or it has acted, and the counts are those from before.
        match (self.current || weather.prompt, dice.below(5)) {
            (false, 0) => self.counted = self.count(),
            (false, 1) => {
                self.counted = self.count();
                self.current = true;
                self.reconcile(dice, weather);
            }
            (true | false, _) => {
                self.current = true;
                self.reconcile(dice, weather);
                self.counted = self.count();
            }
        }
        before != (self.counted, self.current)
    }

    /// Some pods stop being ready, as any application may.
    pub(super) fn crash(&mut self, dice: &mut Random) {
        for pod in &mut self.pods {
            pod.ready &= !dice.one_in(2);
            if !pod.ready {
                pod.ready_for = 0;
            }
        }
        self.counted = self.count();
    }

    /// The pods that are on their way out stay there: their node is dead, or a finalizer holds them.
    pub(super) fn hold_leavers(&mut self) {
        for leaving in self.pods.iter_mut().filter_map(|it| it.leaving.as_mut()) {
            *leaving = NEVER;
        }
    }

    /// Somebody takes the finalizers off, or removes the node.
    pub(super) fn release_leavers(&mut self) {
        for leaving in self.pods.iter_mut().filter_map(|it| it.leaving.as_mut()) {
            *leaving = (*leaving).min(1);
        }
    }

    fn reconcile(&mut self, dice: &mut Random, weather: Weather) {
        if !self.paused {
            self.newest = self.made;
        }
        let newest = self.newest;
        let rolling = !self.paused && self.staying().any(|it| it.made != newest);
        let surge = if rolling { self.shape.surge(self.replicas) } else { 0 };
        let most = self.replicas + surge;
        for _ in most..self.count().all {
            self.remove(dice, weather, |_| true);
        }
        if rolling && self.shape.recreate {
            for _ in 0..self.count().all - self.newer() {
                self.remove(dice, weather, |it| it.made != newest);
            }
        } else if rolling {
            let slack = self.shape.slack(self.replicas);
            let least = self.replicas.saturating_sub(slack);
            let min_ready = self.min_ready;
            let lacks = |it: &&Pod| it.made == newest && !it.is_available(min_ready);
            let fresh = self.staying().filter(lacks).count();
            let kept = least + u32::try_from(fresh).unwrap();
            for _ in kept..self.count().all {
                let spare = least < self.count().available;
                let old = |it: &Pod| it.made != newest;
                self.remove(dice, weather, |it| old(it) && (spare || !it.is_available(min_ready)));
            }
        }
        let waits = rolling && self.shape.recreate && self.pods.iter().any(|it| it.made != newest);
        if weather.blocked || waits {
            return;
        }
        let all = self.count().all;
        let missing = self.replicas.saturating_sub(self.newer()).min(most.saturating_sub(all));
        for _ in 0..missing {
            let starts_in = weather.start(dice);
            let pod = Pod { made: newest, ready: false, starts_in, ready_for: 0, leaving: None };
            self.pods.push(pod);
        }
    }

    /// One pod begins to leave, one that is not ready if there is any.
    fn remove(&mut self, dice: &mut Random, weather: Weather, may: impl Fn(&Pod) -> bool) {
        for ready in [false, true] {
            let some = |it: &&mut Pod| it.leaving.is_none() && it.ready == ready && may(it);
            let count = u32::try_from(self.pods.iter_mut().filter(some).count()).unwrap();
            if count == 0 {
                continue;
            }
            let which = dice.below(count) as usize;
            let pod = self.pods.iter_mut().filter(some).nth(which).unwrap();
            (pod.leaving, pod.ready) = (Some(weather.drain(dice)), false);
            return;
        }
    }

    pub(super) fn count(&self) -> Counted {
        let mut counted = Counted::default();
        for pod in &self.pods {
            if pod.leaving.is_some() {
                counted.leaving += 1;
                continue;
            }
            counted.all += 1;
            counted.ready += u32::from(pod.ready);
            counted.available += u32::from(pod.is_available(self.min_ready));
            counted.updated += u32::from(pod.made == self.made);
        }
        counted
    }

    /// Pods of the newest `ReplicaSet`.
    fn newer(&self) -> u32 {
        u32::try_from(self.staying().filter(|it| it.made == self.newest).count()).unwrap()
    }

    fn staying(&self) -> impl Iterator<Item = &Pod> {
        self.pods.iter().filter(|it| it.leaving.is_none())
    }
}

impl Pod {
    const fn is_available(&self, min_ready: u32) -> bool {
        self.ready && min_ready <= self.ready_for
    }
}

mod tests {
    use super::*;

    #[test]
    fn a_pod_that_leaves_while_its_status_still_counts_it_is_not_kept() {
        let mut it = Deployment::serving(Revision(1), 1, 1);
        it.shape = Shape::pods(0, 1);
        it.give(Revision(2), 2);
        (it.counted, it.current) = (it.count(), true);
        // Its controller has acted since it wrote its status.
        it.pods[0].leaving = Some(30);
        let fresh = Pod { made: it.made, ready: false, starts_in: 9, ready_for: 0, leaving: None };
        it.pods.push(fresh);
        assert_eq!((it.counted.available, it.kept()), (1, 0));
    }
}
