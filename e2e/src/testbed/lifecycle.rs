//! A test bed from nothing to up, and back.
//! It holds the lock meanwhile; how a part is made, started or ended is known elsewhere.

use anyhow::Result;

use super::artifact::Artifact;
use super::bed::Testbed;
use super::part::Part;
use super::places::Places;
use super::{daemon, faulted, health, lock, network, provision, shell, start, teardown};

impl Testbed {
    /// Attaches to the running test bed, or starts one: builds what these parts need, starts those that a running one was
    /// started without, and replaces a broken one. Every bed has [`Part::CORE`].
    ///
    /// # Errors
    /// Says what this machine lacks, or which part did not come up, with the end of its log.
    pub fn up(parts: &[Part]) -> Result<Self> {
        let places = Places::of_this_user()?;
        let _lock = lock::take(&places)?;
        let bed = Self { places };
        match health::verdict(&bed.places) {
            health::Verdict::Healthy => return bed.with(parts),
            health::Verdict::Absent => {}
            health::Verdict::Broken(cause) => {
                shell::say(&format!("the running test bed is broken ({cause:#}): starting anew"));
            }
        }
        // Sooner than after minutes of building.
        let (_, others) = daemon::marked(&bed.places.run)?;
        network::refuse_other_beds(&others)?;
        provision::ensure(&bed.places, &Part::artifacts(parts))?;
        teardown::run(&bed.places)?;
        start::run(&bed.places, parts)?;
        Ok(bed)
    }

    /// Starts the brokers beside the first one, which a bed has only while somebody asks for them.
    pub fn start_brokers(&self) -> Result<()> {
        let _lock = lock::take(&self.places)?;
        self.clone().with(&Part::BROKERS).map(drop)
    }

    /// The running bed with these parts, too. What a test has put out of order stays so.
    fn with(self, parts: &[Part]) -> Result<Self> {
        let places = &self.places;
        let here = |it: &Part| health::started(places, *it) || faulted::wanted(places, *it);
        let absent: Vec<Part> = parts.iter().copied().filter(|it| !here(it)).collect();
        if !absent.is_empty() {
            provision::ensure(places, &Part::artifacts(&absent))?;
            start::more(places, &absent)?;
        }
        Ok(self)
    }

    /// Installs, fetches and builds what [`Testbed::up`] needs, and starts nothing.
    pub fn provision() -> Result<()> {
        let places = Places::of_this_user()?;
        let _lock = lock::take(&places)?;
        provision::ensure(&places, &Part::artifacts(&Part::USUAL))
    }

    /// Builds those of these that are not in the cache.
    pub fn provide(artifacts: &[Artifact]) -> Result<()> {
        let places = Places::of_this_user()?;
        let _lock = lock::take(&places)?;
        provision::ensure(&places, artifacts)
    }

    /// Whether it is in the cache: built or fetched at some time, in the version that is wanted.
    pub fn has(artifact: Artifact) -> Result<bool> {
        Ok(Places::of_this_user()?.of(artifact).exists())
    }

    /// Ends the test bed and removes every trace of it but the cache. Harmless when nothing is up.
    pub fn down() -> Result<()> {
        let places = Places::of_this_user()?;
        let _lock = lock::take(&places)?;
        teardown::run(&places)
    }
}
