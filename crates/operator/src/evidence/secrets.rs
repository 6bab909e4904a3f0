//! Secrets that a rollout names, read again now and then and parsed at once.
//! Their content goes into the parsed value and nowhere else.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use siskin_api::SecretRef;

use crate::cluster::calls::Cluster;
use crate::evidence::concern::Concern;
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
    /// it, and answers where the API server does not: what needs no evidence goes on.
    pub(super) async fn secret<T: Clone>(
        self,
        known: &PerRollout<SecretRead<T>>,
        field: &str,
        reference: &SecretRef,
        parse: impl FnOnce(&Data) -> Result<T, String> + Send,
    ) -> Result<T, Concern> {
        let Self { cluster, name, now } = self;
        let read = known.get(name).filter(|it| it.secret == reference.name);
        let is_old = |it: &SecretRead<T>| READ_AGAIN_AFTER <= now.duration_since(it.at);
        let old = match read {
            Some(read) if !is_old(&read) => return Ok(read.content),
            old => old,
        };
        let found = match (cluster.secret(&name.namespace, &reference.name).await, old) {
            (Ok(found), _) => found,
            (Err(error), Some(old)) if !error.is_refused() => {
                tracing::debug!(rollout = %name, error = error.told(), "a Secret is used as it was");
                let content = old.content.clone();
                known.insert(name, SecretRead { at: now, ..old });
                return Ok(content);
            }
            (Err(error), _) => {
                let reason = if error.is_refused() { "SecretForbidden" } else { "SecretUnread" };
                let message = format!("{}; {field}.credentialsSecretRef names it", error.told());
                return Err(Concern::new(reason, message));
            }
        };
        let Some(secret) = found else {
            let message = format!(
                "Secret {} does not exist in this namespace; {field}.credentialsSecretRef names it",
                reference.name
            );
            return Err(Concern::new("SecretMissing", message));
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

#[cfg(test)]
mod tests {
    use http::{Request, Response};
    use kube::Client;
    use kube::client::Body;
    use serde_json::json;
    use tower_test::mock;

    use super::*;

    /// Answers the first read, and no other.
    fn answering_once() -> Cluster {
        let (service, mut server) = mock::pair::<Request<Body>, Response<Body>>();
        tokio::spawn(async move {
            let secret = json!({"metadata": {"name": "login"}, "data": {"password": "YQ=="}});
            let mut answers = vec![(200, secret)];
            while let Some((_, reply)) = server.next_request().await {
                let away = json!({"status": "Failure", "code": 503, "message": "away"});
                let (code, answer) = answers.pop().unwrap_or((503, away));
                let body = Body::from(serde_json::to_vec(&answer).expect("JSON"));
                let answer = Response::builder().status(code).body(body);
                reply.send_response(answer.expect("a response"));
            }
        });
        Cluster::new(Client::new(service, "default"))
    }

    #[tokio::test]
    async fn a_secret_that_can_not_be_read_again_is_used_as_it_was() {
        let (cluster, known, name) =
            (answering_once(), PerRollout::default(), Name::new("shop", "orders"));
        let read = async |second, secret: &str| {
            let now = Timestamp::from_second(second).expect("a time");
            let context = ReadContext { cluster: &cluster, name: &name, now };
            let reference = SecretRef { name: secret.into() };
            let parse = |data: &Data| data.get("password").cloned().ok_or_else(String::new);
            context.secret(&known, "spec.analysis.kafka", &reference, parse).await
        };
        assert_eq!(read(0, "login").await, Ok(b"a".to_vec()));
        for second in [31, 62, 3_600] {
            assert_eq!(read(second, "login").await, Ok(b"a".to_vec()), "{second}");
        }
        let other = read(3_601, "other").await.expect_err("nobody knows what it holds");
        assert_eq!(other.reason, "SecretUnread");
    }
}
