//! The judge as a short text that survives a restart: accounts, proofs, margins, counts.
//! Saved values are rounded down, so that no evidence is ever gained by saving.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::engines::drift_test::{Account, BETS, DriftTest};
use crate::engines::e_process::LN_NOTHING;
use crate::guards::group_lag::GroupLag;
use crate::judge::live::Live;
use crate::judge::{Judge, TrialCounts};
use crate::lag::partitions::Oddities;
use crate::normal::capacity::Capacity;
use crate::normal::margins::Margins;
use crate::normal::tolerance::Tolerance;
use crate::numbers::{ln_add, milli, unmilli};
use crate::observation::PartitionId;
use crate::observation::name_table::{NameTable, name};
use crate::settings::Settings;
use crate::signals::Signals;
use crate::signals::lag_non_inferiority::{Proof, Proofs};
use crate::signals::saved::SavedSignals;

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
    counts: TrialCounts,
    odd: Oddities,
    /// Whether primary pods go back, too.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    rewinds: bool,
    #[serde(default, skip_serializing_if = "GroupLag::is_fresh")]
    group: GroupLag,
    windows: u32,
    pool: i64,
    topics: Vec<Arc<str>>,
    pods: Vec<Arc<str>>,
    partitions: Vec<Row>,
    signals: SavedSignals,
}

/// Longest text. Status, where it lives, is part of every write of a CanaryRollout.
const MOST_BYTES: usize = 16 * 1_024;
/// Partitions beyond which not even the shortest rows fit: `[0,0,null,[0,0]],` has 17 bytes.
const MOST_ROWS: usize = MOST_BYTES / 17;

/// What is left out to be short.
#[derive(Clone, Copy)]
struct Pooling {
    /// Whether the accounts of pods are pooled.
    pods: bool,
    /// How many partitions keep theirs.
    partitions: usize,
}

/// Accounts and proofs by partition.
type Rows<'a> = BTreeMap<&'a PartitionId, (Option<&'a Account>, Option<&'a Proof>)>;

/// Topic, partition, accounts, and pod with its proof.
type Row = (u32, i32, Option<[i64; BETS]>, Option<(u32, i64)>);

impl Judge {
    /// A short text to go on from after a restart: at most 16 KiB, whatever the settings and
    /// however many partitions and pods. Write it before any effect that follows from a verdict.
    ///
    /// What doesn't fit is pooled, in this order, and only as much as must be: the accounts of
    /// pods (yield, memory), then the partitions, those with the least evidence first. The capital
    /// of a pooled account goes to the pool of its signal, as when a partition changes hands: no
    /// evidence is gained or lost, only where it pointed to. A pooled partition is proven anew.
    #[must_use]
    pub fn save(&self) -> String {
        let all = self.text(Pooling { pods: false, partitions: usize::MAX });
        if all.len() <= MOST_BYTES {
            return all;
        }
        let most = self.ledger.accounts().count().max(self.proofs.iter().count());
        let kept = |partitions| self.text(Pooling { pods: true, partitions });
        let (mut fits, mut too_many) = (0, most.min(MOST_ROWS) + 1);
        while too_many - fits > 1 {
            let middle = usize::midpoint(fits, too_many);
            if kept(middle).len() <= MOST_BYTES {
                fits = middle;
            } else {
                too_many = middle;
            }
        }
        kept(fits)
    }

    fn text(&self, pooling: Pooling) -> String {
        let mut topics = NameTable::default();
        let mut pods = NameTable::default();
        let (rows, ln_pool) = self.rows(pooling.partitions);
        let partitions = rows
            .into_iter()
            .map(|(id, (account, proof))| {
                let account = account.map(|account| account.ln.map(milli));
                let proof = proof.map(|proof| (pods.index(&proof.pod), milli(proof.ln)));
                (topics.index(&id.topic), id.partition, account, proof)
            })
            .collect();
        let signals = self.signals.save(&mut pods, pooling.pods);
        let saved = Saved {
            version: if self.settings.user.is_empty() { VERSION } else { VERSION_USER },
            losses: self.losses,
            margins: self.margins,
            capacity: (self.capacity.pod, self.capacity.any_pod, self.capacity.partition),
            tolerated: self.tolerance.drift(),
            counts: self.counts,
            odd: self.live.lags.oddities,
            rewinds: self.live.hand_over.usual,
            group: self.live.group_lag,
            windows: self.ledger.windows(),
            pool: milli(ln_pool),
            topics: topics.list,
            pods: pods.list,
            partitions,
            signals,
        };
        // Finite numbers, lists and strings: there is nothing JSON can't hold.
        serde_json::to_string(&saved).unwrap_or_default()
    }

    /// The accounts and proofs of this many partitions, those with the most evidence against the
    /// canary, and ln of the pool with the capital of all others.
    fn rows(&self, most: usize) -> (Rows<'_>, f64) {
        let mut rows = Rows::new();
        for (id, account) in self.ledger.accounts() {
            rows.entry(id).or_default().0 = Some(account);
        }
        for (id, proof) in self.proofs.iter() {
            rows.entry(id).or_default().1 = Some(proof);
        }
        if rows.len() <= most {
            return (rows, self.ledger.ln_pool());
        }
        let evidence = |account: Option<&Account>| account.map_or(LN_NOTHING, Account::ln_value);
        let mut order: Vec<(&PartitionId, f64)> =
            rows.iter().map(|(id, (account, _))| (*id, evidence(*account))).collect();
        order.sort_by(|a, b| b.1.total_cmp(&a.1));
        let pooled = order.split_off(most);
        let ln_pool = pooled.iter().fold(self.ledger.ln_pool(), |sum, (_, ln)| ln_add(sum, *ln));
        for (id, _) in pooled {
            rows.remove(id);
        }
        (rows, ln_pool)
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
            let topic = name(&saved.topics, topic).ok_or(ResumeError::Inconsistent)?;
            let id = PartitionId { topic, partition };
            if let Some((pod, ln)) = proof {
                proofs.restore(
                    &id,
                    &name(&saved.pods, pod).ok_or(ResumeError::Inconsistent)?,
                    unmilli(ln),
                );
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
        live.hand_over.usual = saved.rewinds;
        live.group_lag = saved.group.checked().ok_or(ResumeError::Inconsistent)?;
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
                ..Capacity::default()
            },
            ledger: DriftTest::restored(
                margins.scale,
                unmilli(saved.pool),
                saved.windows,
                accounts,
            ),
            proofs,
            signals,
            counts: saved.counts,
            live,
        })
    }
}
