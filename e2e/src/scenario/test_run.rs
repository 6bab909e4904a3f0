//! What all scenarios of one test run share: the test bed, the built programs, the installed CRD and
//! roles. Made once per process, before the first scenario; it starts no operator.

use std::env;
use std::fs::{self, File, TryLockError};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Error, Result, anyhow, bail};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, DynamicObject, ListParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;
use siskin_launch::cargo;
use siskin_launch::progress::Activity;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::fleet::WORKER_IMAGE;
use super::objects::{LABEL, ObjectKind, Objects};
use super::operator;
use super::policy;
use crate::testbed::{Part, Testbed};

/// Scenarios under way at the same time, at least: most of a scenario is waiting for clocks.
const AT_ONCE: u32 = 4;

/// Set, it says how many instead: more where they wait for long, fewer on a busy machine.
const AT_ONCE_VARIABLE: &str = "SISKIN_E2E_AT_ONCE";

/// Set, no scenario begins later than so many seconds after the run did. Those are named as not run: for machines that have
/// no time for all.
const SECONDS_VARIABLE: &str = "SISKIN_E2E_SECONDS";

/// Pause between two looks at whether another run, or everybody else on the bed, has ended.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// Set, it names a folder with the programs under test, and none is built: what is tested is then
/// exactly what is there.
const PROGRAMS_VARIABLE: &str = "SISKIN_E2E_PROGRAMS";

/// Operators of scenarios run side by side, each with a Lease of its scenario's name; those of users have one name.
const LEASES: &str = "
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: siskin-e2e-leases, namespace: siskin-system}
rules:
- {apiGroups: [coordination.k8s.io], resources: [leases], verbs: [get, update]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: siskin-e2e-leases, namespace: siskin-system}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: siskin-e2e-leases}
subjects: [{kind: ServiceAccount, name: siskin, namespace: siskin-system}]
";

/// Who else may use the test bed during a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Isolation {
    /// Other scenarios, too.
    Shared,
    /// Nobody.
    Alone,
}

/// The shared part of all scenarios.
pub struct TestRun {
    /// The test bed.
    pub bed: Testbed,
    /// Kubeconfig of the operator's service account.
    pub operator_config: PathBuf,
    /// Where scenarios keep their logs.
    pub logs: PathBuf,
    /// Proxies to Kafka that no scenario has: where they listen, and where they lead to. One that is shut is its
    /// scenario's still.
    pub(super) proxies: Mutex<Vec<(String, String)>>,
    /// Whether the next run may remove what this one leaves.
    pub(super) disposable: bool,
    programs: PathBuf,
    turns: Arc<Semaphore>,
    places: u32,
    /// No scenario begins after this.
    ends: Option<Instant>,
    _reserved: File,
}

static TEST_RUN: OnceLock<Result<Arc<TestRun>, String>> = OnceLock::new();

impl TestRun {
    /// The run of this process; set up by whoever comes first, while the others wait.
    pub fn get() -> Result<Arc<Self>> {
        let set = || Self::of_tests().map(Arc::new).map_err(|error| format!("{error:#}"));
        let run = TEST_RUN.get_or_init(set);
        run.clone().map_err(|error| anyhow!("the test run could not be set up: {error}"))
    }

    /// A run on a reserved test bed with the programs in this folder. It installs nothing.
    pub(super) fn on(bed: Testbed, reserved: File, programs: PathBuf) -> Result<Self> {
        let logs = programs.parent().unwrap_or(&programs).join("e2e");
        fs::create_dir_all(&logs)?;
        let operator_config = logs.join("operator.kubeconfig");
        bed.acting_as(operator::USER, &operator_config)?;
        let places = places()?;
        Ok(Self {
            proxies: Mutex::new(bed.kafka_proxies()),
            bed,
            operator_config,
            logs,
            disposable: false,
            programs,
            turns: Arc::new(Semaphore::new(usize::try_from(places)?)),
            places,
            ends: seconds()?.map(|it| Instant::now() + it),
            _reserved: reserved,
        })
    }

    /// A program under test.
    #[must_use]
    pub fn program(&self, name: &str) -> PathBuf {
        self.programs.join(name)
    }

    /// How many scenarios may be under way.
    #[must_use]
    pub fn places(&self) -> usize {
        // A u32 is no larger on any machine that runs a test bed.
        usize::try_from(self.places).unwrap_or(usize::MAX)
    }

    /// Waits for one of the places on the test bed, or until all of them are free at once.
    ///
    /// Who wants to be alone lets everybody else go first: in a queue it would empty the bed for as long as the longest
    /// scenario under way takes.
    pub async fn turn(&self, isolation: Isolation) -> Result<OwnedSemaphorePermit> {
        match isolation {
            Isolation::Shared => Ok(Arc::clone(&self.turns).acquire_owned().await?),
            Isolation::Alone => loop {
                if let Ok(all) = Arc::clone(&self.turns).try_acquire_many_owned(self.places) {
                    return Ok(all);
                }
                tokio::time::sleep(LOOK_AGAIN).await;
            },
        }
    }

    /// Lets an operator of a scenario have a Lease of its own name; the roles that users install name theirs.
    pub(crate) fn allow_leases(&self) -> Result<()> {
        self.bed.apply(LEASES).map(drop)
    }

    /// Whether it has no time for another scenario.
    #[must_use]
    pub fn is_over(&self) -> bool {
        self.ends.is_some_and(|it| it < Instant::now())
    }

    /// The CRD and the roles as users install them, but no operator: scenarios start their own.
    fn of_tests() -> Result<Self> {
        let Reserved { bed, lock, .. } = reserve(&Part::USUAL, &|| Ok(()))?;
        let programs = match env::var_os(PROGRAMS_VARIABLE) {
            Some(folder) => PathBuf::from(folder),
            None => build()?,
        };
        bed.load_image(WORKER_IMAGE, &programs.join("worker"))?;
        install(&bed)?;
        clear(&bed)?;
        bed.start_meter(&programs.join("siskin-meter"))?;
        Ok(Self { disposable: true, ..Self::on(bed, lock, programs)? })
    }
}

/// The test bed, for as long as the lock is held.
pub(super) struct Reserved {
    pub(super) bed: Testbed,
    /// Whether the test bed was up before.
    pub(super) was_up: bool,
    pub(super) lock: File,
}

/// The test bed with these parts, for one run at a time: runs share its processors, its broker and its cluster roles.
/// `go_on` ends the wait for another one.
pub(super) fn reserve(parts: &[Part], go_on: &dyn Fn() -> Result<()>) -> Result<Reserved> {
    loop {
        let was_up = Testbed::attach().is_ok();
        let bed = Testbed::up(parts)?;
        let path = bed.run_dir().join("e2e.lock");
        let file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
        let waiting = Activity::begin("e2e: waiting for tests or a demo on this test bed");
        loop {
            match file.try_lock() {
                Ok(()) => break,
                Err(TryLockError::Error(error)) => bail!("locking the test bed: {error}"),
                Err(TryLockError::WouldBlock) => go_on()?,
            }
            thread::sleep(LOOK_AGAIN);
        }
        drop(waiting);
        // Whoever had it may have ended the test bed, and the file with it.
        if is_at(&file, &path) {
            return Ok(Reserved { bed, was_up, lock: file });
        }
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    let same = |a: &fs::Metadata, b: &fs::Metadata| a.ino() == b.ino() && a.dev() == b.dev();
    matches!((file.metadata(), fs::metadata(path)), (Ok(a), Ok(b)) if same(&a, &b))
}

/// Scenarios at the same time: as many as the variable says, or by the processors.
fn places() -> Result<u32> {
    if let Ok(text) = env::var(AT_ONCE_VARIABLE) {
        let places = text.parse().ok().filter(|it| 0 < *it);
        return places
            .with_context(|| format!("{AT_ONCE_VARIABLE}={text} is no number of scenarios"));
    }
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(u32::try_from(2 * processors)?.max(AT_ONCE))
}

/// For how long scenarios may begin, if the variable says so.
fn seconds() -> Result<Option<Duration>> {
    let Ok(text) = env::var(SECONDS_VARIABLE) else { return Ok(None) };
    let seconds =
        text.parse().with_context(|| format!("{SECONDS_VARIABLE}={text}: want seconds"))?;
    Ok(Some(Duration::from_secs(seconds)))
}

/// Builds the programs under test, in the profile of this test, and says where they are.
fn build() -> Result<PathBuf> {
    let programs = cargo::folder().map_err(Error::msg)?;
    let wanted = ["siskin-operator", "worker", "producer", "kubectl-siskin", "siskin-meter"];
    let wanted = wanted.map(|it| ["--bin", it]);
    let activity = "e2e: building the operator, the plugin, the sample worker and the meter";
    cargo::build(activity, &programs, wanted.as_flattened()).map_err(Error::msg)?;
    Ok(programs)
}

fn install(bed: &Testbed) -> Result<()> {
    bed.apply_folder("config/crd")?;
    bed.apply_operators_namespace()?;
    bed.apply_folder("config/rbac")?;
    bed.apply(LEASES)?;
    bed.serves(&["crd/canaryrollouts.siskin.dev", "crd/canaryguards.siskin.dev"])
}

/// Ends what would interfere: an installed operator, the guard, scenarios of a run that was killed, and what that run had
/// started of others.
fn clear(bed: &Testbed) -> Result<()> {
    bed.stop_keda()?;
    bed.stop_flux()?;
    bed.end_brokers()?;
    bed.put_operator_aside()?;
    bed.remove_guard()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let client = bed.client().await?;
        let namespaces: Api<Namespace> = Api::all(client.clone());
        let leftover = namespaces.list(&ListParams::default().labels(LABEL)).await?;
        for namespace in leftover.items {
            release(&client, &namespace.name_any()).await?;
        }
        Ok(())
    })
}

/// Removes the namespace of a scenario whose operators have ended, and its policies: nobody else is there to lift the
/// finalizers.
pub async fn release(client: &Client, namespace: &str) -> Result<()> {
    lift(client, namespace).await?;
    let objects = Objects::of(client.clone(), namespace);
    for kind in [ObjectKind::CanaryRollout, ObjectKind::Pod] {
        let all = objects.api(kind).list(&ListParams::default()).await?;
        for held in all.items.into_iter().filter(|it| !it.finalizers().is_empty()) {
            let without = json!({"metadata": {"finalizers": null}});
            objects.merge(kind, &held.name_any(), &without).await?;
        }
    }
    let leases = Objects::of(client.clone(), operator::NAMESPACE).api(ObjectKind::Lease);
    absent_is_fine(leases.delete(namespace, &DeleteParams::default()).await.map(drop))?;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    absent_is_fine(namespaces.delete(namespace, &DeleteParams::background()).await.map(drop))
}

/// Removes the policies of a scenario.
pub(super) async fn lift(client: &Client, namespace: &str) -> Result<()> {
    let ours = ListParams::default().labels(&format!("{LABEL}={namespace}"));
    for kind in policy::kinds() {
        let all: Api<DynamicObject> = Api::all_with(client.clone(), &kind);
        all.delete_collection(&DeleteParams::default(), &ours).await?;
    }
    Ok(())
}

fn absent_is_fine(outcome: kube::Result<()>) -> Result<()> {
    match outcome {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        outcome => Ok(outcome?),
    }
}
