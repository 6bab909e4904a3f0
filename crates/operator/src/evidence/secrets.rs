//! Secrets that a rollout names, read again now and then and parsed at once.
//! Their content goes into the parsed value and nowhere else.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use siskin_api::SecretRef;

use crate::cluster::calls::Cluster;
use crate::evidence::concern::{Concern, SourceError};
use crate::name::Name;
use crate::per_rollout::PerRollout;

/// A Secret is read again after this long, so that new credentials are picked up without a watch
/// on every Secret of the cluster.
const READ_AGAIN_AFTER: SignedDuration = SignedDuration::from_secs(30);

/// For which rollout a Secret is read, through what, and when.
#[derive(Clone, Copy)]
pub(super) struct ReadContext<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) name: &'a Name,
    pub(super) now: Timestamp,
}

/// The content of a Secret, as last read.
#[derive(Clone)]
pub(super) struct SecretRead<T> {
    secret: String,
    at: Timestamp,
    content: T,
}

/// Keys and values of a Secret.
pub(super) type Data = BTreeMap<String, Vec<u8>>;

impl ReadContext<'_> {
    /// The content of the Secret that `field` names, as `parse` understands it. `known` remembers
    /// it.
    pub(super) async fn secret<T: Clone>(
        self,
        known: &PerRollout<SecretRead<T>>,
        field: &str,
        reference: &SecretRef,
        parse: impl FnOnce(&Data) -> Result<T, String> + Send,
    ) -> Result<T, SourceError> {
        let Self { cluster, name, now } = self;
        let read = known.get(name).filter(|it| it.secret == reference.name);
        if let Some(read) = read.filter(|it| now.duration_since(it.at) < READ_AGAIN_AFTER) {
            return Ok(read.content);
        }
        let found = match cluster.secret(&name.namespace, &reference.name).await {
            // A right that is missing is no outage: what needs no evidence goes on.
            Err(error) if error.is_refused() => {
                let message = format!("{}; {field}.credentialsSecretRef names it", error.told());
                return Err(Concern::new("SecretForbidden", message).into());
            }
            found => found?,
        };
        let Some(secret) = found else {
            let message = format!(
                "Secret {} does not exist in this namespace; {field}.credentialsSecretRef names it",
                reference.name
            );
            return Err(Concern::new("SecretMissing", message).into());
        };
        let data = secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0));
        let parsed = parse(&data.collect()).map_err(|error| {
            Concern::new("SecretInvalid", format!("Secret {}: {error}", reference.name))
        })?;
        // Only what makes sense is kept: whoever mends a Secret is not kept waiting.
        let secret = reference.name.clone();
        known.insert(name, SecretRead { secret, at: now, content: parsed.clone() });
        Ok(parsed)
    }
}
