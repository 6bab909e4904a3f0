//! Equal questions that are under way at one time are asked once.
//! Keeps nothing after the answer: the next question is a new one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use futures::FutureExt;
use futures::future::{BoxFuture, Shared, WeakShared};
use prometheus_http_query::response::Data;

use crate::error::Fault;

/// What an answer is. Shared by all who asked.
pub(crate) type Answer = Result<Arc<Data>, Fault>;

/// A query and the second at which it is evaluated.
pub(crate) type Question = (Arc<str>, i64);

/// Questions under way. One that nobody waits for any more is dropped, with its connection.
#[derive(Default)]
pub(crate) struct Flights {
    under_way: Mutex<HashMap<Question, WeakShared<BoxFuture<'static, Answer>>>>,
}

impl Flights {
    /// Waits for the answer to `question`, asking by `ask` unless somebody does so already.
    pub(crate) async fn join(
        &self,
        question: Question,
        ask: impl FnOnce() -> BoxFuture<'static, Answer>,
    ) -> Answer {
        // The lock is given back before anybody waits.
        self.find(question, ask).await
    }

    fn find(
        &self,
        question: Question,
        ask: impl FnOnce() -> BoxFuture<'static, Answer>,
    ) -> Shared<BoxFuture<'static, Answer>> {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
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
