//! Equal questions that are under way at one time are asked once.
//! Keeps nothing after the answer: the next question is a new one.

use std::collections::HashMap;
use std::sync::Arc;

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use parking_lot::Mutex;
use siskin_analysis::observation::Millis;

use crate::data::Data;
use crate::error::Fault;
use crate::promql::LabelName;

/// Answer to a question, shared by all who asked it.
pub(crate) type Answer = Result<Arc<Data>, Fault>;

/// A query, the moment at which it is evaluated, and how its answer is read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct InstantQuery {
    pub(crate) text: Arc<str>,
    pub(crate) at: Millis,
    /// The label that names a pod in the answer.
    pub(crate) pod: LabelName,
}

/// Questions under way. A question that nobody waits for any more is dropped with its connection.
#[derive(Default)]
pub(crate) struct Flights {
    under_way: Mutex<HashMap<InstantQuery, WeakShared<BoxFuture<'static, Answer>>>>,
}

impl Flights {
    /// Waits for the answer to `question`, asking by `ask` unless somebody does so already.
    pub(crate) async fn join(
        &self,
        question: InstantQuery,
        ask: impl FnOnce() -> BoxFuture<'static, Answer>,
    ) -> Answer {
        // The lock is given back before anybody waits.
        self.find(question, ask).await
    }

    fn find(
        &self,
        question: InstantQuery,
        ask: impl FnOnce() -> BoxFuture<'static, Answer>,
    ) -> Shared<BoxFuture<'static, Answer>> {
        let mut under_way = self.under_way.lock();
        if let Some(flight) = under_way.get(&question).and_then(WeakShared::upgrade) {
            return flight;
        }
        under_way.retain(|_, flight| flight.upgrade().is_some());
        let flight = ask().shared();
        if let Some(weak) = flight.downgrade() {
            under_way.insert(question, weak);
        }
        flight
    }
}
