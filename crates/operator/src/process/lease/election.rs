//! Leader election by one Lease, so that of several operators one acts. Opens and closes the gate,
//! and knows nothing of rollouts; the rules are in `candidate`, without IO.
//!
//! Two things make "one" true. The holder stops by itself, `renew_deadline` after it *sent* the
//! last renewal that succeeded; the others wait a whole `lease_duration` after they *saw* it, each
//! by its own monotonic clock. What a stopped or slow process may still send is refused by the
//! `resourceVersion` of the object it was meant for, because a new leader stamps its
//! [`Epoch`](crate::process::gate::Epoch) on everything it takes over.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::api::coordination::v1 as k8s;
use kube::api::PostParams;
use kube::{Api, Client, Config};
use tokio::time::{Instant, sleep_until, timeout, timeout_at};

use crate::clock;
use crate::process::gate::GateKeeper;
use crate::process::lease::candidate::{Action, Candidate, LeaseAnswer, LeaseLost};
use crate::process::lease::record::LeaseRecord;
use crate::process::lease::timings::Timings;
use crate::process::metrics::{Metrics, Written};

/// One process's part in the election.
pub struct Lease {
    api: Api<k8s::Lease>,
    namespace: String,
    name: String,
    identity: Arc<str>,
    timings: Timings,
}

/// How the election ended when it was told to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ended {
    /// This process never led.
    Followed,
    /// It led and vacated the lease: a successor takes over at once.
    Vacated,
    /// It led, stopped writing, and could not vacate the lease: a successor waits until it ends.
    Left,
}

/// A client for the lease alone: it never repeats a request by itself, because a repeated renewal
/// could be answered after the lease has ended.
///
/// # Errors
/// If the configuration makes no client.
pub fn client(config: &Config) -> Result<Client, kube::Error> {
    let mut config = config.clone();
    config.default_retry = false;
    Client::try_from(config)
}

impl Lease {
    /// `identity` must differ from that of every other process, dead ones included, and `client`
    /// must not repeat requests: see [`client`].
    #[must_use]
    pub fn new(
        client: Client,
        namespace: &str,
        name: &str,
        identity: &str,
        timings: Timings,
    ) -> Self {
        Self {
            api: Api::namespaced(client, namespace),
            namespace: namespace.to_owned(),
            name: name.to_owned(),
            identity: identity.into(),
            timings,
        }
    }

    /// Takes part in the election, leads when elected, and vacates the lease after `shutdown`, as
    /// soon as no write is under way.
    ///
    /// # Errors
    /// [`LeaseLost`] once a leader leads no more; the gate is shut then, and the process must end.
    pub async fn run(
        self,
        gate: GateKeeper,
        metrics: Metrics,
        shutdown: impl Future<Output = ()> + Send,
    ) -> Result<Ended, LeaseLost> {
        let term = Term { lease: self, gate, metrics };
        let mut candidate =
            Candidate::new(&term.lease.identity, term.lease.timings, Instant::now());
        let stood = term.stand(&mut candidate, pin!(shutdown)).await;
        term.gate.close();
        let ended = match stood {
            Ok(()) => Ok(term.vacate(candidate).await),
            Err(lost) => Err(lost),
        };
        term.metrics.leader(false);
        ended
    }
}

/// A running election.
struct Term {
    lease: Lease,
    gate: GateKeeper,
    metrics: Metrics,
}

impl Term {
    /// Follows and leads until shutdown.
    async fn stand(
        &self,
        candidate: &mut Candidate,
        mut shutdown: Pin<&mut (impl Future<Output = ()> + Send)>,
    ) -> Result<(), LeaseLost> {
        loop {
            let action = candidate.next(Instant::now())?;
            if let Action::Wait(until) = action {
                tokio::select! {
                    biased;
                    () = &mut shutdown => return Ok(()),
                    () = sleep_until(until) => continue,
                }
            }
            let answer = self.ask(action, candidate.patience(Instant::now())).await;
            let leader = candidate.leader().map(str::to_owned);
            candidate.update(answer, Instant::now())?;
            self.announce(candidate, leader.as_deref());
        }
    }

    /// Tells the gate, and the log when the leader is another than `before`.
    fn announce(&self, candidate: &Candidate, before: Option<&str>) {
        if let Some((epoch, until)) = candidate.led() {
            self.gate.open(&epoch, until);
            self.metrics.leader(true);
        }
        if let Some(leader) = candidate.leader().filter(|it| Some(*it) != before) {
            let mine = candidate.led().is_some();
            tracing::info!(lease = self.lease.name, leader, mine, "the lease has a holder");
        }
    }

    /// Sends the request of `action`, and waits at most `patience` for its answer.
    async fn ask(&self, action: Action<'_>, patience: Duration) -> LeaseAnswer {
        let sent = Instant::now();
        match timeout(patience, self.send(action, sent)).await {
            Ok(Ok(answer)) => answer,
            Ok(Err(kube::Error::Api(status))) if status.is_conflict() => LeaseAnswer::Conflict,
            Ok(Err(kube::Error::Api(status))) if status.is_already_exists() => {
                LeaseAnswer::Conflict
            }
            // When it can't be created, it is the namespace that does not exist.
            Ok(Err(kube::Error::Api(status)))
                if status.is_not_found() && action != Action::Create =>
            {
                LeaseAnswer::Absent
            }
            Ok(Err(error)) => self.failed(action, &error.to_string()),
            Err(_) => self.failed(action, &format!("no answer in {} ms", patience.as_millis())),
        }
    }

    async fn send(&self, action: Action<'_>, sent: Instant) -> Result<LeaseAnswer, kube::Error> {
        let Lease { api, name, identity, timings, .. } = &self.lease;
        let params = PostParams::default();
        let record = match action {
            Action::Wait(_) | Action::Look => {
                let found = api.get_opt(name).await?;
                return Ok(found
                    .map_or(LeaseAnswer::Absent, |it| LeaseAnswer::Seen(LeaseRecord::from(it))));
            }
            Action::Create => {
                let new = LeaseRecord::new(&self.lease.namespace, name);
                let held = new.held(identity, timings.duration(), clock::now());
                self.metrics.api_write(Written::Lease);
                api.create(&params, &held.into()).await?
            }
            Action::Hold(record) => {
                let held = record.clone().held(identity, timings.duration(), clock::now());
                self.metrics.api_write(Written::Lease);
                api.replace(name, &params, &held.into()).await?
            }
        };
        Ok(LeaseAnswer::Holding { record: record.into(), sent })
    }

    fn failed(&self, action: Action<'_>, error: &str) -> LeaseAnswer {
        let trouble = format!("{}: {error}", action.name());
        tracing::warn!(lease = self.lease.name, trouble, "a request for the lease failed");
        LeaseAnswer::Failed(trouble)
    }

    /// Empties the holder once no write is under way, so that a successor need not wait.
    async fn vacate(&self, candidate: Candidate) -> Ended {
        let Some((_, until)) = candidate.led() else { return Ended::Followed };
        let Some((held, current)) = candidate.into_held() else { return Ended::Followed };
        // Each write ends by its own deadline, which is not after `until`.
        if timeout_at(until, self.gate.drained()).await.is_err() {
            return Ended::Left;
        }
        let patience = self.lease.timings.request();
        let outcome = match timeout(patience, self.empty(held, current)).await {
            Ok(Ok(())) => return Ended::Vacated,
            Ok(Err(error)) => error.to_string(),
            Err(_) => format!("no answer in {} ms", patience.as_millis()),
        };
        tracing::warn!(lease = self.lease.name, outcome, "could not vacate the lease");
        Ended::Left
    }

    async fn empty(&self, held: LeaseRecord, current: bool) -> Result<(), kube::Error> {
        let Lease { api, name, identity, .. } = &self.lease;
        let held = if current { held } else { LeaseRecord::from(api.get(name).await?) };
        if held.holder() == Some(identity) {
            self.metrics.api_write(Written::Lease);
            let vacated = held.vacated(clock::now()).into();
            api.replace(name, &PostParams::default(), &vacated).await?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
