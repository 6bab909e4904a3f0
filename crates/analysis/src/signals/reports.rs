//! What the signals say to people: reports, the doubt that stands against a Pass, the leading one.
//! Only reads.

use std::sync::Arc;

use crate::constants::LARGEST_EVIDENCE;
use crate::counters::kind::Kind;
use crate::engines::non_inferiority::PROVEN;
use crate::engines::rate_test::RateTest;
use crate::findings::assessment::SignalReport;
use crate::findings::doubt::Doubt;
use crate::findings::effect::Effect;
use crate::findings::fault::Fault;
use crate::findings::finding::Observed;
use crate::findings::note::Note;
use crate::findings::signal::Signal;
use crate::lag::group::Group;
use crate::numbers::{Millis, whole};
use crate::settings::MinimumEvidence;
use crate::signals::Signals;
use crate::signals::evidence::{SignalEvidence, ln_total};
use crate::signals::ratio::RatioSignal;

/// A required signal without a window for this long is silent.
const LONGEST_SILENCE: Millis = 180_000;

impl Signals {
    /// A report of each available signal, lag first. `ln_needed`: what the whole evidence needs.
    pub(crate) fn reports(
        &self,
        evidence: &[SignalEvidence],
        ln_needed: f64,
    ) -> impl Iterator<Item = SignalReport> {
        evidence.iter().map(move |one| SignalReport {
            signal: one.signal.clone(),
            weight: one.weight,
            evidence: one.ln.exp().min(LARGEST_EVIDENCE),
            proven: self.counts(&one.signal).and_then(RatioSignal::proven),
            effect: self.culprit(&one.signal).map(|(_, effect)| effect),
            smallest_effect_seen: self.smallest_seen(&one.signal, ln_needed - one.weight.ln()),
        })
    }

    /// The signal with the largest part of the evidence, if all together are enough.
    pub(crate) fn worse(
        &self,
        group: &Group,
        evidence: &[SignalEvidence],
        ln_needed: f64,
    ) -> Option<Fault> {
        if ln_total(evidence) < ln_needed {
            return None;
        }
        // One without evidence of its own is not the reason, even if no other can be named now.
        let mut parts: Vec<_> = evidence.iter().filter(|one| one.speaks()).collect();
        parts.sort_by(|a, b| b.ln_part().total_cmp(&a.ln_part()));
        parts.into_iter().find_map(|one| {
            if one.signal == Signal::Lag {
                return self.lag.worse(group);
            }
            let (pod, effect) = self.culprit(&one.signal)?;
            Some(Fault::Worse { signal: one.signal.clone(), pod, effect })
        })
    }

    /// The pod that a signal points at, and the effect. `None`: nothing was compared.
    pub(crate) fn culprit(&self, signal: &Signal) -> Option<(Arc<str>, Effect)> {
        match signal {
            Signal::Lag => None,
            Signal::Errors | Signal::Loss | Signal::Latency | Signal::Cpu | Signal::User(_) => {
                let ratio = self.counts(signal)?;
                Some((ratio.worst_pod()?, ratio.effect()))
            }
            Signal::Yield => self.skipped.as_ref()?.leading(),
            Signal::Duplicates => self.repeated.as_ref()?.leading(),
            Signal::Memory => self.memory.as_ref()?.leading(),
            Signal::Restarts => Some((self.restarts.worst_pod()?, per_hour(&self.restarts.rate))),
            Signal::Churn => Some((self.churn.pod()?, per_hour(&self.churn.rate))),
        }
    }

    /// What stands against a Pass: more evidence against the canary by a signal than a healthy one
    /// shows by chance. Lag has rules of its own.
    ///
    /// # Errors
    /// The signal with the most evidence.
    pub(crate) fn is_unsuspected(
        &self,
        evidence: &[SignalEvidence],
        watched: Millis,
    ) -> Result<(), Doubt> {
        let others = evidence.iter().filter(|one| one.signal != Signal::Lag && self.suspects(one));
        let Some(suspect) = others.max_by(|a, b| a.ln.total_cmp(&b.ln)) else { return Ok(()) };
        let signal = suspect.signal.clone();
        Err(match self.culprit(&signal) {
            Some((pod, effect)) => Doubt::SignalSuspected { signal, pod, effect },
            // Its pod is gone, or this process has not seen a window yet.
            None => Doubt::SignalSilent { signal, silent: watched },
        })
    }

    /// Whether a signal other than lag has evidence that chance doesn't explain. Those that can only
    /// fail a canary have no proof to weigh it against: what a healthy one reaches in one of twenty
    /// trials is chance.
    fn suspects(&self, one: &SignalEvidence) -> bool {
        match self.counts(&one.signal) {
            Some(ratio) => ratio.is_suspicious(),
            None => one.ln >= PROVEN.ln(),
        }
    }

    /// What the proof of the required signals lacks; `None`: nothing. `begin`: since when this process
    /// has watched the trial.
    ///
    /// # Errors
    /// A signal that is silent, absent, or neither proven nor observed as `least` asks.
    pub(crate) fn is_proven(
        &self,
        now: Millis,
        begin: Millis,
        least: MinimumEvidence,
    ) -> Result<Option<Observed>, Doubt> {
        let mut weakest: Option<Observed> = None;
        for kind in self.kinds() {
            let Some(ratio) = self.ratio(kind) else { continue };
            let Some(is_proven) = ratio.proven() else { continue };
            let signal = self.signal(kind);
            if ratio.is_absent() {
                return Err(Doubt::SignalAbsent { signal });
            }
            has_spoken(&signal, ratio.latest, now, begin)?;
            if is_proven {
                continue;
            }
            let observed = match least {
                MinimumEvidence::Proven => None,
                MinimumEvidence::Observed => ratio.observed(signal.clone()),
            };
            let Some(observed) = observed else {
                let messages = whole(ratio.messages_needed());
                return Err(Doubt::SignalUnproven { signal, messages });
            };
            weakest = Observed::weaker(weakest, Some(observed));
        }
        if let Some(memory) = &self.memory {
            has_spoken(&Signal::Memory, memory.latest, now, begin)?;
        }
        Ok(weakest)
    }

    /// Whether the primary fails so often that not even total failure would be found at once.
    pub(crate) fn is_gross_blind(&self) -> bool {
        self.ratio(Kind::Errors).is_some_and(RatioSignal::is_gross_blind)
    }

    /// The user's ratios whose events nobody has exported yet.
    pub(crate) fn without_events(&self) -> impl Iterator<Item = Note> {
        let named = self.reader.user.iter().enumerate();
        named.filter_map(|(place, metric)| {
            let exported = self.ratio(Kind::User(place))?.exported;
            (!exported).then(|| Note::NoEvents { metric: metric.clone() })
        })
    }

    fn counts(&self, signal: &Signal) -> Option<&RatioSignal> {
        let kind = self.kinds().find(|kind| self.signal(*kind) == *signal)?;
        self.ratio(kind)
    }

    fn smallest_seen(&self, signal: &Signal, ln_needed: f64) -> Option<f64> {
        match signal {
            Signal::Lag => self.lag.smallest_seen(ln_needed),
            Signal::Errors | Signal::Loss | Signal::Latency | Signal::Cpu | Signal::User(_) => {
                self.counts(signal)?.smallest_ratio_seen(ln_needed)
            }
            Signal::Yield => self.skipped.as_ref()?.smallest_seen(ln_needed),
            Signal::Duplicates => self.repeated.as_ref()?.smallest_seen(ln_needed),
            Signal::Memory => self.memory.as_ref()?.smallest_seen(ln_needed),
            Signal::Restarts => self.restarts.rate.smallest_rate_seen(ln_needed),
            Signal::Churn => self.churn.rate.smallest_rate_seen(ln_needed),
        }
    }
}

fn per_hour(rate: &RateTest) -> Effect {
    Effect::per_hour(rate.events, rate.hours, rate.normal)
}

fn has_spoken(
    signal: &Signal,
    latest: Option<Millis>,
    now: Millis,
    begin: Millis,
) -> Result<(), Doubt> {
    let silent = now.saturating_sub(latest.unwrap_or(begin));
    if latest.is_none() || silent > LONGEST_SILENCE {
        return Err(Doubt::SignalSilent { signal: signal.clone(), silent: silent.max(0) });
    }
    Ok(())
}
