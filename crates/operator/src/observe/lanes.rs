//! Answers that are shared by all who ask for the same namespace at the same time, for as long as they
//! are young enough. Asks nothing by itself.

use std::collections::HashMap;
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use tokio::time::Instant;

/// Namespaces whose last answer is kept; more than that are forgotten together.
const MAX_NAMESPACES: usize = 2_000;

/// The last answer of a namespace. Locked while it is asked: who comes meanwhile shares the answer.
type Lane<T> = Arc<tokio::sync::Mutex<Option<(Instant, Arc<T>)>>>;

/// The last answer of each namespace. Clones share it.
pub(super) struct Lanes<T>(Arc<Mutex<HashMap<Arc<str>, Lane<T>>>>);

impl<T> Clone for Lanes<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Default for Lanes<T> {
    fn default() -> Self {
        Self(Arc::default())
    }
}

impl<T> Lanes<T> {
    /// The last answer, if it is no older than `age`; else this one.
    pub(super) async fn get<E>(
        &self,
        namespace: &str,
        age: Duration,
        answer: impl Future<Output = Result<T, E>>,
    ) -> Result<Arc<T>, E> {
        let asked_at = Instant::now();
        let lane = {
            let mut all = self.0.lock();
            if MAX_NAMESPACES <= all.len() && !all.contains_key(namespace) {
                all.clear();
            }
            Arc::clone(all.entry(namespace.into()).or_default())
        };
        let mut last = lane.lock().await;
        if let Some((at, found)) = &*last
            && asked_at <= *at + age
        {
            return Ok(Arc::clone(found));
        }
        let at = Instant::now();
        let found = Arc::new(answer.await?);
        *last = Some((at, Arc::clone(&found)));
        Ok(found)
    }

    /// The last answer of this namespace is no answer any more; nor is one that is under way.
    pub(super) fn forget(&self, namespace: &str) {
        self.0.lock().remove(namespace);
    }
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_answer_is_shared_while_it_is_young_and_until_it_is_forgotten() {
        let lanes = Lanes::default();
        let ask = async |answer: u32| {
            let answer = async move { Ok::<_, Infallible>(answer) };
            *lanes.get("shop", Duration::from_secs(10), answer).await.expect("an answer")
        };
        assert_eq!((ask(1).await, ask(2).await), (1, 1));
        lanes.forget("shop");
        assert_eq!(ask(3).await, 3);
        tokio::time::advance(Duration::from_secs(11)).await;
        assert_eq!(ask(4).await, 4);
    }
}
