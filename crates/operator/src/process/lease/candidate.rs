//! The rules of the election: what to ask of the API server next, and what its answers mean.
//! Pure: no request, no clock; the holder's renewals are timed by when *this* process saw them.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use crate::process::gate::Epoch;
use crate::process::lease::record::LeaseRecord;
use crate::process::lease::timings::Timings;

/// One process in the election.
#[derive(Debug)]
pub(super) struct Candidate {
    identity: Arc<str>,
    timings: Timings,
    role: Role,
    /// No request before.
    ask_at: Instant,
    /// Pauses so far; spreads the next one.
    pauses: u32,
}

/// The lease is not this process's any more, so the process must end: what it knows may be stale.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error, strum::IntoStaticStr)]
pub enum LeaseLost {
    /// The API server did not confirm a renewal in time; another process may lead soon.
    #[error("lost the lease: not renewed for {} s; last: {trouble}", .since.as_secs())]
    NotRenewed {
        /// Since the last renewal that was confirmed.
        since: Duration,
        /// What went wrong last.
        trouble: String,
    },
    /// Another process, or a person, wrote it.
    #[error("lost the lease: now held by {by:?}")]
    Taken {
        /// The holder; empty: nobody.
        by: String,
    },
    /// Someone deleted it.
    #[error("lost the lease: it was deleted")]
    Deleted,
}

/// What to do next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Action<'a> {
    /// Nothing until then.
    Wait(Instant),
    /// Read the lease.
    Look,
    /// Make it, held by this process.
    Create,
    /// Write it, held by this process, if it still is at this version.
    Hold(&'a LeaseRecord),
}

/// The answer to an [`Action`].
#[derive(Clone, Debug, PartialEq)]
pub(super) enum LeaseAnswer {
    /// There is no lease.
    Absent,
    /// The lease, as read.
    Seen(LeaseRecord),
    /// The lease, as written by this process.
    Holding {
        /// The lease with its new version.
        record: LeaseRecord,
        /// When the request was sent: from then on the others may have seen it.
        sent: Instant,
    },
    /// Somebody else wrote it first.
    Conflict,
    /// No usable answer; a write may have been made.
    Failed(String),
}

#[derive(Debug)]
enum Role {
    /// Nothing was read yet.
    Unknown,
    /// The lease does not exist.
    Absent,
    Following(Followed),
    Leading(HeldLease),
}

#[derive(Debug)]
struct Followed {
    record: LeaseRecord,
    /// When its last renewal was first seen here.
    since: Instant,
    current: bool,
}

#[derive(Debug)]
struct HeldLease {
    record: LeaseRecord,
    /// When the last renewal that was confirmed had been sent.
    renewed: Instant,
    /// Whether `record` is what the API server has. After a write without an answer it may not be.
    current: bool,
    /// What went wrong since.
    trouble: Option<String>,
}

impl Candidate {
    /// A process that knows nothing and may ask from `now` on.
    pub(super) fn new(identity: &Arc<str>, timings: Timings, now: Instant) -> Self {
        let identity = Arc::clone(identity);
        Self { identity, timings, role: Role::Unknown, ask_at: now, pauses: 0 }
    }

    /// What to do at `now`.
    ///
    /// # Errors
    /// If it is too late for a leader to renew.
    pub(super) fn next(&self, now: Instant) -> Result<Action<'_>, LeaseLost> {
        let wake = match &self.role {
            Role::Leading(held) if now >= self.ends(held) => return Err(held.overdue(now)),
            Role::Leading(held) => self.ask_at.min(self.ends(held)),
            Role::Unknown | Role::Absent | Role::Following(_) => self.ask_at,
        };
        if now < self.ask_at {
            return Ok(Action::Wait(wake));
        }
        Ok(match &self.role {
            Role::Absent => Action::Create,
            Role::Following(it) if it.current && now >= self.free_at(it) => {
                Action::Hold(&it.record)
            }
            Role::Leading(held) if held.current => Action::Hold(&held.record),
            Role::Unknown | Role::Following(_) | Role::Leading(_) => Action::Look,
        })
    }

    /// How long the answer to a request sent at `now` may take: a leader must know it before it
    /// has to stop.
    pub(super) fn patience(&self, now: Instant) -> Duration {
        let left = match &self.role {
            Role::Leading(held) => self.ends(held).saturating_duration_since(now),
            Role::Unknown | Role::Absent | Role::Following(_) => Duration::MAX,
        };
        left.min(self.timings.request())
    }

    /// Takes an answer that came at `now` into account.
    ///
    /// # Errors
    /// If it says that a leader leads no more.
    pub(super) fn update(&mut self, answer: LeaseAnswer, now: Instant) -> Result<(), LeaseLost> {
        let before = std::mem::replace(&mut self.role, Role::Unknown);
        self.role = match (before, answer) {
            (_, LeaseAnswer::Holding { record, sent }) => self.holding(record, sent, now),
            (Role::Leading(held), answer) => self.still_leading(held, answer, now)?,
            (_, LeaseAnswer::Absent) => {
                self.ask_at = now;
                Role::Absent
            }
            (before, LeaseAnswer::Seen(record)) => self.followed(&before, record, now),
            (before, LeaseAnswer::Conflict | LeaseAnswer::Failed(_)) => {
                self.ask_at = now + self.pause();
                before.outdated()
            }
        };
        Ok(())
    }

    /// The tenure and the moment at which it ends unless it is renewed, if this process leads.
    pub(super) fn led(&self) -> Option<(Epoch, Instant)> {
        match &self.role {
            Role::Leading(held) => {
                let epoch = Epoch::new(held.record.transitions(), &self.identity);
                Some((epoch, self.ends(held)))
            }
            Role::Unknown | Role::Absent | Role::Following(_) => None,
        }
    }

    /// The lease to vacate, if this process leads, and whether that is what the API server has.
    pub(super) fn into_held(self) -> Option<(LeaseRecord, bool)> {
        match self.role {
            Role::Leading(held) => Some((held.record, held.current)),
            Role::Unknown | Role::Absent | Role::Following(_) => None,
        }
    }

    /// Who leads, as far as is known.
    pub(super) fn leader(&self) -> Option<&str> {
        match &self.role {
            Role::Leading(_) => Some(&self.identity),
            Role::Following(seen) => seen.record.holder(),
            Role::Unknown | Role::Absent => None,
        }
    }

    fn holding(&mut self, record: LeaseRecord, sent: Instant, now: Instant) -> Role {
        self.ask_at = now.max(sent + self.timings.retry_period());
        Role::Leading(HeldLease { record, renewed: sent, current: true, trouble: None })
    }

    fn still_leading(
        &mut self,
        held: HeldLease,
        answer: LeaseAnswer,
        now: Instant,
    ) -> Result<Role, LeaseLost> {
        // A leader has little time, and there is only one: sooner than the others ask again.
        let soon = now + self.timings.retry_period() / 4;
        let (ask_at, held) = match answer {
            LeaseAnswer::Absent => return Err(LeaseLost::Deleted),
            LeaseAnswer::Seen(record) if record.holder() == Some(&*self.identity) => {
                // Written without an answer, or touched by a person. When it was renewed is not
                // known better than before.
                (now, HeldLease { record, current: true, ..held })
            }
            LeaseAnswer::Seen(record) => {
                let by = record.holder().unwrap_or_default().to_owned();
                return Err(LeaseLost::Taken { by });
            }
            LeaseAnswer::Holding { record, sent } => return Ok(self.holding(record, sent, now)),
            LeaseAnswer::Conflict => (soon, HeldLease { current: false, ..held }),
            LeaseAnswer::Failed(trouble) => {
                (soon, HeldLease { current: false, trouble: Some(trouble), ..held })
            }
        };
        self.ask_at = ask_at;
        Ok(Role::Leading(held))
    }

    fn followed(&mut self, before: &Role, record: LeaseRecord, now: Instant) -> Role {
        let since = match before {
            Role::Following(seen) if !record.renewed_since(&seen.record) => seen.since,
            Role::Following(_) | Role::Unknown | Role::Absent | Role::Leading(_) => now,
        };
        let followed = Followed { record, since, current: true };
        // Not later than the lease may be taken over; this bound is not kept after a failure.
        self.ask_at = (now + self.pause()).min(self.free_at(&followed).max(now));
        Role::Following(followed)
    }

    /// When this process may take the lease over.
    fn free_at(&self, seen: &Followed) -> Instant {
        match seen.record.holder() {
            // Vacated, or taken over by this process with a write that got no answer.
            None => seen.since,
            Some(holder) if *holder == *self.identity => seen.since,
            Some(_) => seen.since + seen.record.duration().unwrap_or(self.timings.duration()),
        }
    }

    /// When this process must have stopped, unless it renews before.
    fn ends(&self, held: &HeldLease) -> Instant {
        held.renewed + self.timings.renew_deadline()
    }

    /// Between one and one and a half retry periods, different for each process and each time, so
    /// that those who wait for the same lease don't all ask at the same moment.
    fn pause(&mut self) -> Duration {
        self.pauses = self.pauses.wrapping_add(1);
        let mut hasher = DefaultHasher::new();
        (&self.identity, self.pauses).hash(&mut hasher);
        let parts = u32::from((hasher.finish() & 0xff) as u8);
        let period = self.timings.retry_period();
        period + period / 2 * parts / 256
    }
}

impl HeldLease {
    fn overdue(&self, now: Instant) -> LeaseLost {
        let trouble = self.trouble.clone().unwrap_or_else(|| "this process stood still".to_owned());
        LeaseLost::NotRenewed { since: now - self.renewed, trouble }
    }
}

impl Role {
    /// This role, with a lease that is to be read again before anything is written.
    fn outdated(self) -> Self {
        match self {
            Self::Following(seen) => Self::Following(Followed { current: false, ..seen }),
            Self::Leading(held) => Self::Leading(HeldLease { current: false, ..held }),
            // Someone may have made it meanwhile.
            Self::Unknown | Self::Absent => Self::Unknown,
        }
    }
}

impl Action<'_> {
    /// What is attempted, for messages.
    pub(super) const fn name(&self) -> &'static str {
        match self {
            Self::Wait(_) => "wait",
            Self::Look => "read the lease",
            Self::Create => "create the lease",
            Self::Hold(_) => "take or renew the lease",
        }
    }
}

#[cfg(test)]
mod tests;
