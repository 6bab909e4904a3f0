//! The signals as they are saved: margins and accounts, no running state.
//! What is restored is checked; it gains no evidence.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::counters::in_flight::Flight;
use crate::counters::kind::Kind;
use crate::counters::meter::{Meter, Reader};
use crate::counters::outcomes::Outcomes;
use crate::engines::rate_test::SavedRate;
use crate::guards::bounds::SavedBounds;
use crate::numbers::Millis;
use crate::observation::name_table::NameTable;
use crate::settings::Settings;
use crate::settings::user_metric::{UserMetric, UserRule};
use crate::signals::churn::Churn;
use crate::signals::lag::Lag;
use crate::signals::memory::{Memory, SavedMemory};
use crate::signals::peers::Peers;
use crate::signals::ratio::saved::SavedRatio;
use crate::signals::ratio::{RatioLimits, RatioSignal};
use crate::signals::restarts::{Restarts, SavedRestarts};
use crate::signals::work::{SavedWork, WorkFault, WorkSignal};
use crate::signals::{CountWindow, Signals, ratio_names};

/// All signals but lag.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedSignals {
    slow_from: Option<f64>,
    in_flight: Millis,
    /// Messages; absent: none were seen in flight.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    most_in_flight: Option<f64>,
    /// Absent: as often as pods are looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cadence: Option<Millis>,
    errors: Option<SavedRatio>,
    loss: Option<SavedRatio>,
    latency: Option<SavedRatio>,
    /// Absent also where an older build saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    cpu: Option<SavedRatio>,
    #[serde(rename = "yields")]
    skipped: Option<SavedWork>,
    /// Absent also where an older build saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    repeated: Option<SavedWork>,
    memory: Option<SavedMemory>,
    restarts: SavedRestarts,
    churn: SavedRate,
    /// The user's ratios that were available, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    user: Vec<(Arc<str>, SavedRatio)>,
    /// Counts of the guards; they are saved here because they always were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(crate) bounds: Vec<SavedBounds>,
}

impl SavedSignals {
    /// Usual time between two scrapes of a pod, in milliseconds.
    pub(crate) fn cadence(&self, settings: &Settings) -> Millis {
        self.cadence.unwrap_or(settings.interval).max(settings.interval)
    }

    /// A metric with evidence that these definitions lack: without it the weights of all others
    /// would be larger than they were when the evidence was gathered.
    pub(crate) fn undefined(&self, user: &[UserMetric]) -> Option<Arc<str>> {
        let ratios = ratio_names(user);
        let mut counted = self.user.iter().map(|(name, _)| name);
        let ratio = counted.find(|name| !ratios.contains(name));
        let bounded = |it: &&UserMetric| it.rule != UserRule::Ratio;
        let is_defined =
            |saved: &&SavedBounds| user.iter().filter(bounded).any(|it| it.name == saved.name);
        let bounds = || self.bounds.iter().find(|it| !is_defined(it)).map(|it| &it.name);
        ratio.or_else(bounds).cloned()
    }
}

impl Signals {
    /// The signals but lag, with the accounts of pods in their pools if `pooled`; no bounds.
    pub(crate) fn save(&self, names: &mut NameTable, pooled: bool) -> SavedSignals {
        let ratio = |kind: Kind| self.ratio(kind).map(RatioSignal::save);
        let user = self.reader.user.iter().enumerate();
        SavedSignals {
            slow_from: self.reader.slow_from,
            in_flight: self.reader.flight.longest,
            most_in_flight: Some(self.reader.flight.most.ceil()).filter(|it| *it > 0.0),
            cadence: Some(self.reader.cadence).filter(|it| *it != self.interval),
            errors: ratio(Kind::Errors),
            loss: ratio(Kind::Loss),
            latency: ratio(Kind::Latency),
            cpu: ratio(Kind::Cpu),
            skipped: self.skipped.as_ref().map(|it| it.save(names, pooled)),
            repeated: self.repeated.as_ref().map(|it| it.save(names, pooled)),
            memory: self.memory.as_ref().map(|memory| memory.save(names, pooled)),
            restarts: self.restarts.save(),
            churn: self.churn.rate.save(),
            user: user
                .filter_map(|(place, name)| Some((name.clone(), ratio(Kind::User(place))?)))
                .collect(),
            bounds: Vec::new(),
        }
    }

    /// What [`Signals::save`] wrote; `None` if it did not write this.
    pub(crate) fn restore(
        settings: &Settings,
        saved: SavedSignals,
        lag: Lag,
        rewinds: u32,
        names: &[Arc<str>],
    ) -> Option<Self> {
        let most = saved.most_in_flight.filter(|it| (0.0..1e15).contains(it)).unwrap_or(0.0);
        let flight = Flight { longest: saved.in_flight.max(0), most };
        let (interval, user) = (settings.interval, ratio_names(&settings.user));
        let cadence = saved.cadence(settings);
        let reader = Reader { cadence, slow_from: saved.slow_from, flight, user };
        let ratio = |kind: Kind, saved: Option<&SavedRatio>| {
            let restore =
                |it| RatioSignal::restore(kind, it, RatioLimits::of(kind, settings)).ok_or(());
            saved.map(restore).transpose().ok()
        };
        let mut ratios = vec![
            ratio(Kind::Errors, saved.errors.as_ref())?,
            ratio(Kind::Loss, saved.loss.as_ref())?,
            ratio(Kind::Latency, saved.latency.as_ref())?,
            ratio(Kind::Cpu, saved.cpu.as_ref())?,
        ];
        for (place, name) in reader.user.iter().enumerate() {
            let saved = saved.user.iter().find(|(saved, _)| saved == name);
            ratios.push(ratio(Kind::User(place), saved.map(|(_, it)| it))?);
        }
        let work = |fault, saved: Option<SavedWork>| {
            let restored = saved.map(|it| WorkSignal::restore(fault, it, names).ok_or(()));
            restored.transpose().ok()
        };
        let memory = saved.memory.map(|it| Memory::restore(it, settings.warm_up, names).ok_or(()));
        Some(Self {
            interval,
            meter: Meter::new(reader.clone()),
            reader,
            ratios,
            lag_non_inferiority: lag.non_inferiority(),
            lag,
            skipped: work(WorkFault::Skipped, saved.skipped)?,
            repeated: work(WorkFault::Repeated, saved.repeated)?,
            memory: memory.transpose().ok()?,
            restarts: Restarts::restore(&saved.restarts)?,
            churn: Churn::restore(&saved.churn, rewinds)?,
            window: CountWindow::default(),
            cpu_window: CountWindow::default(),
            outcomes: Outcomes::default(),
            peers: Peers::default(),
        })
    }
}
