//! What all scenarios of one test run share: the test bed, the built programs, the installed CRD and
//! roles. Made once per process, before the first scenario; it starts no operator.

use std::env;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock};

use anyhow::{Context, Error, Result, anyhow};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::{DeleteParams, ListParams};
use kube::{Api, Client, ResourceExt};
use serde_json::json;
use siskin_launch::cargo;
use tokio::sync::{Semaphore, SemaphorePermit};

use super::fleet::WORKER_IMAGE;
use super::objects::{Kind, Objects};
use super::operator::{self, acting_as};
use crate::testbed::{Part, Testbed};

/// Label of every namespace that a scenario makes.
pub const LABEL: &str = "siskin.dev/e2e";

/// Scenarios under way at the same time, at least: most of a scenario is waiting for clocks.
const AT_ONCE: u32 = 4;

/// Set, it says how many instead: more where they wait for long, fewer on a busy machine.
const AT_ONCE_VARIABLE: &str = "SISKIN_E2E_AT_ONCE";

/// Set, it names a folder with the programs under test, and none is built: what is tested is then
/// exactly what is there.
const PROGRAMS_VARIABLE: &str = "SISKIN_E2E_PROGRAMS";

/// Who else is on the stage during a scenario.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Company {
    /// Other scenarios.
    Others,
    /// Nobody.
    None,
}

/// The shared part of all scenarios.
pub struct Stage {
    /// The test bed.
    pub bed: Testbed,
    /// The operator's program.
    pub operator: PathBuf,
    /// The producer's program.
    pub producer: PathBuf,
    /// The program `kubectl-siskin`.
    pub plugin: PathBuf,
    /// Kubeconfig of the operator's service account.
    pub operator_config: PathBuf,
    /// Where scenarios keep their logs.
    pub logs: PathBuf,
    /// Doors to Kafka that no scenario has: where to knock, and where that leads to. One that is shut
    /// is its scenario's still.
    pub(super) doors: Mutex<Vec<(String, String)>>,
    turns: Semaphore,
    places: u32,
    _alone: File,
}

static STAGE: OnceLock<Result<Stage, String>> = OnceLock::new();

impl Stage {
    /// The stage; set up by whoever comes first, while the others wait.
    ///
    /// # Errors
    /// What this machine lacks, or what did not build or start.
    pub fn get() -> Result<&'static Self> {
        let stage = STAGE.get_or_init(|| Self::set().map_err(|error| format!("{error:#}")));
        stage.as_ref().map_err(|error| anyhow!("the stage could not be set: {error}"))
    }

    /// How many scenarios may be under way.
    #[must_use]
    pub fn places(&self) -> usize {
        // A u32 is no larger on any machine that runs a test bed.
        usize::try_from(self.places).unwrap_or(usize::MAX)
    }

    /// The repository's file or folder.
    #[must_use]
    pub fn repository(path: &str) -> PathBuf {
        let manifest = Path::new(env!("CARGO_MANIFEST_DIR"));
        manifest.parent().unwrap_or(manifest).join(path)
    }

    /// Waits for one of the places on the stage, or for all of them.
    pub(super) async fn turn(&self, company: Company) -> Result<SemaphorePermit<'_>> {
        let places = match company {
            Company::Others => 1,
            Company::None => self.places,
        };
        Ok(self.turns.acquire_many(places).await?)
    }

    fn set() -> Result<Self> {
        let bed = Testbed::up(&Part::ALL)?;
        let alone = alone(&bed)?;
        let programs = match env::var_os(PROGRAMS_VARIABLE) {
            Some(folder) => PathBuf::from(folder),
            None => build()?,
        };
        bed.load_image(WORKER_IMAGE, &programs.join("worker"))?;
        install(&bed)?;
        clear(&bed)?;
        let logs = programs.parent().unwrap_or(&programs).join("e2e");
        fs::create_dir_all(&logs)?;
        let operator_config = logs.join("operator.kubeconfig");
        acting_as(operator::USER, &bed.kubeconfig(), &operator_config)?;
        let places = places()?;
        Ok(Self {
            doors: Mutex::new(bed.kafka_doors()),
            bed,
            operator: programs.join("siskin-operator"),
            producer: programs.join("producer"),
            plugin: programs.join("kubectl-siskin"),
            operator_config,
            logs,
            turns: Semaphore::new(usize::try_from(places)?),
            places,
            _alone: alone,
        })
    }
}

/// As many as the variable says; else by the processors.
fn places() -> Result<u32> {
    if let Ok(text) = env::var(AT_ONCE_VARIABLE) {
        let places = text.parse().ok().filter(|it| 0 < *it);
        return places
            .with_context(|| format!("{AT_ONCE_VARIABLE}={text} is no number of scenarios"));
    }
    let processors = std::thread::available_parallelism().map_or(1, usize::from);
    Ok(u32::try_from(2 * processors)?.max(AT_ONCE))
}

/// One test run at a time on a test bed: they share its CPUs, its broker and its cluster roles.
fn alone(bed: &Testbed) -> Result<File> {
    let path = bed.run_dir().join("e2e.lock");
    let file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
    file.lock().with_context(|| format!("locking {}", path.display()))?;
    Ok(file)
}

/// Builds the programs under test, in the profile of this test, and says where they are.
fn build() -> Result<PathBuf> {
    let programs = cargo::folder().map_err(Error::msg)?;
    let packages = ["siskin-operator", "siskin-worker", "siskin-cli"];
    let packages = packages.map(|it| ["--package", it]);
    let activity = "e2e: building the operator, the plugin and the sample worker";
    cargo::build(activity, &programs, packages.as_flattened()).map_err(Error::msg)?;
    Ok(programs)
}

/// The CRD and the roles as users install them, but no operator: scenarios start their own.
fn install(bed: &Testbed) -> Result<()> {
    for path in ["config/crd", "config/manager/namespace.yaml", "config/rbac"] {
        let how = if path.ends_with("yaml") { "-f" } else { "-k" };
        let path = Stage::repository(path);
        let apply = ["apply", "--server-side", "--force-conflicts", how];
        let words = apply.map(AsRef::as_ref).into_iter().chain([path.as_os_str()]);
        bed.kubectl(&words.collect::<Vec<_>>())?;
    }
    bed.kubectl(&["wait", "--for=condition=Established", "crd/canaryrollouts.siskin.dev"])?;
    Ok(())
}

/// Ends what would interfere: an installed operator, the guard, scenarios of a run that was killed.
fn clear(bed: &Testbed) -> Result<()> {
    let found = bed.kubectl(&[
        "get",
        "deployment/siskin",
        "-n",
        operator::NAMESPACE,
        "--ignore-not-found",
        "-o",
        "name",
    ])?;
    if !found.trim().is_empty() {
        eprintln!("e2e: an operator is installed; scaling it to 0, the tests run their own");
        bed.kubectl(&["scale", "deployment/siskin", "-n", operator::NAMESPACE, "--replicas=0"])?;
    }
    bed.kubectl(&[
        "delete",
        "mutatingadmissionpolicybinding",
        "siskin-drain",
        "--ignore-not-found",
    ])?;
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

/// Removes the namespace of a scenario whose operators have ended: nobody else is there to lift the
/// finalizers.
///
/// # Errors
/// The API server's complaint.
pub async fn release(client: &Client, namespace: &str) -> Result<()> {
    let objects = Objects::of(client.clone(), namespace);
    let rollouts = objects.api(Kind::CanaryRollout);
    for rollout in rollouts.list(&ListParams::default()).await?.items {
        let without = json!({"metadata": {"finalizers": null}});
        objects.merge(Kind::CanaryRollout, &rollout.name_any(), &without).await?;
    }
    let leases = Objects::of(client.clone(), operator::NAMESPACE).api(Kind::Lease);
    absent_is_fine(leases.delete(namespace, &DeleteParams::default()).await.map(drop))?;
    let namespaces: Api<Namespace> = Api::all(client.clone());
    absent_is_fine(namespaces.delete(namespace, &DeleteParams::background()).await.map(drop))
}

fn absent_is_fine(outcome: kube::Result<()>) -> Result<()> {
    match outcome {
        Err(kube::Error::Api(status)) if status.code == 404 => Ok(()),
        outcome => Ok(outcome?),
    }
}
