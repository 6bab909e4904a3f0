//! The test bed as a user's cluster: the operator in it as a pod, under its own rights, and the sample's images.
//! Remembers what was there before, and ends no more than it began.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use k8s_openapi::api::core::v1::Namespace;
use kube::api::DeleteParams;
use kube::{Api, Client};

use super::interrupt::Interrupt;
use super::test_run::{Reserved, TestRun, reserve};
use crate::testbed::{Part, Profile, Testbed};

/// Pause between two looks at whether a namespace is gone.
const LOOK_AGAIN: Duration = Duration::from_millis(500);

/// The test bed with everything installed.
pub struct Installed {
    /// What the scenarios on it share.
    pub run: Arc<TestRun>,
    before: Before,
}

/// What was there before.
#[derive(Clone, Copy, Debug)]
struct Before {
    bed: bool,
    operator: bool,
}

impl Installed {
    /// Starts the test bed or attaches to the running one, and installs the operator and the worker's image: minutes on a
    /// machine that does it for the first time.
    ///
    /// # Errors
    /// Says what did not build or start. What it began is ended.
    pub async fn prepare(operator: Profile, interrupt: &Interrupt, say: fn(&str)) -> Result<Self> {
        let interrupt = interrupt.clone();
        // It blocks.
        let prepare = move || {
            let begun = Instant::now();
            say(
                "the test bed: a real Kubernetes and a real Kafka (built once, in some ten minutes)",
            );
            let mut before = Before { bed: Testbed::attach().is_ok(), operator: false };
            let run = match install(&mut before, operator, &interrupt, say) {
                Ok(run) => Arc::new(run),
                Err(error) => {
                    before.restore()?;
                    return Err(error);
                }
            };
            say(&format!("all of it is ready after {} s", begun.elapsed().as_secs()));
            Ok(Self { run, before })
        };
        tokio::task::spawn_blocking(prepare).await?
    }

    /// Whether the test bed was up before [`Installed::prepare`].
    pub fn was_up(&self) -> bool {
        self.before.bed
    }

    /// Ends what was not there before.
    pub async fn restore(self) -> Result<()> {
        tokio::task::spawn_blocking(move || self.before.restore()).await?
    }
}

impl Before {
    /// The CRD and the roles, which do nothing by themselves, stay on a bed that stays.
    fn restore(self) -> Result<()> {
        if !self.bed {
            return Testbed::down();
        }
        if self.operator {
            return Ok(());
        }
        Testbed::attach()?.remove_operator()
    }
}

fn install(
    before: &mut Before,
    operator: Profile,
    interrupt: &Interrupt,
    say: fn(&str),
) -> Result<TestRun> {
    let Reserved { bed, was_up, lock } = reserve(&Part::CORE, &|| interrupt.check())?;
    before.bed = was_up;
    before.operator = bed.operator_installed().unwrap_or(false);
    interrupt.check()?;
    say("Siskin: built, made an image, applied with config/default and config/guard");
    bed.install_operator(operator)?;
    interrupt.check()?;
    say("the sample consumer and its producer: built, made images");
    bed.load_worker(Profile::Debug)?;
    let producer = bed.load_producer(Profile::Debug)?;
    interrupt.check()?;
    let programs = producer.parent().map(ToOwned::to_owned).unwrap_or_default();
    TestRun::on(bed, lock, programs)
}

/// Removes a namespace and waits until it is gone: an operator that runs hands over what is in it first.
pub async fn remove_namespace(client: &Client, name: &str, patience: Duration) -> Result<()> {
    let namespaces: Api<Namespace> = Api::all(client.clone());
    if namespaces.get_opt(name).await?.is_none() {
        return Ok(());
    }
    namespaces.delete(name, &DeleteParams::default()).await?;
    let deadline = Instant::now() + patience;
    while let Some(left) = namespaces.get_opt(name).await? {
        if deadline < Instant::now() {
            let conditions = left.status.and_then(|it| it.conditions).unwrap_or_default();
            let why = conditions.into_iter().filter(|it| it.status == "True");
            let why: Vec<_> = why.filter_map(|it| it.message).collect();
            bail!("namespace {name} is still there after {} s: {why:?}", patience.as_secs());
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    Ok(())
}
