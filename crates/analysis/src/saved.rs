//! The judge as a short text that survives a restart: accounts, proofs, margins, counts.
//! Saved values are rounded down, so that no evidence is ever gained by saving.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::capacity::Capacity;
use crate::drift::{BETS, Ledger};
use crate::judge::{Counts, Judge};
use crate::lags::Oddities;
use crate::live::Live;
use crate::margins::Margins;
use crate::proof::Proofs;
use crate::signals::{SavedSignals, Signals};
use crate::tolerance::Tolerance;
use crate::units::{milli, tally, unmilli};
use crate::{PartitionId, Settings};

/// The form of a judge without user metrics. Another form is another number.
const VERSION: u32 = 2;
/// The same with user metrics. A build that knows none would go on without their part of the
/// budget, so it must not read this.
const VERSION_USER: u32 = 3;

/// Why a saved judge can't go on. Then [`Judge::start_over`] can.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// It is not what [`Judge::save`] writes.
    #[error("reading the saved judge: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// It was written in another form.
    #[error("the saved judge has form {found}, this build reads {VERSION} and {VERSION_USER}")]
    Version {
        /// The form found.
        found: u32,
    },
    /// It contradicts itself: a name is missing, or a number is impossible.
    #[error("the saved judge contradicts itself")]
    Inconsistent,
    /// It has evidence by a user metric that the settings don't define in this way.
    #[error("the saved judge has accounts of the user metric {0}, the settings don't")]
    UserMetric(Arc<str>),
}

#[derive(Deserialize)]
struct Form {
    version: u32,
}

/// Short, because it lives in an object's status: logarithms in thousandths, names in tables.
#[derive(Serialize, Deserialize)]
struct Saved {
    version: u32,
    losses: u32,
    margins: Margins,
    /// Fastest rates: of a primary pod with a backlog, of any, of a primary partition.
    capacity: (f64, f64, f64),
    /// Tolerated drift.
    tolerated: f64,
    counts: Counts,
    odd: Oddities,
    windows: u32,
    pool: i64,
    topics: Vec<Arc<str>>,
    pods: Vec<Arc<str>>,
    partitions: Vec<Row>,
    signals: SavedSignals,
}

/// Topic, partition, accounts, and pod with its proof.
type Row = (u32, i32, Option<[i64; BETS]>, Option<(u32, i64)>);

impl Judge {
    /// A short text to go on from after a restart: at most 16 KiB at 200 canary partitions of a
    /// few topics on fifty pods, or on ten pods with ten user metrics. Write it before any effect
    /// that follows from a verdict.
    #[must_use]
    pub fn save(&self) -> String {
        let mut topics = Names::default();
        let mut pods = Names::default();
        let mut rows: BTreeMap<&PartitionId, (Option<_>, Option<_>)> = BTreeMap::new();
        for (id, account) in self.ledger.accounts() {
            rows.entry(id).or_default().0 = Some(account.ln.map(milli));
        }
        for (id, proof) in self.proofs.iter() {
            rows.entry(id).or_default().1 = Some((pods.index(&proof.pod), milli(proof.ln)));
        }
        let partitions = rows
            .into_iter()
            .map(|(id, (accounts, proof))| (topics.index(&id.topic), id.partition, accounts, proof))
            .collect();
        let signals = self.signals.save(&mut pods);
        let saved = Saved {
            version: if self.settings.user.is_empty() { VERSION } else { VERSION_USER },
            losses: self.losses,
            margins: self.margins,
            capacity: (self.capacity.pod, self.capacity.any_pod, self.capacity.partition),
            tolerated: self.tolerance.drift(),
            counts: self.counts,
            odd: self.live.lags.oddities,
            windows: self.ledger.windows(),
            pool: milli(self.ledger.ln_pool()),
            topics: topics.list,
            pods: pods.list,
            partitions,
            signals,
        };
        // Finite numbers, lists and strings: there is nothing JSON can't hold.
        serde_json::to_string(&saved).unwrap_or_default()
    }

    /// Goes on where [`Judge::save`] stopped. Windows in between are not bet on; time lags are
    /// known again as soon as offsets seen by this judge have been committed.
    ///
    /// # Errors
    /// When the text is unreadable, of another form, contradicts itself, or has a user metric that
    /// the settings lack.
    pub fn resume(settings: Settings, saved: &str) -> Result<Self, ResumeError> {
        let Form { version: found } = serde_json::from_str(saved)?;
        if ![VERSION, VERSION_USER].contains(&found) {
            return Err(ResumeError::Version { found });
        }
        let saved: Saved = serde_json::from_str(saved)?;
        let margins = saved.margins.checked().ok_or(ResumeError::Inconsistent)?;
        let settings = settings.sane();
        if let Some(name) = saved.signals.undefined(&settings.user) {
            return Err(ResumeError::UserMetric(name));
        }
        let mut accounts = BTreeMap::new();
        let mut proofs = Proofs::default();
        for (topic, partition, account, proof) in saved.partitions {
            let topic = name(&saved.topics, topic)?;
            let id = PartitionId { topic, partition };
            if let Some((pod, ln)) = proof {
                proofs.restore(&id, &name(&saved.pods, pod)?, unmilli(ln));
            }
            if let Some(account) = account {
                accounts.insert(id, account.map(unmilli));
            }
        }
        let rewinds = saved.odd.rewinds();
        let signals = Signals::restore(&settings, saved.signals, rewinds, &saved.pods)
            .ok_or(ResumeError::Inconsistent)?;
        let mut live = Live::new(settings.interval, &margins);
        live.lags.oddities = saved.odd;
        let (pod, any_pod, partition) = saved.capacity;
        Ok(Self {
            settings,
            losses: saved.losses,
            margins,
            tolerance: Tolerance::new(saved.tolerated),
            capacity: Capacity {
                pod: pod.max(0.0),
                any_pod: any_pod.max(0.0),
                partition: partition.max(0.0),
            },
            ledger: Ledger::restored(margins.scale, unmilli(saved.pool), saved.windows, accounts),
            proofs,
            signals,
            counts: saved.counts,
            live,
        })
    }
}

/// Names by the order in which they were first used.
#[derive(Default)]
pub(crate) struct Names {
    list: Vec<Arc<str>>,
    index: BTreeMap<Arc<str>, u32>,
}

impl Names {
    pub(crate) fn index(&mut self, name: &Arc<str>) -> u32 {
        *self.index.entry(name.clone()).or_insert_with(|| {
            self.list.push(name.clone());
            tally(self.list.len() - 1)
        })
    }
}

pub(crate) fn name(names: &[Arc<str>], index: u32) -> Result<Arc<str>, ResumeError> {
    let index = usize::try_from(index).map_err(|_| ResumeError::Inconsistent)?;
    names.get(index).cloned().ok_or(ResumeError::Inconsistent)
}

/// The accounts of pods, by name; `None`: a name is missing.
pub(crate) fn accounts(
    rows: Vec<(u32, [i64; BETS])>,
    names: &[Arc<str>],
) -> Option<BTreeMap<Arc<str>, [f64; BETS]>> {
    let row = |(pod, ln): (u32, [i64; BETS])| Some((name(names, pod).ok()?, ln.map(unmilli)));
    rows.into_iter().map(row).collect()
}
