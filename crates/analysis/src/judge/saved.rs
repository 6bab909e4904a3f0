//! The judge as a short text that survives a restart: accounts, proofs, margins, counts.
//! Saved values are rounded down, so that no evidence is ever gained by saving.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::guards::Guards;
use crate::guards::crash::history::CrashGuard;
use crate::guards::group_lag::GroupLag;
use crate::judge::Judge;
use crate::judge::counts::TrialCounts;
use crate::lag::group::Group;
use crate::lag::partitions::Oddities;
use crate::normal::capacity::Capacity;
use crate::normal::margins::Margins;
use crate::normal::tolerance::Tolerance;
use crate::numbers::{Millis, is_default};
use crate::observation::PartitionId;
use crate::observation::name_table::{NameTable, name};
use crate::settings::Settings;
use crate::signals::Signals;
use crate::signals::lag::{Budget, Lag};
use crate::signals::saved::SavedSignals;
use crate::signals::saved_lag::LagRow;

/// The form of a judge without user metrics. Another form is another number.
const VERSION: u32 = 2;
/// The form of a judge with user metrics. A build that knows none would go on without their part of the
/// budget, so it must not read this.
const VERSION_USER: u32 = 3;

/// Why a saved judge can't go on. Then [`Judge::start_over`] can.
#[derive(Debug, thiserror::Error)]
pub enum ResumeError {
    /// The text is not what [`Judge::save`] writes.
    #[error("reading the saved judge: {0}")]
    Unreadable(#[from] serde_json::Error),
    /// The text was written in another form.
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

/// What every form says.
#[derive(Deserialize)]
struct Losses {
    losses: u32,
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
    #[serde(default, skip_serializing_if = "is_default")]
    rewinds: bool,
    #[serde(default, skip_serializing_if = "is_default")]
    group: GroupLag,
    /// Partitions of the canary that stood still under the primary.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    stood: Vec<(u32, i32)>,
    /// Up to when crashes are nobody's fault.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    forgiven: Option<Millis>,
    /// Messages committed in time.
    #[serde(rename = "inTime", default, skip_serializing_if = "is_default")]
    in_time: u32,
    windows: u32,
    pool: i64,
    topics: Vec<Arc<str>>,
    pods: Vec<Arc<str>>,
    partitions: Vec<LagRow>,
    signals: SavedSignals,
}

/// Longest text. Status, where it lives, is part of every write of a CanaryRollout.
const MOST_BYTES: usize = 16 * 1_024;
/// Partitions beyond which not even the shortest rows fit: `[0,0,null,[0,0]],` has 17 bytes.
const MOST_ROWS: usize = MOST_BYTES / 17;

/// Partitions that stood still before the trial and are saved: more than a few are an outage.
const MOST_STOOD: usize = 64;

/// What is left out to be short.
#[derive(Clone, Copy)]
struct Pooling {
    /// Whether the accounts of pods are pooled.
    pods: bool,
    /// How many partitions keep theirs.
    partitions: usize,
}

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
        let most = self.signals.lag_rows();
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
        let (partitions, pool) = self.signals.save_lag(pooling.partitions, &mut topics, &mut pods);
        let mut signals = self.signals.save(&mut pods, pooling.pods);
        signals.bounds = self.guards.bounds.iter().map(|it| it.save(&mut pods)).collect();
        let lag = &self.signals.lag;
        let stood = self.guards.stall.to_save(&self.group.lags).into_iter().take(MOST_STOOD);
        let stood = stood.map(|id| (topics.index(&id.topic), id.partition)).collect();
        let saved = Saved {
            version: if self.settings.user.is_empty() { VERSION } else { VERSION_USER },
            losses: self.losses,
            margins: lag.margins,
            capacity: (lag.capacity.pod, lag.capacity.any_pod, lag.capacity.partition),
            tolerated: lag.tolerance.drift(),
            counts: self.counts,
            odd: self.group.lags.oddities,
            rewinds: self.guards.rewind.usual,
            group: self.guards.group_lag,
            stood,
            forgiven: self.guards.crash.forgiven,
            in_time: self.signals.lag_non_inferiority.in_time,
            windows: lag.test.windows(),
            pool,
            topics: topics.list,
            pods: pods.list,
            partitions,
            signals,
        };
        // Finite numbers, lists and strings: there is nothing JSON can't hold.
        serde_json::to_string(&saved).unwrap_or_default()
    }

    /// How often accounts were lost if these, which can't be resumed, are lost as well: at least
    /// once, and once more than they say of themselves, of whatever form they are.
    #[must_use]
    pub fn times_lost(saved: Option<&str>) -> u32 {
        let earlier = saved.and_then(|it| serde_json::from_str::<Losses>(it).ok());
        earlier.map_or(1, |it| it.losses.saturating_add(1))
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
        let settings = settings.sane().warmed_up(margins.warm_up);
        if let Some(name) = saved.signals.undefined(&settings.user) {
            return Err(ResumeError::UserMetric(name));
        }
        let budget = Budget::of(&settings, saved.losses);
        let (pod, any_pod, partition) = saved.capacity;
        let capacity = Capacity {
            pod: pod.max(0.0),
            any_pod: any_pod.max(0.0),
            partition: partition.max(0.0),
            ..Capacity::default()
        };
        let mut guards = Guards::new(&settings, &margins, saved.signals.cadence(&settings));
        let stood = saved.stood.iter().map(|(topic, partition)| {
            Some(PartitionId { topic: name(&saved.topics, *topic)?, partition: *partition })
        });
        guards.stall.recall(stood.collect::<Option<_>>().ok_or(ResumeError::Inconsistent)?);
        guards.crash = CrashGuard::going_on(saved.forgiven);
        guards.rewind.usual = saved.rewinds;
        guards.group_lag = saved.group.checked().ok_or(ResumeError::Inconsistent)?;
        guards.restore(&saved.signals.bounds, &saved.pods).ok_or(ResumeError::Inconsistent)?;
        let lag = Lag::new(budget, margins, capacity, Tolerance::new(saved.tolerated));
        let rewinds = saved.odd.rewinds();
        let mut signals = Signals::restore(&settings, saved.signals, lag, rewinds, &saved.pods)
            .ok_or(ResumeError::Inconsistent)?;
        let accounts = signals
            .restore_lag(saved.partitions, &saved.topics, &saved.pods)
            .ok_or(ResumeError::Inconsistent)?;
        signals.lag.restore(accounts, saved.pool, saved.windows);
        signals.lag_non_inferiority.in_time = saved.in_time;
        Ok(Self {
            settings,
            losses: saved.losses,
            group: Group::with_oddities(saved.odd),
            guards,
            signals,
            counts: saved.counts,
        })
    }
}
