//! The signals as they are saved: margins and accounts, no running state.
//! What is restored is checked; it gains no evidence.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::churn::{Churn, SavedChurn};
use super::memory::{Memory, SavedMemory};
use super::meter::{Meter, Reader};
use super::ratio::{RatioSignal, SavedRatio};
use super::restarts::{Restarts, SavedRestarts};
use super::yields::{SavedYield, Yield};
use super::{Kind, Signals, Window};
use crate::observation::Millis;
use crate::saved::Names;

/// All signals but lag.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct SavedSignals {
    slow_from: Option<f64>,
    in_flight: Millis,
    errors: Option<SavedRatio>,
    loss: Option<SavedRatio>,
    latency: Option<SavedRatio>,
    yields: Option<SavedYield>,
    memory: Option<SavedMemory>,
    restarts: SavedRestarts,
    churn: SavedChurn,
}

impl Signals {
    pub(crate) fn save(&self, names: &mut Names) -> SavedSignals {
        let [errors, loss, latency] = &self.ratios;
        let ratio = |signal: &Option<RatioSignal>| signal.as_ref().map(RatioSignal::save);
        SavedSignals {
            slow_from: self.reader.slow_from,
            in_flight: self.reader.in_flight,
            errors: ratio(errors),
            loss: ratio(loss),
            latency: ratio(latency),
            yields: self.yields.as_ref().map(|yields| yields.save(names)),
            memory: self.memory.as_ref().map(|memory| memory.save(names)),
            restarts: self.restarts.save(),
            churn: self.churn.save(),
        }
    }

    /// What [`Signals::save`] wrote; `None` if it did not write this.
    pub(crate) fn restore(
        interval: Millis,
        saved: SavedSignals,
        rewinds: u32,
        names: &[Arc<str>],
    ) -> Option<Self> {
        let in_flight = saved.in_flight.max(0);
        let reader = Reader { interval, slow_from: saved.slow_from, in_flight };
        let ratio = |kind: Kind, saved: Option<SavedRatio>| match saved {
            Some(saved) => Some(Some(RatioSignal::restore(kind, &saved)?)),
            None => Some(None),
        };
        let yields = match saved.yields {
            Some(yields) => Some(Yield::restore(yields, names)?),
            None => None,
        };
        let memory = match saved.memory {
            Some(memory) => Some(Memory::restore(memory, names)?),
            None => None,
        };
        Some(Self {
            interval,
            reader,
            meter: Meter::new(reader),
            ratios: [
                ratio(Kind::Errors, saved.errors)?,
                ratio(Kind::Loss, saved.loss)?,
                ratio(Kind::Latency, saved.latency)?,
            ],
            yields,
            memory,
            restarts: Restarts::restore(&saved.restarts)?,
            churn: Churn::restore(&saved.churn, rewinds)?,
            window: Window::default(),
            begin: None,
        })
    }
}
