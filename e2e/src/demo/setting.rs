//! What demo and measurements play in: a test bed that nobody else uses for the time, the operator in it as a pod.
//! Remembers what was there before, and ends no more than it began.

use std::fs::{self, File, TryLockError};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};
use siskin_launch::progress::Activity;

use super::interrupt::Interrupt;
use crate::testbed::{Part, Profile, Testbed};

const OPERATOR: [&str; 3] =
    ["--namespace=siskin-system", "deployment/siskin", "--ignore-not-found"];
const GUARD: &str = "mutatingadmissionpolicybinding/siskin-drain";
/// The image that the producer's manifest names.
const PRODUCER_IMAGE: &str = "localhost/siskin-producer:dev";

/// The test bed with everything installed.
pub struct Setting {
    /// The bed.
    pub bed: Testbed,
    /// The producer's program on this machine.
    pub producer: PathBuf,
    before: Before,
    _alone: File,
}

/// What was there before.
#[derive(Clone, Copy, Debug)]
struct Before {
    bed: bool,
    operator: bool,
}

impl Setting {
    /// Starts the test bed or attaches to the running one, and installs the operator and the images.
    ///
    /// Blocks, for minutes on a machine that does it for the first time.
    ///
    /// # Errors
    /// Says what did not build or start. What it began is ended.
    pub fn prepare(operator: Profile, interrupt: &Interrupt, say: &dyn Fn(&str)) -> Result<Self> {
        let begun = Instant::now();
        say("the test bed: a real Kubernetes and a real Kafka (built once, in some ten minutes)");
        let (bed, before, alone) = reserve(interrupt, say)?;
        let producer = match install(&bed, operator, interrupt, say) {
            Ok(producer) => producer,
            Err(error) => {
                before.restore()?;
                return Err(error);
            }
        };
        say(&format!("all of it is ready after {} s", begun.elapsed().as_secs()));
        Ok(Self { bed, producer, before, _alone: alone })
    }

    /// Whether the test bed was up before.
    #[must_use]
    pub fn was_up(&self) -> bool {
        self.before.bed
    }

    /// Ends what was not there before. Blocks.
    ///
    /// # Errors
    /// What can't be ended.
    pub fn restore(self) -> Result<()> {
        self.before.restore()
    }
}

impl Before {
    fn of(bed: Option<&Testbed>) -> Self {
        let get = [&["get", "--output=name"], &OPERATOR[..]].concat();
        let operator =
            bed.is_some_and(|bed| bed.kubectl(&get).is_ok_and(|it| !it.trim().is_empty()));
        Self { bed: bed.is_some(), operator }
    }

    /// The CRD and the roles, which do nothing by themselves, stay on a bed that stays.
    fn restore(self) -> Result<()> {
        if !self.bed {
            return Testbed::down();
        }
        if self.operator {
            return Ok(());
        }
        let bed = Testbed::attach()?;
        bed.kubectl(&["delete", GUARD, "--ignore-not-found"])?;
        bed.kubectl(&[&["delete"], &OPERATOR[..]].concat()).map(drop)
    }
}

/// A run of the scenarios puts an installed operator aside: one of us at a time on a test bed.
fn reserve(interrupt: &Interrupt, say: &dyn Fn(&str)) -> Result<(Testbed, Before, File)> {
    loop {
        let before = Before::of(Testbed::attach().ok().as_ref());
        let bed = match Testbed::up(&Part::CORE) {
            Ok(bed) => bed,
            Err(error) => {
                before.restore()?;
                return Err(error);
            }
        };
        let path = bed.run_dir().join("e2e.lock");
        let file = File::create(&path).with_context(|| format!("creating {}", path.display()))?;
        wait_for(&file, interrupt, say)?;
        // Whoever had it may have ended the test bed, and the file with it.
        if is_at(&file, &path) {
            return Ok((bed, before, file));
        }
    }
}

fn wait_for(file: &File, interrupt: &Interrupt, say: &dyn Fn(&str)) -> Result<()> {
    let mut waiting = None;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(()),
            Err(TryLockError::Error(error)) => bail!("locking the test bed: {error}"),
            Err(TryLockError::WouldBlock) => {}
        }
        if waiting.is_none() {
            say("tests or another demo run on this test bed: waiting for their end");
            waiting = Some(Activity::begin("waiting for the test bed"));
        }
        interrupt.check()?;
        thread::sleep(Duration::from_millis(500));
    }
}

fn is_at(file: &File, path: &Path) -> bool {
    let same = |a: &fs::Metadata, b: &fs::Metadata| a.ino() == b.ino() && a.dev() == b.dev();
    matches!((file.metadata(), fs::metadata(path)), (Ok(a), Ok(b)) if same(&a, &b))
}

fn install(
    bed: &Testbed,
    operator: Profile,
    interrupt: &Interrupt,
    say: &dyn Fn(&str),
) -> Result<PathBuf> {
    interrupt.check()?;
    say("Siskin: built, made an image, applied with config/default and config/guard");
    bed.install_operator(operator)?;
    interrupt.check()?;
    say("the sample consumer and its producer: built, made images");
    bed.load_worker(Profile::Debug)?;
    let producer = bed.built("siskin-worker", "producer", Profile::Debug)?;
    bed.load_image(PRODUCER_IMAGE, &producer)?;
    interrupt.check()?;
    Ok(producer)
}
