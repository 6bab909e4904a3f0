//! The only reader: one consistent look at a rollout, from live reads of everything that a decision
//! counts on. Asks no source of evidence; writes nothing but what it remembers of absences.

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use kube::core::DynamicObject;
use siskin_analysis::observation::Role;
use siskin_api::annotations::REVISION;
use siskin_api::{CanaryRollout, FrozenPlan, Order, SpecError};
use siskin_decide::{MoveOrder, Primary, Revision, State, Target, Workload};

use crate::cluster::calls::{CallFailed, Cluster, Freshness};
use crate::commands;
use crate::name::Name;
use crate::observe::ahead::{Ahead, Copied, Shown};
use crate::observe::autoscalers::Autoscalers;
use crate::observe::defaults::Defaults;
use crate::observe::doubt::Doubt;
use crate::observe::index::Index;
use crate::observe::kept::Statuses;
use crate::observe::news::{News, Seen, WatchedKind};
use crate::observe::novelty::{Asking, Comparison};
use crate::observe::objects::TargetObjects;
use crate::observe::ownership;
use crate::observe::parse;
use crate::observe::pods::{Pods, PodsOfTarget};
use crate::observe::scaling::{Need, Pointed};
use crate::observe::vouched::vouched;
use crate::observe::world::{Blocked, Live, World};
use crate::per_rollout::PerRollout;
use crate::persisted;
use crate::workloads::children::{Difference, Family};
use crate::workloads::identity::Identity;
use crate::workloads::template::Restarts;
use crate::workloads::{labels, selector};

/// Reads everything that belongs to a rollout.
#[derive(Clone)]
pub struct Observer {
    cluster: Cluster,
    pods: Pods,
    index: Index,
    pub(super) autoscalers: Autoscalers,
    defaults: Defaults,
    pub(super) remembered: PerRollout<Remembered>,
    ahead: Ahead,
    news: News,
    pub(crate) statuses: Statuses,
}

/// What the observer remembers of a rollout between two looks.
#[derive(Default)]
pub(super) struct Remembered {
    absent_since: Option<Timestamp>,
    first_look: Option<Timestamp>,
    /// Since when autoscalers have named it.
    pub(super) pointed: Pointed,
}

/// What a child is compared with.
#[derive(Clone, Copy)]
struct Kin<'a> {
    live: &'a Live,
    family: Option<&'a Family>,
    pods: &'a PodsOfTarget,
}

impl Observer {
    /// Reads Deployments and rollouts through `cluster`, pods and other rollouts from their
    /// watches.
    #[must_use]
    pub fn new(cluster: Cluster, pods: Pods, index: Index, autoscalers: Autoscalers) -> Self {
        let (defaults, remembered) = (Defaults::default(), PerRollout::default());
        let (ahead, news) = (Ahead::default(), News::default());
        let statuses = Statuses::default();
        Self { cluster, pods, index, autoscalers, defaults, remembered, ahead, news, statuses }
    }

    /// What is there now; `None` when the rollout itself is gone.
    pub async fn observe(
        &self,
        name: &Name,
        freshness: Freshness,
        now: Timestamp,
    ) -> Result<Option<World>, CallFailed> {
        let cluster = self.cluster.reading(freshness);
        let Some((mut rollout, live)) = Box::pin(self.read(&cluster, name)).await? else {
            return Ok(None);
        };
        let rollout_read = Seen::of(WatchedKind::CanaryRollout, &rollout);
        self.news.read(name, std::iter::once(rollout_read).chain(live.seen()).collect());
        self.statuses.restore(name, &mut rollout);
        let target_name = &rollout.spec.target_ref.name;
        let target_absent_for = self.absent_for(name, live.target.is_none(), now);
        let state = persisted::read(rollout.status.as_ref());
        let plan = plan(&rollout, &live, &state);
        let strategy = parse::strategy(&plan);
        let pods = self.pods.of(&name.namespace, target_name);
        let family = family(&rollout, &live, strategy.order);
        let kin = Kin { live: &live, family: family.as_ref(), pods: &pods };
        let primary = self.primary(kin).await?.map(|it| {
            let facts = vouched(it.facts, &live.frozen, &rollout);
            Primary { facts, ..it }
        });
        let canary = self.canary(kin).await?;
        let (target, doubt) = self.target(&rollout, &live, &state).await?;
        let names = ownership::names(&self.index, &rollout, &live);
        let going = rollout.metadata.deletion_timestamp.is_some();
        let namespace_terminating = going && self.cluster.is_terminating(&name.namespace).await?;
        let bounded = strategy.order == MoveOrder::DrainFirst
            || rollout.spec.strategy.max_consumers.is_some();
        let shared = primary.as_ref().is_some_and(|it| going || !it.facts.adopted);
        let target = match target {
            Some(it) if bounded && shared => Some(self.with_leaving(name, it, &live).await),
            other => other,
        };
        let need = Need::of(target.as_ref(), primary.as_ref(), going);
        let scaling = self.scaling(name, &rollout, need, now).await;
        let mut world = World {
            name: name.clone(),
            seen_at: now,
            uid: rollout.uid().unwrap_or_default().into(),
            family,
            pods,
            pods_unseen_for: self.pods.unseen_for(now.as_millisecond()),
            state,
            spec_errors: spec_errors(&rollout, &live),
            plan,
            strategy,
            asked: commands::asked(&rollout, live.target.as_ref()),
            names,
            target,
            doubt,
            target_absent_for,
            primary,
            canary,
            blocked: Blocked::default(),
            first_look: self.first_look(name, now),
            namespace_terminating,
            scaling,
            rollout,
            live,
        };
        world.blocked = world.blocked_pods();
        Ok(Some(world))
    }

    /// Looks at all of these are to come.
    pub(crate) fn expect(&self, names: &[Name]) {
        self.ahead.expect(names);
    }

    /// Rollouts as the first listing shows them, for looks that may follow it at once.
    pub(crate) fn shown(&self) -> Shown {
        self.ahead.shown.clone()
    }

    /// What looks have read, for those who hear of events.
    pub(crate) const fn news(&self) -> &News {
        &self.news
    }

    /// Drops what is remembered of a rollout that is gone.
    pub(crate) fn forget(&self, name: &Name) {
        self.news.forget(name);
        self.ahead.forget(name);
        self.remembered.forget(name);
        self.statuses.forget(name);
    }

    /// What of a rollout is remembered. A field that is added must be told here what it holds.
    #[cfg(test)]
    pub(crate) fn remembers(&self, name: &Name) -> [bool; 4] {
        let Self { cluster: _, pods: _, index: _, autoscalers: _, defaults: _, .. } = self;
        let Self { remembered, ahead, news, statuses, .. } = self;
        let others = [ahead.remembers(name), news.remembers(name), statuses.remembers(name)];
        [remembered.knows(name), others[0], others[1], others[2]]
    }

    /// All reads at once: each is one round trip, and a reaction waits for two looks. The target's
    /// name is that of the watch; should it have changed, the objects are read again.
    async fn read(
        &self,
        cluster: &Cluster,
        name: &Name,
    ) -> Result<Option<(CanaryRollout, Live)>, CallFailed> {
        if let Some(Copied { rollout, children, mut target }) = self.ahead.take(cluster, name).await
        {
            if target.is_none() {
                let name_of_target = &rollout.spec.target_ref.name;
                target = cluster.deployment(&name.namespace, name_of_target).await?;
            }
            let canary_on = rollout.spec.canary_on;
            return Ok(Some((rollout, TargetObjects { target, children }.parsed(canary_on))));
        }
        let known = self.index.target(name);
        let objects = async {
            match &known {
                Some(target) => {
                    Box::pin(TargetObjects::read(cluster, &name.namespace, target)).await.map(Some)
                }
                None => Ok(None),
            }
        };
        let (rollout, objects) = futures::try_join!(cluster.rollout(name), objects)?;
        let Some(rollout) = rollout else { return Ok(None) };
        let target = &*rollout.spec.target_ref.name;
        let objects = match objects.filter(|_| known.as_deref() == Some(target)) {
            Some(objects) => objects,
            None => Box::pin(TargetObjects::read(cluster, &name.namespace, target)).await?,
        };
        let canary_on = rollout.spec.canary_on;
        Ok(Some((rollout, objects.parsed(canary_on))))
    }

    /// For how long the target has been absent, as seen by this process: a restart starts counting
    /// again, which errs on the side of keeping what runs.
    fn absent_for(&self, name: &Name, absent: bool, now: Timestamp) -> SignedDuration {
        self.remembered.with(name, |it| {
            it.absent_since = absent.then(|| it.absent_since.unwrap_or(now));
            let since = it.absent_since.unwrap_or(now);
            now.duration_since(since).max(SignedDuration::ZERO)
        })
    }

    /// When this process saw the rollout for the first time.
    fn first_look(&self, name: &Name, now: Timestamp) -> Timestamp {
        self.remembered.with(name, |it| *it.first_look.get_or_insert(now))
    }

    /// The target, and whether it is in doubt that its template is new.
    async fn target(
        &self,
        rollout: &CanaryRollout,
        live: &Live,
        state: &State,
    ) -> Result<(Option<Target>, Option<Doubt>), CallFailed> {
        let Some(object) = &live.target else { return Ok((None, None)) };
        let (cluster, defaults) = (&self.cluster, &self.defaults);
        let canary_on = rollout.spec.canary_on;
        let comparison = Comparison { cluster, defaults, target: object, live, canary_on };
        let asking = match state {
            _ if rollout.metadata.deletion_timestamp.is_some() => Asking::AtMost,
            State::AtRest(_) => Asking::Meanwhile,
            State::Pending
            | State::Adopting
            | State::Trial(_)
            | State::Promoting(_)
            | State::RollingBack(_)
            | State::Terminating(_) => Asking::First,
        };
        let (desired, doubt) = comparison.desired(asking).await?;
        Ok((Some(parse::target(object, desired)), doubt))
    }

    /// The target with its pods that are being deleted, read live where its status does not count
    /// them: they carry no role, so they are not watched. Where that can't be read as many as it may
    /// ever have had leave: nothing grows beside them, and what needs no room goes on.
    async fn with_leaving(&self, name: &Name, mut target: Target, live: &Live) -> Target {
        if let Some(object) = live.target.as_ref().filter(|it| !parse::counts_terminating(it)) {
            let leaving = self.cluster.terminating_of(&name.namespace, object).await;
            let leaving = leaving.unwrap_or_else(|error| {
                tracing::warn!(rollout = %name, error = error.told(), "pods that leave are not known");
                total(live).max(target.workload.replicas)
            });
            target.workload.terminating = target.workload.terminating.max(leaving);
        }
        target
    }

    async fn primary(&self, kin: Kin<'_>) -> Result<Option<Primary>, CallFailed> {
        let Some(object) = &kin.live.primary else { return Ok(None) };
        let Some(facts) = parse::facts(object) else { return Ok(None) };
        Ok(Some(Primary {
            workload: self.child(object, Role::Primary, kin).await,
            strategy: parse::deployment_strategy(object),
            facts,
        }))
    }

    async fn canary(&self, kin: Kin<'_>) -> Result<Option<Workload>, CallFailed> {
        let Some(object) = &kin.live.canary else {
            return Ok(parse::left_behind(kin.pods.shown(Role::Canary)));
        };
        Ok(Some(self.child(object, Role::Canary, kin).await))
    }

    /// A child's counts, and whether it differs from what it should be.
    async fn child(&self, object: &DynamicObject, role: Role, kin: Kin<'_>) -> Workload {
        let holds = object.annotations().get(REVISION);
        let holds = holds.and_then(|it| it.parse::<Revision>().ok());
        let template =
            holds.and_then(|it| kin.live.frozen.iter().find(|f| f.frozen.revision == it));
        let expected = template
            .zip(kin.family)
            .map(|(it, family)| family.child(role, it.frozen.revision, &it.template, Some(object)));
        let mut workload = parse::workload(object, expected.as_ref(), kin.pods.shown(role));
        if template.is_none() {
            // Without its frozen template nothing says what it should be: it is frozen again first.
            workload.differs = false;
        }
        if let Some(expected) = expected
            && expected.compare(&parse::whole(object)) != Difference::None
        {
            workload.differs = !self.defaults.accounts_for(&self.cluster, object, &expected).await;
        }
        workload
    }
}

/// What is wrong with the spec, and with the target that it names.
fn spec_errors(rollout: &CanaryRollout, live: &Live) -> Vec<SpecError> {
    let mut errors = rollout.spec.validate().err().unwrap_or_default();
    let selector = |it: &DynamicObject| it.data["spec"]["selector"].clone();
    let made_for_another = live.target.as_ref().map(selector).and_then(|target| {
        let mut children = [&live.primary, &live.canary].into_iter().flatten();
        children.find(|it| selector::differ(&target, &selector(it)))
    });
    if let Some(child) = made_for_another {
        let (target, child) = (&rollout.spec.target_ref.name, child.name_any());
        errors.push(SpecError {
            field: "spec.targetRef".into(),
            problem: format!(
                "Deployment {target} was made anew with another selector than {child} has, and none can be changed"
            ),
            remedy: format!(
                "make {target} with its old selector; or delete this CanaryRollout, scale {target} up, delete {target}-primary and {target}-canary, and apply it again"
            ),
        });
    }
    errors
}

fn family(rollout: &CanaryRollout, live: &Live, order: MoveOrder) -> Option<Family> {
    let source = live.target.as_ref().or(live.primary.as_ref()).or(live.canary.as_ref())?;
    Some(Family {
        target: rollout.spec.target_ref.name.clone(),
        identity: Identity::new(rollout.spec.pod_identity, &rollout.spec.pod_name_env),
        restarts: Restarts::of(&source.data["spec"]["template"]),
        order,
        max_consumers: rollout.spec.strategy.max_consumers.and_then(|it| u32::try_from(it).ok()),
        own: parse::deployment_strategy(source),
        total: total(live),
        labels: labels::taken(&parse::whole(source)["metadata"]),
        spec: source.data["spec"].clone(),
    })
}

/// N as it was noted last, else what the target asks for.
fn total(live: &Live) -> u32 {
    let facts = live.primary.as_ref().and_then(parse::facts);
    facts.map_or_else(|| live.target.as_ref().map_or(0, parse::replicas), |it| it.replicas)
}

/// The frozen plan from the first step of an attempt on, else the spec's: whoever is told by
/// preflight what is wrong with it must be able to mend it.
fn plan(rollout: &CanaryRollout, live: &Live, state: &State) -> FrozenPlan {
    let shaped = live.target.as_ref().or(live.primary.as_ref());
    let drains = shaped.is_some_and(|it| parse::deployment_strategy(it).drains_first());
    let order = if drains { Order::DrainFirst } else { Order::SurgeFirst };
    let frozen = || rollout.status.as_ref()?.progress.as_ref()?.plan.clone();
    state.attempt_with_canary().and_then(|_| frozen()).unwrap_or_else(|| rollout.spec.freeze(order))
}

#[cfg(test)]
mod tests;
