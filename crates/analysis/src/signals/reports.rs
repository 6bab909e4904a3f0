//! What the signals say to people: reports, the doubt that stands against a Pass, the leading one.
//! Only reads.

use std::sync::Arc;

use super::ratio::RatioSignal;
use super::{Kind, Signals};
use crate::funds::ROUNDING;
use crate::observation::Millis;
use crate::{Doubt, Effect, Signal, SignalReport};

/// A required signal without a window for this long is silent.
const SILENT: Millis = 180_000;
/// Largest evidence reported: more says nothing.
const MOST_EVIDENCE: f64 = 1e12;

impl Signals {
    /// A report of each available signal but lag. `ln_needed`: what the whole evidence needs.
    pub(crate) fn reports(
        &self,
        evidence: &[(Signal, f64, f64)],
        ln_needed: f64,
    ) -> Vec<SignalReport> {
        let others = evidence.iter().filter(|(signal, _, _)| *signal != Signal::Lag);
        let report = |(signal, weight, ln): &(Signal, f64, f64)| SignalReport {
            signal: *signal,
            weight: *weight,
            evidence: ln.exp().min(MOST_EVIDENCE),
            proven: self.ratio(*signal).map(RatioSignal::is_proven),
            effect: self.culprit(*signal).map(|(_, effect)| effect),
            smallest_effect_seen: self.smallest_seen(*signal, ln_needed - weight.ln()),
        };
        others.map(report).collect()
    }

    /// The pod that a signal points at, and the effect. `None`: nothing was compared.
    pub(crate) fn culprit(&self, signal: Signal) -> Option<(Arc<str>, Effect)> {
        match signal {
            Signal::Lag => None,
            Signal::Errors | Signal::Loss | Signal::Latency => {
                let ratio = self.ratio(signal)?;
                Some((ratio.worst_pod()?, ratio.effect()))
            }
            Signal::Yield => self.yields.as_ref()?.leading(),
            Signal::Memory => self.memory.as_ref()?.leading(),
            Signal::Restarts => Some((self.restarts.worst_pod()?, self.restarts.effect())),
            Signal::Churn => Some((self.churn.pod()?, self.churn.effect())),
        }
    }

    /// What stands against a Pass: a required signal that is silent, absent or not proven, or
    /// more evidence against the canary than it began with.
    ///
    /// # Errors
    /// The first such doubt.
    pub(crate) fn keep_up(
        &self,
        now: Millis,
        evidence: &[(Signal, f64, f64)],
    ) -> Result<(), Doubt> {
        let suspect = evidence
            .iter()
            .filter(|(signal, _, ln)| *signal != Signal::Lag && *ln > ROUNDING)
            .max_by(|a, b| a.2.total_cmp(&b.2));
        if let Some((signal, _, _)) = suspect
            && let Some((pod, effect)) = self.culprit(*signal)
        {
            return Err(Doubt::SignalSuspected { signal: *signal, pod, effect });
        }
        for kind in Kind::ALL {
            let Some(ratio) = &self.ratios[kind.index()] else { continue };
            let signal = kind.signal();
            if ratio.is_absent() {
                return Err(Doubt::SignalAbsent { signal });
            }
            self.has_spoken(signal, ratio.latest(), now)?;
            if !ratio.is_proven() {
                let messages = crate::units::whole(ratio.messages_needed());
                return Err(Doubt::SignalUnproven { signal, messages });
            }
        }
        match &self.memory {
            Some(memory) => self.has_spoken(Signal::Memory, memory.latest(), now),
            None => Ok(()),
        }
    }

    fn has_spoken(&self, signal: Signal, latest: Option<Millis>, now: Millis) -> Result<(), Doubt> {
        let silent = now.saturating_sub(latest.or(self.begin).unwrap_or(now));
        if latest.is_none() || silent > SILENT {
            return Err(Doubt::SignalSilent { signal, silent: silent.max(0) });
        }
        Ok(())
    }

    /// Values that were scraped and were no numbers.
    pub(crate) fn unreadable(&self) -> u32 {
        self.meter.unreadable
    }

    /// Whether the primary fails so often that not even total failure would be found at once.
    pub(crate) fn is_gross_blind(&self) -> bool {
        self.ratio(Signal::Errors).is_some_and(RatioSignal::is_gross_blind)
    }

    fn ratio(&self, signal: Signal) -> Option<&RatioSignal> {
        let kind = Kind::ALL.into_iter().find(|kind| kind.signal() == signal)?;
        self.ratios[kind.index()].as_ref()
    }

    fn smallest_seen(&self, signal: Signal, ln_needed: f64) -> Option<f64> {
        match signal {
            Signal::Lag => None,
            Signal::Errors | Signal::Loss | Signal::Latency => {
                self.ratio(signal)?.smallest_ratio_seen(ln_needed)
            }
            Signal::Yield => self.yields.as_ref()?.smallest_seen(ln_needed),
            Signal::Memory => self.memory.as_ref()?.smallest_seen(ln_needed),
            Signal::Restarts => self.restarts.smallest_seen(ln_needed),
            Signal::Churn => self.churn.smallest_seen(ln_needed),
        }
    }
}
