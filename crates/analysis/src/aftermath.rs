//! What the primary shows of the fault that a canary was rolled back for: whether it stayed with the
//! partitions. Can excuse a version and never convict one; whoever lost it excuses nobody.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::{self, Display, Formatter};
use std::sync::Arc;

use crate::counters::counter::Count;
use crate::counters::kind::Kind;
use crate::counters::meter::Meter;
use crate::counters::rise::Rise;
use crate::engines::non_inferiority::PROVEN;
use crate::engines::ratio_test::ln_poisson;
use crate::findings::effect::Effect;
use crate::findings::fault::Fault;
use crate::findings::signal::Signal;
use crate::judge::Judge;
use crate::numbers::Millis;
use crate::observation::{GroupObservation, Observation, Owner, PartitionId, Role};
use crate::signals::CountWindow;
use crate::words::ShortNumber;

/// Longest time that the primary is watched for, from the last look that showed a canary pod: the
/// pod that took its place is compared from its own grace on, three minutes for processing times.
const WATCHED_FOR: Millis = 10 * 60_000;

/// The primary after a canary was rolled back for errors, for slow messages, or for a ratio of the
/// user's.
///
/// If the version was at fault, a pod of the primary has events at `R` times the primary's rate at
/// most, as before. If the data is, a pod with a part f of its partitions from the canary has
/// them at r = r₀ + f·(r₁ − r₀), with the rates r₀ and r₁ of primary and canary when it was rolled
/// back. Each window multiplies the evidence by the Poisson likelihood ratio of r against R·r₀, to the
/// power 1/φ, for those pods where r is the larger: an e-process under the first hypothesis, so that
/// 20 is reached by chance one time in twenty at most (Ville's inequality).
#[derive(Clone, Debug)]
pub struct Aftermath {
    kind: Kind,
    meter: Meter,
    window: CountWindow,
    length: Millis,
    warm_up: Millis,
    limits: AftermathLimits,
    stayed: FaultStayed,
    /// What the canary owned.
    partitions: BTreeSet<PartitionId>,
    /// The part of each primary pod's partitions that was the canary's.
    parts: BTreeMap<Arc<str>, f64>,
    ln_value: f64,
    /// The latest look that showed a canary pod, or the first one of all.
    begun: Option<Millis>,
    latest: Option<Millis>,
}

#[derive(Clone, Copy, Debug)]
struct AftermathLimits {
    /// Largest healthy rate of a pod, in events per message, > 0.
    usual: f64,
    dispersion: f64,
    /// ln of the largest factor of one window.
    ln_most: f64,
}

/// A fault that stayed where the canary had been, with the primary's version.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultStayed {
    /// Signal that the canary was rolled back for.
    pub signal: Signal,
    /// The primary's rate before, in events per message.
    pub before: f64,
    /// The canary's.
    pub canary: f64,
    /// Events of the primary's pods that took over, since the canary left.
    pub events: f64,
    /// Their messages.
    pub messages: f64,
}

impl Judge {
    /// What to watch once the canary is gone, if it is rolled back for this now. `None`: for what data
    /// does not do, or nothing is known of the partitions that the canary had.
    #[must_use]
    pub fn aftermath(&self, fault: &Fault) -> Option<Aftermath> {
        let Fault::Worse { signal, effect: Effect::Ratio { canary, primary, .. }, .. } = fault
        else {
            return None;
        };
        let kind = self.signals.kind_that_data_explains(signal)?;
        let ratio = self.signals.ratio(kind)?;
        let (margin, ln_most) = (ratio.margin(), ratio.ln_most());
        let partitions: BTreeSet<PartitionId> = self.group.canary_ids().into_iter().collect();
        let usual = margin.floor.max(margin.ratio * primary);
        let (before, canary) = (*primary, *canary);
        let (events, messages) = (0.0, 0.0);
        (usual < canary && !partitions.is_empty()).then(|| Aftermath {
            kind,
            meter: self.signals.meter.clone(),
            window: CountWindow::default(),
            length: self.signals.reader.window(),
            warm_up: self.settings.warm_up,
            limits: AftermathLimits { usual, dispersion: margin.dispersion, ln_most },
            stayed: FaultStayed { signal: signal.clone(), before, canary, events, messages },
            partitions,
            parts: BTreeMap::new(),
            ln_value: 0.0,
            begun: None,
            latest: None,
        })
    }
}

impl Aftermath {
    /// Takes the next observation of the group.
    pub fn observe(&mut self, seen: &Observation) {
        if self.is_over() || self.stayed().is_some() {
            return;
        }
        let rises = self.meter.observe(seen);
        if let Some(group) = &seen.group {
            self.parts = parts(group, &self.partitions);
        }
        let leaves = seen.pods.iter().any(|pod| pod.role == Role::Canary);
        if leaves || self.begun.is_none() {
            // What came before says of the primary what it said during the trial.
            (self.begun, self.window) = (Some(seen.at), CountWindow::default());
        }
        self.latest = Some(seen.at);
        let window = if leaves { None } else { self.window.add(seen.at, &rises, self.length) };
        for rise in window.iter().flatten() {
            self.bet(rise);
        }
    }

    fn bet(&mut self, rise: &Rise) {
        let AftermathLimits { usual, dispersion, ln_most } = self.limits;
        let part = self.parts.get(&rise.pod).copied().unwrap_or(0.0);
        let expected = self.stayed.before + part * (self.stayed.canary - self.stayed.before);
        let Count { events, of } = rise.count(self.kind);
        let is_compared = rise.role == Role::Primary && self.kind.compares(rise.age, self.warm_up);
        if !is_compared || expected <= usual || of <= 0.0 {
            return;
        }
        let ln = ln_poisson(events, usual * of, expected / usual) / dispersion.max(1.0);
        self.ln_value += ln.min(ln_most);
        self.stayed.events += events;
        self.stayed.messages += of;
    }

    /// What stayed; `None`: nothing, as far as is known.
    #[must_use]
    pub fn stayed(&self) -> Option<&FaultStayed> {
        (self.ln_value >= PROVEN.ln()).then_some(&self.stayed)
    }

    /// Whether it was watched for long enough: what is not shown by now is not shown.
    #[must_use]
    pub fn is_over(&self) -> bool {
        let watched =
            self.latest.zip(self.begun).map(|(latest, begun)| latest.saturating_sub(begun));
        watched.is_some_and(|it| !(0..WATCHED_FOR).contains(&it))
    }
}

/// The part of each primary pod's partitions that is among these.
fn parts(group: &GroupObservation, of: &BTreeSet<PartitionId>) -> BTreeMap<Arc<str>, f64> {
    let mut counts: BTreeMap<Arc<str>, (u32, u32)> = BTreeMap::new();
    for one in &group.partitions {
        if let Owner::Pod { name, role: Role::Primary } = &one.owner {
            let (ours, all) = counts.entry(name.clone()).or_default();
            let id = PartitionId { topic: one.topic.clone(), partition: one.partition };
            *ours += u32::from(of.contains(&id));
            *all += 1;
        }
    }
    counts.into_iter().map(|(pod, (ours, all))| (pod, f64::from(ours) / f64::from(all))).collect()
}

impl Display for FaultStayed {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { signal, before, canary, events, messages } = self;
        let share = |rate: f64| ShortNumber(100.0 * rate);
        write!(
            f,
            "{signal} stayed with the partitions when the primary had them back: {} % of {} messages, where it \
             had {} % before and the canary {} %",
            share(events / messages.max(1.0)),
            ShortNumber(*messages),
            share(*before),
            share(*canary),
        )
    }
}
