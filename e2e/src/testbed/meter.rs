//! What autoscalers scale by, said by a scenario instead of measured: a server of metrics that a file of each namespace
//! feeds. Not part of a bed that nobody asked for it.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use serde_json::Value;

use super::aggregation::Group;
use super::bed::Testbed;
use super::extra::{self, Extra};
use super::templates::Values;
use super::{keda, lock};

const NAME: &str = "meter";
/// The port in `args/meter`.
const PORT: u16 = 10301;

impl Testbed {
    /// Starts the meter, over one that runs: what serves is this program as it is now.
    pub fn start_meter(&self, program: &Path) -> Result<()> {
        let _lock = lock::take(&self.places)?;
        ensure!(
            self.places.certs().join("aggregated.crt").exists(),
            "this test bed was started by an older version of itself: `cargo testbed up --fresh`"
        );
        extra::end(&self.places, NAME)?;
        fs::create_dir_all(self.places.run.join(NAME))?;
        let meter = Extra {
            name: NAME,
            program: program.to_owned(),
            arguments: include_str!("../../testbed/args/meter"),
            environment: &[],
        };
        meter.start(&self.places, &Values::of_running_bed(&self.places)?)?;
        let registered = self.serve(Group::METRICS, PORT);
        registered.and_then(|()| extra::running(&self.places, NAME)).context("the meter")?;
        if keda::started(&self.places) { Ok(()) } else { self.serve_external() }
    }

    /// What each pod of a namespace uses, and its external metrics: `{"cpu": "250m", "external": {"lag": 40}}`.
    /// An autoscaler hears of it when it looks the next time.
    pub fn says(&self, namespace: &str, said: &Value) -> Result<()> {
        let file = self.places.run.join(NAME).join(format!("{namespace}.json"));
        let next = file.with_extension("next");
        fs::write(&next, said.to_string())?;
        fs::rename(&next, &file).with_context(|| format!("writing {}", file.display()))
    }

    /// External metrics are the meter's, if it runs; nobody's otherwise.
    pub(super) fn serve_external(&self) -> Result<()> {
        if extra::running(&self.places, NAME).is_ok() {
            self.serve(Group::EXTERNAL, PORT)
        } else {
            self.serve_no_more(Group::EXTERNAL)
        }
    }
}
