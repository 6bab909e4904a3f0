//! Everything read about one rollout, assembled: the `Observed` value that decides, and beside it
//! the objects and texts that `apply` and `report` need. Decides nothing.

use jiff::{SignedDuration, Timestamp};
use kube::ResourceExt;
use kube::core::DynamicObject;
use siskin_analysis::observation::Role;
use siskin_analysis::{Assessment, Finding};
use siskin_api::annotations::{FINALIZER, REVISION, ROLE, TARGET, target};
use siskin_api::{CanaryRollout, CanaryRolloutStatus, FrozenPlan, SpecError};

use crate::cluster::calls::CallFailed;
use crate::commands::{self, Asked};
use crate::evidence::preflight::Concern;
use crate::evidence::weigh::{settings, weigh};
use crate::name::Name;
use crate::observe::index::name_of;
use crate::observe::observer::Observer;
use crate::observe::parse::{self, FrozenObject};
use crate::observe::pods::PodsOfTarget;
use crate::persisted;
use crate::workloads::children::Family;
use crate::workloads::template::{PodTemplate, Restarts};
use siskin_decide::{
    Desired, Evidence, Membership, Names, Observed, Preflight, Primary, Revision, Stage, State,
    Target, Trial, Uid, Workload,
};

/// The objects of one rollout.
#[derive(Clone, Debug, Default)]
pub struct Live {
    /// X.
    pub target: Option<DynamicObject>,
    /// X-primary.
    pub primary: Option<DynamicObject>,
    /// X-canary.
    pub canary: Option<DynamicObject>,
    /// Frozen templates.
    pub frozen: Vec<FrozenObject>,
}

/// One look at one rollout.
#[derive(Clone, Debug)]
pub struct World {
    /// Its name.
    pub name: Name,
    /// The rollout itself.
    pub rollout: CanaryRollout,
    /// The objects that belong to it.
    pub live: Live,
    /// What its children have in common; `None` when neither X nor a child is there.
    pub family: Option<Family>,
    /// What decides.
    pub observed: Observed,
    /// What is wrong with the spec.
    pub spec_errors: Vec<SpecError>,
    /// The plan that is followed, to be frozen when a trial starts.
    pub plan: FrozenPlan,
    /// Command annotations.
    pub asked: Vec<Asked>,
    /// What keeps a trial from beginning.
    pub concerns: Vec<Concern>,
    /// Why the source can't be read, whatever the state.
    pub source: Option<Concern>,
    /// The judge's word, if an attempt is judged.
    pub assessment: Option<Assessment>,
    /// A guard's word from the pods alone.
    pub guard: Option<Finding>,
    /// Pods of both roles.
    pub pods: PodsOfTarget,
    /// Children whose count somebody else wrote last.
    pub counted_by_hand: Vec<Role>,
}

impl World {
    /// The status as read.
    #[must_use]
    pub fn status(&self) -> CanaryRolloutStatus {
        self.rollout.status.clone().unwrap_or_default()
    }
}

/// Puts a world together from what was read.
pub(super) async fn assemble(
    observer: &Observer,
    rollout: CanaryRollout,
    live: Live,
    (absent_for, now): (SignedDuration, Timestamp),
) -> Result<World, CallFailed> {
    let name = name_of(&rollout);
    let target_name = rollout.spec.target_ref.name.clone();
    let state = persisted::read(rollout.status.as_ref());
    let spec_errors = rollout.spec.validate().err().unwrap_or_default();
    let plan = plan(&rollout, &state);
    let strategy = parse::strategy(&plan);
    let pods = observer.pods.of(&name.namespace, &target_name);
    let family = family(&rollout, &live, strategy.order);
    let workloads = Workloads::of(observer, &live, family.as_ref(), &pods).await?;
    let desired = match &live.target {
        Some(target) => Some(desired(observer, &rollout, target, &live.frozen).await?),
        None => None,
    };
    let uid: Uid = rollout.uid().unwrap_or_default().into();
    let names = names(observer, &name, &rollout, &live, &uid);
    let adopted = workloads.primary.is_some();
    let around =
        Surroundings::of(observer, &name, (&rollout, &plan), (names, adopted), now).await?;
    let asked = commands::asked(&rollout, live.target.as_ref());
    let mut seen = Observed {
        uid,
        state,
        deleted_at: rollout.metadata.deletion_timestamp.as_ref().map(|it| it.0),
        namespace_terminating: around.namespace_terminating,
        finalizer: rollout.finalizers().iter().any(|it| it == FINALIZER),
        names,
        suspended: rollout.spec.suspend,
        spec_valid: spec_errors.is_empty(),
        replicas: count(rollout.spec.replicas),
        last_total: count(rollout.status.as_ref().and_then(|it| it.replicas)),
        max_consumers: count(rollout.spec.strategy.max_consumers),
        strategy,
        target: live.target.as_ref().zip(desired).map(|(it, desired)| as_target(it, desired)),
        target_absent_for: absent_for,
        autoscaler_on_target: around.autoscaler_on_target,
        autoscaler_on_rollout: around.autoscaler_on_rollout,
        primary: workloads.primary,
        canary: workloads.canary,
        frozen: live.frozen.iter().map(|it| it.frozen.clone()).collect(),
        preflight: Preflight::Failed,
        membership: Membership::Unknown,
        evidence: Evidence::Inconclusive { delivered: false },
        watched_since: None,
        orders: asked.iter().filter_map(|it| it.order).collect(),
    };
    let context = (&rollout, settings(&plan));
    let source = around.source;
    let (assessment, guard, concerns) =
        weigh(observer, context, &mut seen, (&pods, source.as_ref()), now);
    Ok(World {
        name,
        rollout,
        counted_by_hand: counted_by_hand(&live),
        live,
        family,
        observed: seen,
        spec_errors,
        plan,
        asked,
        concerns,
        source,
        assessment,
        guard,
        pods,
    })
}

fn counted_by_hand(live: &Live) -> Vec<Role> {
    let children = [(Role::Primary, &live.primary), (Role::Canary, &live.canary)];
    let by_hand = |it: &Option<DynamicObject>| it.as_ref().is_some_and(parse::is_counted_by_hand);
    children.into_iter().filter(|(_, child)| by_hand(child)).map(|(role, _)| role).collect()
}

/// What only some passes have to ask for.
struct Surroundings {
    namespace_terminating: bool,
    autoscaler_on_target: bool,
    autoscaler_on_rollout: bool,
    source: Option<Concern>,
}

impl Surroundings {
    async fn of(
        observer: &Observer,
        name: &Name,
        (rollout, plan): (&CanaryRollout, &FrozenPlan),
        (names, adopted): (Names, bool),
        now: Timestamp,
    ) -> Result<Self, CallFailed> {
        let cluster = &observer.cluster;
        let target = &rollout.spec.target_ref.name;
        let going = rollout.metadata.deletion_timestamp.is_some();
        let owned = names == Names::Ours && adopted && !going;
        let source = if owned && rollout.spec.validate().is_ok() {
            crate::evidence::sources::watch(observer, name, (rollout, plan), now).await?
        } else {
            None
        };
        Ok(Self {
            namespace_terminating: going && cluster.is_terminating(&name.namespace).await?,
            autoscaler_on_target: !adopted
                && cluster.is_autoscaled(&name.namespace, target).await?,
            autoscaler_on_rollout: owned && observer.is_autoscaled(name, rollout, now).await?,
            source,
        })
    }
}

/// The children's counts, and whether they differ from what they should be.
struct Workloads {
    primary: Option<Primary>,
    canary: Option<Workload>,
}

impl Workloads {
    async fn of(
        observer: &Observer,
        live: &Live,
        family: Option<&Family>,
        pods: &PodsOfTarget,
    ) -> Result<Self, CallFailed> {
        let primary = match &live.primary {
            Some(object) => parse::facts(object).zip(Some(object)),
            None => None,
        };
        let primary = match primary {
            Some((facts, object)) => Some(Primary {
                workload: child(observer, (object, Role::Primary), live, family, pods).await?,
                max_unavailable: parse::max_unavailable(object, facts.replicas),
                facts,
            }),
            None => None,
        };
        let canary = match &live.canary {
            Some(it) => Some(child(observer, (it, Role::Canary), live, family, pods).await?),
            None => None,
        };
        Ok(Self { primary, canary })
    }
}

async fn child(
    observer: &Observer,
    (object, role): (&DynamicObject, Role),
    live: &Live,
    family: Option<&Family>,
    pods: &PodsOfTarget,
) -> Result<Workload, CallFailed> {
    let holds = object.annotations().get(REVISION);
    let holds = holds.and_then(|it| it.parse::<Revision>().ok());
    let template = holds.and_then(|it| live.frozen.iter().find(|f| f.frozen.revision == it));
    let expected = template
        .zip(family)
        .map(|(it, family)| family.child(role, it.frozen.revision, &it.template));
    let mut workload = parse::workload(object, expected.as_ref(), pods.shown(role));
    if template.is_none() {
        // Without its frozen template nothing says what it should be: it is frozen again first.
        workload.differs = false;
    }
    if let Some(expected) = expected
        && expected.compare(&parse::whole(object))
            == crate::workloads::children::Difference::Template
    {
        let wanted = (workload.revision.map_or(0, |it| it.0), &expected.spec["template"]);
        workload.differs =
            !observer.defaults.account_for(&observer.cluster, object, wanted).await?;
    }
    Ok(workload)
}

/// The live template's keys; those of a frozen template that the API server has since added
/// defaults to, if that is what it is.
async fn desired(
    observer: &Observer,
    rollout: &CanaryRollout,
    target: &DynamicObject,
    frozen: &[FrozenObject],
) -> Result<Desired, CallFailed> {
    let template = PodTemplate::of(&target.data["spec"]["template"]);
    let canary_on = rollout.spec.canary_on;
    let own = Desired { revision: template.revision(), trial: template.trial_key(canary_on) };
    if frozen.iter().any(|it| it.frozen.revision == own.revision) {
        return Ok(own);
    }
    for known in frozen {
        let question = (known.frozen.revision.0, known.template.json());
        if observer.defaults.account_for(&observer.cluster, target, question).await? {
            return Ok(Desired { revision: known.frozen.revision, trial: known.frozen.trial });
        }
    }
    Ok(own)
}

fn as_target(object: &DynamicObject, desired: Desired) -> Target {
    let mut workload = parse::workload(object, None, parse::Shown::default());
    workload.revision = Some(desired.revision);
    workload.differs = false;
    let pods = u32::try_from(object.data["status"]["replicas"].as_i64().unwrap_or(0)).unwrap_or(0);
    // X's own pods carry no role and are not watched: what it has too many is on its way out.
    workload.terminating = pods.saturating_sub(workload.replicas);
    Target {
        desired,
        available: parse::is_available(object),
        noted: parse::count_annotation(object, target::REPLICAS),
        written: parse::count_annotation(object, target::WRITTEN),
        owned: parse::own_entry(object).is_some(),
        bypass: parse::bypass(object),
        max_unavailable: parse::max_unavailable(
            object,
            parse::replicas(object)
                .max(parse::count_annotation(object, target::REPLICAS).unwrap_or(0)),
        ),
        workload,
    }
}

fn family(rollout: &CanaryRollout, live: &Live, order: siskin_decide::MoveOrder) -> Option<Family> {
    let source = live.target.as_ref().or(live.primary.as_ref()).or(live.canary.as_ref())?;
    let mut spec = source.data["spec"].clone();
    if let Some(labels) =
        spec.pointer_mut("/selector/matchLabels").and_then(|it| it.as_object_mut())
    {
        labels.remove(ROLE);
    }
    Some(Family {
        target: rollout.spec.target_ref.name.clone(),
        identity: rollout.spec.pod_identity,
        restarts: Restarts::of(&source.data["spec"]["template"]),
        order,
        spec,
    })
}

/// Who owns the names. Of two rollouts of one target the one on X-primary wins, else the oldest.
fn names(
    observer: &Observer,
    name: &Name,
    rollout: &CanaryRollout,
    live: &Live,
    uid: &Uid,
) -> Names {
    let target = &rollout.spec.target_ref.name;
    let made = |it: &DynamicObject| it.labels().get(TARGET).is_some_and(|it| it == target);
    let foreign = [&live.primary, &live.canary].into_iter().flatten().any(|it| !made(it));
    let is_child = live.target.as_ref().is_some_and(|it| {
        it.labels().contains_key(ROLE)
            || it.data["spec"]["template"]["metadata"]["labels"].get(ROLE).is_some()
    });
    let facts = live.primary.as_ref().map(parse::facts);
    let created = rollout.creation_timestamp().map_or(Timestamp::MAX, |it| it.0);
    match facts {
        _ if foreign || is_child => Names::Taken,
        Some(None) => Names::Taken,
        Some(Some(facts)) if facts.owner == *uid => Names::Ours,
        Some(Some(facts)) if observer.index.knows(&facts.owner) => Names::Taken,
        Some(Some(_)) | None if observer.index.has_elder(name, target, created) => Names::Taken,
        Some(Some(_)) => Names::Orphaned,
        None => Names::Ours,
    }
}

/// The frozen plan from the first step of an attempt on, else the spec's: whoever is told by preflight
/// what is wrong with it must be able to mend it.
fn plan(rollout: &CanaryRollout, state: &State) -> FrozenPlan {
    let frozen = || rollout.status.as_ref()?.progress.as_ref()?.plan.clone();
    match state {
        State::Trial(Trial { stage: Stage::Progressing(_) | Stage::Paused(_), .. })
        | State::Promoting(_)
        | State::RollingBack(_) => frozen().unwrap_or_else(|| rollout.spec.freeze()),
        State::Trial(Trial { stage: Stage::Preparing(_), .. })
        | State::Adopting
        | State::AtRest(_)
        | State::Terminating(_) => rollout.spec.freeze(),
    }
}

fn count(value: Option<i32>) -> Option<u32> {
    value.and_then(|it| u32::try_from(it).ok())
}
