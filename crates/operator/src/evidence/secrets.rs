//! Secrets that a rollout names, read again now and then and parsed at once.
//! Their content goes into the parsed value and nowhere else.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::{SignedDuration, Timestamp};
use siskin_api::SecretRef;

use crate::cluster::calls::{CallFailed, Cluster};
use crate::evidence::preflight::Concern;
use crate::name::Name;

/// A Secret is read again after this long, so that new credentials are picked up without a watch
/// on every Secret of the cluster.
const READ_AGAIN: SignedDuration = SignedDuration::from_secs(30);

/// What Secrets of one kind said, per rollout.
#[derive(Clone)]
pub(super) struct Secrets<T>(Arc<Mutex<HashMap<Name, Read<T>>>>);

struct Read<T> {
    secret: String,
    at: Timestamp,
    content: T,
}

/// Keys and values of a Secret.
pub(super) type Data = BTreeMap<String, Vec<u8>>;

impl<T> Default for Secrets<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T: Clone> Secrets<T> {
    /// What the Secret says that `field` names, by `parse`, or why that can't be said.
    pub(super) async fn read(
        &self,
        (cluster, now): (&Cluster, Timestamp),
        name: &Name,
        (field, reference): (&str, &SecretRef),
        parse: impl FnOnce(&Data) -> Result<T, String> + Send,
    ) -> Result<Result<T, Concern>, CallFailed> {
        if let Some(content) = self.remembered(name, reference, now) {
            return Ok(Ok(content));
        }
        let Some(secret) = cluster.secret(&name.namespace, &reference.name).await? else {
            let message = format!(
                "Secret {} does not exist in this namespace; {field}.credentialsSecretRef names it",
                reference.name
            );
            return Ok(Err(Concern::new("SecretMissing", message)));
        };
        let data = secret.data.unwrap_or_default().into_iter().map(|(key, value)| (key, value.0));
        let parsed = parse(&data.collect()).map_err(|error| {
            Concern::new("SecretInvalid", format!("Secret {}: {error}", reference.name))
        });
        // One that is missing or makes no sense holds a rollout: whoever mends it is not kept waiting.
        if let Ok(content) = &parsed {
            let read = Read { secret: reference.name.clone(), at: now, content: content.clone() };
            self.lock().insert(name.clone(), read);
        }
        Ok(parsed)
    }

    /// Forgets a rollout that is gone.
    pub(super) fn forget(&self, name: &Name) {
        self.lock().remove(name);
    }

    fn remembered(&self, name: &Name, reference: &SecretRef, now: Timestamp) -> Option<T> {
        let known = self.lock();
        let read = known.get(name).filter(|it| it.secret == reference.name)?;
        (now.duration_since(read.at) < READ_AGAIN).then(|| read.content.clone())
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<Name, Read<T>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
