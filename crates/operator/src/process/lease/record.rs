//! The Lease object as the election reads and writes it.
//! Translates only; its times are for people, no decision compares them with a clock.

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};

/// A Lease at one `resourceVersion`. Its labels and annotations are kept when it is written.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LeaseRecord {
    metadata: ObjectMeta,
    spec: LeaseSpec,
}

impl LeaseRecord {
    /// One that does not exist yet and that nobody holds.
    pub(super) fn new(namespace: &str, name: &str) -> Self {
        let metadata = ObjectMeta {
            namespace: Some(namespace.to_owned()),
            name: Some(name.to_owned()),
            ..ObjectMeta::default()
        };
        Self { metadata, spec: LeaseSpec::default() }
    }

    /// Who holds it; nobody if it was vacated.
    pub(super) fn holder(&self) -> Option<&str> {
        self.spec.holder_identity.as_deref().filter(|it| !it.is_empty())
    }

    /// How often it changed hands.
    pub(super) fn transitions(&self) -> u32 {
        self.spec.lease_transitions.and_then(|it| u32::try_from(it).ok()).unwrap_or(0)
    }

    /// How long its holder asks others to wait, if it says so.
    pub(super) fn duration(&self) -> Option<Duration> {
        let seconds = u64::try_from(self.spec.lease_duration_seconds?).ok()?;
        Some(Duration::from_secs(seconds)).filter(|it| !it.is_zero())
    }

    /// Whether the holder has renewed it between `earlier` and this. A label that somebody sets
    /// on a Lease whose holder is dead must not prolong it.
    pub(super) fn renewed_since(&self, earlier: &Self) -> bool {
        self.spec != earlier.spec
    }

    /// To be written: held by `identity` from `now` on, or held on.
    pub(super) fn held(mut self, identity: &str, duration: Duration, now: Timestamp) -> Self {
        if self.holder() != Some(identity) {
            // A new Lease counts from 0: the first holder is no change of hands.
            let transitions = self.spec.lease_transitions.map_or(0, |it| it.saturating_add(1));
            self.spec.lease_transitions = Some(transitions);
            self.spec.holder_identity = Some(identity.to_owned());
            self.spec.acquire_time = Some(MicroTime(now));
        }
        self.spec.lease_duration_seconds = i32::try_from(duration.as_secs()).ok();
        self.spec.renew_time = Some(MicroTime(now));
        self
    }

    /// To be written: held by nobody.
    pub(super) fn vacated(mut self, now: Timestamp) -> Self {
        self.spec.holder_identity = None;
        self.spec.renew_time = Some(MicroTime(now));
        self
    }
}

impl From<Lease> for LeaseRecord {
    fn from(lease: Lease) -> Self {
        Self { metadata: lease.metadata, spec: lease.spec.unwrap_or_default() }
    }
}

impl From<LeaseRecord> for Lease {
    fn from(record: LeaseRecord) -> Self {
        Self { metadata: record.metadata, spec: Some(record.spec) }
    }
}
