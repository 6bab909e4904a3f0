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
const READ_AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// The content of one Secret per rollout, as last read.
pub(super) struct Secrets<T>(PerRollout<SecretRead<T>>);

/// For which rollout a Secret is read, through what, and when.
#[derive(Clone, Copy)]
pub(super) struct ReadContext<'a> {
    pub(super) cluster: &'a Cluster,
    pub(super) name: &'a Name,
    pub(super) now: Timestamp,
}

#[derive(Clone)]
struct SecretRead<T> {
    secret: String,
    at: Timestamp,
    content: T,
}

/// Keys and values of a Secret.
pub(super) type Data = BTreeMap<String, Vec<u8>>;

impl<T> Clone for Secrets<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Default for Secrets<T> {
    fn default() -> Self {
        Self(PerRollout::default())
    }
}

impl<T: Clone> Secrets<T> {
    /// The content of the Secret that `field` names, as `parse` understands it.
    pub(super) async fn read(
        &self,
        context: ReadContext<'_>,
        field: &str,
        reference: &SecretRef,
        parse: impl FnOnce(&Data) -> Result<T, String> + Send,
    ) -> Result<T, SourceError> {
        let ReadContext { cluster, name, now } = context;
        if let Some(content) = self.remembered(context, reference) {
            return Ok(content);
        }
        let Some(secret) = cluster.secret(&name.namespace, &reference.name).await? else {
            let message = format!(
                "Secret {} does not exist in this namespace; {field}.credentialsSecretRef names it",
                reference.name
            );
            return Err(Concern::new("SecretMissing", message).into());
        };
        let data = secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0));
        let content = parse(&data.collect()).map_err(|error| {
            Concern::new("SecretInvalid", format!("Secret {}: {error}", reference.name))
        })?;
        // Only what makes sense is kept: whoever mends a Secret is not kept waiting.
        let read = SecretRead { secret: reference.name.clone(), at: now, content: content.clone() };
        self.0.insert(name, read);
        Ok(content)
    }

    /// Drops the content of a rollout that is gone.
    pub(super) fn forget(&self, name: &Name) {
        self.0.forget(name);
    }

    fn remembered(&self, context: ReadContext<'_>, reference: &SecretRef) -> Option<T> {
        let read = self.0.get(context.name).filter(|it| it.secret == reference.name)?;
        (context.now.duration_since(read.at) < READ_AGAIN).then_some(read.content)
    }
}
