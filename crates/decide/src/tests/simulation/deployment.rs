//! A Deployment as the cluster runs it: a spec, pods that follow it over ticks, and a status that
//! may be behind. Knows nothing of roles; the rules are those of Kubernetes' own controller.

use crate::observed::Workload;
use crate::revision::Revision;
use siskin_simulation::random::Random;

/// What someone edited into a child by hand.
pub(super) const BY_HAND: Revision = Revision(99);

#[derive(Clone, Debug)]
pub(super) struct Pod {
    pub(super) template: Revision,
    pub(super) ready: bool,
    /// Ticks until it is gone; `None` for a pod that stays.
    leaving: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    pub(super) all: u32,
    pub(super) ready: u32,
    pub(super) updated: u32,
    pub(super) leaving: u32,
}

#[derive(Clone, Debug)]
pub(super) struct Deployment {
    /// What its pods are made from.
    pub(super) template: Revision,
    /// What its annotation says they are made from.
    pub(super) named: Revision,
    pub(super) replicas: u32,
    pub(super) surge: u32,
    pub(super) slack: u32,
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
        Self {
            template,
            named: template,
            replicas,
            surge: 1,
            slack: 0,
            pods: Vec::new(),
            counted: Counted::default(),
            version,
            current: false,
            edited: false,
        }
    }

    /// All pods there and ready: how a life before the simulation has left it.
    pub(super) fn serving(template: Revision, replicas: u32, version: u32) -> Self {
        let mut it = Self::new(template, replicas, version);
        it.pods = (0..replicas).map(|_| Pod { template, ready: true, leaving: None }).collect();
        it.counted = it.count();
        it.current = true;
        it
    }

    pub(super) fn workload(&self, differs: bool) -> Workload {
        // Those that the status still counts too many are on their way out, too.
        let surplus = self.counted.all.saturating_sub(self.replicas);
        Workload {
            revision: Some(self.named),
            replicas: self.replicas,
            ready: self.counted.ready,
            available: self.counted.ready,
            updated: self.counted.updated,
            terminating: self.counted.leaving + surplus,
            current: self.current,
            rolled: self.counted.updated == self.counted.all,
            differs,
        }
    }

    /// A write of the spec.
    pub(super) fn write(&mut self, template: Revision, replicas: u32, version: u32) {
        self.current &= self.template == template && self.replicas == replicas;
        (self.template, self.replicas, self.version) = (template, replicas, version);
    }

    /// Nothing more will happen by itself.
    pub(super) fn is_calm(&self) -> bool {
        self.current
            && u32::try_from(self.pods.len()).unwrap() == self.replicas
            && self
                .pods
                .iter()
                .all(|it| it.ready && it.leaving.is_none() && it.template == self.template)
    }

    /// Pods that stay and run this template.
    pub(super) fn runs(&self, template: Revision) -> bool {
        self.pods.iter().any(|it| it.leaving.is_none() && it.template == template)
    }

    /// Ready pods, whatever the status says.
    pub(super) fn ready(&self) -> u32 {
        u32::try_from(self.staying().filter(|it| it.ready).count()).unwrap()
    }

    /// One tick of kubelet and controllers, which in calm weather are prompt. Returns whether the
    /// status was written.
    pub(super) fn tick(
        &mut self,
        dice: &mut Random,
        prompt: bool,
        starts: impl Fn(Revision) -> bool,
    ) -> bool {
        if self.is_calm() && self.counted == self.count() {
            return false;
        }
        for pod in &mut self.pods {
            pod.leaving = pod.leaving.map(|it| it.saturating_sub(1));
            pod.ready |= starts(pod.template) && dice.percent(60);
        }
        self.pods.retain(|it| it.leaving != Some(0));
        let before = (self.counted, self.current);
        // The controller may be behind; or it has acted, and the counts are those from before.
        match (self.current || prompt, dice.below(5)) {
            (false, 0) => self.counted = self.count(),
            (false, 1) => {
                self.counted = self.count();
                self.current = true;
                self.reconcile(dice);
            }
            (true | false, _) => {
                self.current = true;
                self.reconcile(dice);
                self.counted = self.count();
            }
        }
        before != (self.counted, self.current)
    }

    /// Some pods stop being ready, as any application may.
    pub(super) fn crash(&mut self, dice: &mut Random) {
        for pod in &mut self.pods {
            pod.ready &= !dice.one_in(2);
        }
        self.counted = self.count();
    }

    fn reconcile(&mut self, dice: &mut Random) {
        let rolling = self.staying().any(|it| it.template != self.template);
        let surge = if rolling && 0 < self.replicas { self.surge } else { 0 };
        let most = self.replicas + surge;
        let template = self.template;
        for _ in most..self.count().all {
            self.remove(dice, |_| true);
        }
        if rolling {
            let least = self.replicas.saturating_sub(self.slack);
            let fresh = self.staying().filter(|it| it.template == template && !it.ready).count();
            let kept = least + u32::try_from(fresh).unwrap();
            for _ in kept..self.count().all {
                let spare = least < self.count().ready;
                self.remove(dice, |it| it.template != template && (spare || !it.ready));
            }
        }
        let Counted { all, updated, .. } = self.count();
        let missing = self.replicas.saturating_sub(updated).min(most.saturating_sub(all));
        for _ in 0..missing {
            self.pods.push(Pod { template, ready: false, leaving: None });
        }
    }

    /// One pod begins to leave, one that is not ready if there is any.
    fn remove(&mut self, dice: &mut Random, may: impl Fn(&Pod) -> bool) {
        for ready in [false, true] {
            let some = |it: &&mut Pod| it.leaving.is_none() && it.ready == ready && may(it);
            let count = u32::try_from(self.pods.iter_mut().filter(some).count()).unwrap();
            if count == 0 {
                continue;
            }
            let which = dice.below(count) as usize;
            let pod = self.pods.iter_mut().filter(some).nth(which).unwrap();
            (pod.leaving, pod.ready) = (Some(1 + dice.below(2)), false);
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
            counted.updated += u32::from(pod.template == self.template);
        }
        counted
    }

    fn staying(&self) -> impl Iterator<Item = &Pod> {
        self.pods.iter().filter(|it| it.leaving.is_none())
    }
}
